//! Taking a partition: lease and epoch first, then a stamp on each bucket, then back to where the last one stands.

use std::{collections::HashMap, time::Duration};

use fred::types::Value;
use futures_util::future::try_join_all;
use kernel_application::{StoreError, messaging::Position};

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

/// A partition that is ours, with what is known of its buckets.
struct Held {
    position: Position,
    known: HashMap<Bucket, i64>,
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
    let keys = vec![redis.position_key(place)];
    let args = vec![owner.into(), micros(ttl).into()];
    let taken: Option<HashMap<String, String>> = redis.eval("take partition", &TAKE, keys, args).await?;
    let Some(mut held) = taken.map(|fields| Held::read(&fields)) else { return Ok(None) };
    let Some(cursors) = stamp_all(redis, place, &mut held.position).await? else { return Ok(None) };
    let behind: Vec<_> =
        cursors.into_iter().filter(|cursor| cursor.reached < held.known(cursor.bucket)).collect();
    let lowest = behind.iter().map(|cursor| cursor.reached).min();
    match lowest {
        None => Ok(Some(held.position)),
        Some(lowest) => rewind(redis, place, held.position, lowest, &behind).await,
    }
}

impl Held {
    fn read(fields: &HashMap<String, String>) -> Self {
        let number = |name: &str| fields.get(name).and_then(|value| value.parse().ok()).unwrap_or(0);
        let known = fields.keys().filter_map(|name| {
            let bucket = name.strip_prefix("bucket:")?.parse().ok()?;
            Some((Bucket::from_number(bucket), number(name)))
        });
        Self {
            position: Position { epoch: number("epoch"), next_offset: number("next_offset") },
            known: known.collect(),
        }
    }

    fn known(&self, bucket: Bucket) -> i64 {
        self.known.get(&bucket).copied().unwrap_or(0)
    }
}

/// Puts the epoch on each bucket; `None` where the partition was taken by another meanwhile.
///
/// A bucket that was read under the same or a higher epoch tells that the position lost writes. The epoch goes above it,
/// or two readers could have the same one.
async fn stamp_all(
    redis: &Redis,
    place: &str,
    position: &mut Position,
) -> Result<Option<Vec<Cursor>>, StoreError> {
    loop {
        let epoch = position.epoch;
        let cursors = try_join_all(Bucket::all().map(|bucket| stamp(redis, place, bucket, epoch))).await?;
        let highest = cursors.iter().map(|cursor| cursor.epoch).max().unwrap_or(0);
        if highest < epoch {
            return Ok(Some(cursors));
        }
        let args = vec![epoch.into(), (highest + 1).into()];
        if !redis.eval("raise epoch", &RAISE, vec![redis.position_key(place)], args).await? {
            return Ok(None);
        }
        position.epoch = highest + 1;
    }
}

async fn stamp(redis: &Redis, place: &str, bucket: Bucket, epoch: i64) -> Result<Cursor, StoreError> {
    let args = vec![place.into(), epoch.into()];
    let (epoch, reached) =
        redis.eval("stamp bucket", &STAMP, vec![redis.key(bucket, "cursor")], args).await?;
    Ok(Cursor { bucket, epoch, reached })
}

/// Moves the position back, and what it knows of the buckets that fell behind.
async fn rewind(
    redis: &Redis,
    place: &str,
    position: Position,
    lowest: i64,
    behind: &[Cursor],
) -> Result<Option<Position>, StoreError> {
    let next_offset = lowest.min(position.next_offset);
    let mut args: Vec<Value> = vec![position.epoch.into(), next_offset.into()];
    for cursor in behind {
        args.extend([i64::from(cursor.bucket.number()).into(), cursor.reached.into()]);
    }
    let moved: bool =
        redis.eval("move position back", &REWIND, vec![redis.position_key(place)], args).await?;
    Ok(moved.then_some(Position { next_offset, ..position }))
}
