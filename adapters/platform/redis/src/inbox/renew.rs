//! Renewing a lease: beside it a few buckets are looked at, each in its turn, and their cursors lifted.

use std::time::Duration;

use futures_util::future::try_join_all;
use kernel_application::{StoreError, messaging::Position};

use super::micros;
use crate::{Bucket, Redis, Script, keys::BUCKETS, script::script};

static RENEW: Script = script!("renew");
static LIFT: Script = script!("lift");

/// How many buckets a renewal looks at: all of them in sixteen renewals.
const GLANCE: u16 = BUCKETS / 16;

/// Renews the lease of `place`; `false` where it is lost, or where a bucket lost something and it has to be taken anew.
pub(super) async fn renew(redis: &Redis, place: &str, epoch: i64, ttl: Duration) -> Result<bool, StoreError> {
    let args = vec![epoch.into(), micros(ttl).into(), i64::from(GLANCE).into()];
    let keys = vec![redis.position_key(place)];
    let known: Option<Vec<i64>> = redis.eval("renew partition", &RENEW, keys, args).await?;
    let Some([next_offset, first, floors @ ..]) = known.as_deref() else { return Ok(false) };
    // Floors and offset are of one moment: what concerns a bucket and comes before the offset comes before its floor, or
    // has no effect there. That stays true however the position moves afterwards.
    let position = Position { epoch, next_offset: *next_offset };
    let looks = (*first..).zip(floors).map(|(number, floor)| {
        let bucket = u8::try_from(number % i64::from(BUCKETS)).unwrap_or_default();
        lift(redis, place, Bucket::from_number(bucket), position, *floor)
    });
    let whole = !try_join_all(looks).await?.contains(&false);
    if !whole {
        redis.disown(place, epoch).await?;
    }
    Ok(whole)
}

/// Whether a bucket still has its stamp and all that is known of it. Its cursor goes along with the position then.
async fn lift(
    redis: &Redis,
    place: &str,
    bucket: Bucket,
    position: Position,
    floor: i64,
) -> Result<bool, StoreError> {
    let args = vec![place.into(), position.epoch.into(), floor.into(), position.next_offset.into()];
    redis.eval("look at bucket", &LIFT, vec![redis.key(bucket, "cursor")], args).await
}
