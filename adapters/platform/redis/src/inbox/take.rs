//! Taking a partition: lease and epoch first, then a stamp on each bucket, then back to where the last one stands.

use std::{collections::HashMap, time::Duration};

use fred::types::Value;
use futures_util::future::try_join_all;
use kernel_application::{BoxError, StoreError, messaging::Position};

use super::micros;
use crate::{Bucket, Redis, Script, script::script};

static BEGIN: Script = script!("begin");
static TAKE: Script = script!("take");
static STAMP: Script = script!("stamp");
static RAISE: Script = script!("raise");
static REWIND: Script = script!("rewind");

/// Where a bucket stood when it was stamped.
struct Cursor {
    bucket: Bucket,
    epoch: i64,
    reached: i64,
}

/// A partition that is ours, with where it began and the floors of its buckets.
struct Held {
    position: Position,
    start: i64,
    floors: HashMap<Bucket, i64>,
}

/// Lets a position that is not there begin at `start`.
pub(super) async fn begin(redis: &Redis, place: &str, start: i64) -> Result<(), StoreError> {
    let keys = vec![redis.position_key(place)];
    let _made: bool = redis.eval("begin partition", &BEGIN, keys, vec![start.into()]).await?;
    Ok(())
}

/// Takes the partition `place`; `None` where another owner holds it.
///
/// Who fails on the way has the lease but has read nothing; the next try, by whomever, begins anew.
pub(super) async fn take(
    redis: &Redis,
    place: &str,
    owner: &str,
    ttl: Duration,
) -> Result<Option<Position>, StoreError> {
    const OPERATION: &str = "take partition";
    let keys = vec![redis.position_key(place)];
    let args = vec![owner.into(), micros(ttl).into()];
    let taken: Option<HashMap<String, String>> = redis.eval(OPERATION, &TAKE, keys, args).await?;
    let Some(fields) = taken else { return Ok(None) };
    let fail = |source| StoreError::Failed { store: redis.store(), operation: OPERATION, source };
    let mut held = Held::read(&fields).map_err(fail)?;
    let Some(cursors) = stamp_all(redis, place, &mut held).await? else { return Ok(None) };
    let behind: Vec<_> =
        cursors.into_iter().filter(|cursor| cursor.reached < held.floor(cursor.bucket)).collect();
    if behind.is_empty() { Ok(Some(held.position)) } else { rewind(redis, place, &held, &behind).await }
}

impl Held {
    fn read(fields: &HashMap<String, String>) -> Result<Self, BoxError> {
        let number = |name: &str| match fields.get(name) {
            Some(text) => text.parse::<i64>().map_err(|_| format!("{name} of a position is {text:?}")),
            None => Ok(0),
        };
        let mut floors = HashMap::new();
        for name in fields.keys() {
            if let Some(bucket) = name.strip_prefix("bucket:") {
                floors.insert(Bucket::from_number(bucket.parse()?), number(name)?);
            }
        }
        let position = Position { epoch: number("epoch")?, next_offset: number("next_offset")? };
        Ok(Self { position, start: number("start")?, floors })
    }

    fn floor(&self, bucket: Bucket) -> i64 {
        self.floors.get(&bucket).copied().unwrap_or(0)
    }
}

/// Puts the epoch on each bucket; `None` where the partition was taken by another meanwhile.
///
/// A bucket that was read under the same or a higher epoch tells that the position lost writes. The epoch goes above it,
/// or two readers could have the same one.
async fn stamp_all(redis: &Redis, place: &str, held: &mut Held) -> Result<Option<Vec<Cursor>>, StoreError> {
    loop {
        let epoch = held.position.epoch;
        let cursors = try_join_all(Bucket::all().map(|bucket| stamp(redis, place, bucket, held))).await?;
        let highest = cursors.iter().map(|cursor| cursor.epoch).max().unwrap_or(0);
        if highest < epoch {
            return Ok(Some(cursors));
        }
        let args = vec![epoch.into(), (highest + 1).into()];
        if !redis.eval("raise epoch", &RAISE, vec![redis.position_key(place)], args).await? {
            return Ok(None);
        }
        held.position.epoch = highest + 1;
    }
}

/// Stamps a bucket and lifts its cursor, unless it lost something.
async fn stamp(redis: &Redis, place: &str, bucket: Bucket, held: &Held) -> Result<Cursor, StoreError> {
    let Position { epoch, next_offset } = held.position;
    let args = vec![place.into(), epoch.into(), held.floor(bucket).into(), next_offset.into()];
    let (epoch, reached) =
        redis.eval("stamp bucket", &STAMP, vec![redis.key(bucket, "cursor")], args).await?;
    Ok(Cursor { bucket, epoch, reached })
}

/// Moves the position back, and what it knows of the buckets that fell behind.
///
/// Never to before the offset the consumer began at: a bucket that was lost before its cursor was ever lifted has none.
async fn rewind(
    redis: &Redis,
    place: &str,
    held: &Held,
    behind: &[Cursor],
) -> Result<Option<Position>, StoreError> {
    let position = held.position;
    let lowest = behind.iter().map(|cursor| cursor.reached).min().unwrap_or(position.next_offset);
    let next_offset = lowest.max(held.start).min(position.next_offset);
    let mut args: Vec<Value> = vec![position.epoch.into(), next_offset.into()];
    for cursor in behind {
        args.extend([i64::from(cursor.bucket.number()).into(), cursor.reached.into()]);
    }
    let moved: bool =
        redis.eval("move position back", &REWIND, vec![redis.position_key(place)], args).await?;
    Ok(moved.then_some(Position { next_offset, ..position }))
}
