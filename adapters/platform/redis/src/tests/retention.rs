//! A log that keeps only its latest records: whoever goes back goes back a little, to what the log still has.

use fred::interfaces::HashesInterface;
use kernel_application::messaging::{Inbox, Outbox, Position};

use super::{
    LONG, counted, delivery,
    past::{Past, bucket, consume, park},
    take,
};
use crate::{Bucket, Redis, RedisInbox, RedisOutbox, keys::place};

/// The oldest record of the log when its consumer is new, far above 0. Even numbers have their effect in bucket 0.
pub(super) const START: u32 = 1_000_000;

/// The offset of the log's record number `n`.
pub(super) fn offset(n: u32) -> i64 {
    (START + n).into()
}

/// A consumer that begins where the log does.
pub(super) async fn begun(redis: &Redis) -> Position {
    RedisInbox::new(redis.clone()).begin("c", "things", 0, offset(0)).await.unwrap();
    let position = take(redis).await;
    assert_eq!(position.next_offset, offset(0));
    position
}

/// Passes records `from..to`, which have no effect.
async fn pass(redis: &Redis, epoch: i64, from: u32, to: u32) {
    for n in from..to {
        RedisInbox::new(redis.clone()).advance(&delivery(epoch, n)).await.unwrap();
    }
}

pub(super) async fn renew(redis: &Redis, position: Position) -> bool {
    RedisInbox::new(redis.clone()).renew("c", "things", 0, position.epoch, LONG).await.unwrap()
}

/// As many renewals as it takes to look at all buckets.
async fn look_at_all(redis: &Redis, position: Position) {
    for _ in 0..16 {
        assert!(renew(redis, position).await);
    }
}

async fn cursor(redis: &Redis, bucket: Bucket) -> Option<i64> {
    let client = redis.client("read cursor").unwrap();
    client.hget(redis.key(bucket, "cursor"), format!("{}|next", place("c", "things", 0))).await.unwrap()
}

async fn the_first_effect_of_a_bucket_is_lost(redis: Redis) {
    begun(&redis).await;
    let position = take(&redis).await;
    let past = Past::of_bucket(&redis, bucket(0)).await;
    assert_eq!(consume(&redis, position, START + 1).await, [START]);
    past.comes_back(&redis).await;

    let position = take(&redis).await;
    assert_eq!(position.next_offset, offset(0), "what the log has, not 0");
    assert_eq!(consume(&redis, position, START + 3).await, [START, START + 1, START + 2]);
    assert_eq!((counted(&redis, bucket(0)).await, counted(&redis, bucket(1)).await), (2, 1));
}

async fn a_bucket_is_lost_before_its_cursor_was_ever_lifted(redis: Redis) {
    let past = Past::of_bucket(&redis, bucket(0)).await;
    let position = begun(&redis).await;
    consume(&redis, position, START + 2).await;
    past.comes_back(&redis).await;
    assert_eq!(cursor(&redis, bucket(0)).await, None);

    let position = take(&redis).await;
    assert_eq!(position.next_offset, offset(0), "nothing before its beginning concerns a consumer");
    assert_eq!(consume(&redis, position, START + 3).await, [START, START + 2]);
    assert_eq!((counted(&redis, bucket(0)).await, counted(&redis, bucket(1)).await), (2, 1));
    look_at_all(&redis, position).await;
}

async fn renewals_lift_idle_buckets(redis: Redis) {
    let position = begun(&redis).await;
    pass(&redis, position.epoch, START, START + 40).await;
    assert_eq!(cursor(&redis, bucket(0)).await, Some(offset(0)), "it moves by itself only with an effect");
    look_at_all(&redis, position).await;
    for bucket in Bucket::all() {
        assert_eq!(cursor(&redis, bucket).await, Some(offset(40)), "{bucket:?}");
    }
    pass(&redis, position.epoch, START + 40, START + 44).await;
    let past = Past::of_bucket(&redis, bucket(0)).await;
    consume(&redis, Position { next_offset: offset(44), ..position }, START + 46).await;
    past.comes_back(&redis).await;

    let position = take(&redis).await;
    assert_eq!(position.next_offset, offset(40), "as far back as the last look, no further");
    assert_eq!(consume(&redis, position, START + 47).await, [START + 44, START + 46]);
    assert_eq!((counted(&redis, bucket(0)).await, counted(&redis, bucket(1)).await), (2, 1));
}

async fn taking_lifts_idle_buckets(redis: Redis) {
    let position = begun(&redis).await;
    pass(&redis, position.epoch, START, START + 9).await;
    take(&redis).await;
    for bucket in Bucket::all() {
        assert_eq!(cursor(&redis, bucket).await, Some(offset(9)), "{bucket:?}");
    }
}

async fn a_lift_that_is_lost_costs_nothing(redis: Redis) {
    let position = begun(&redis).await;
    pass(&redis, position.epoch, START, START + 5).await;
    let past = Past::of_bucket(&redis, bucket(0)).await;
    look_at_all(&redis, position).await;
    past.comes_back(&redis).await;
    assert_eq!(cursor(&redis, bucket(0)).await, Some(offset(0)));

    look_at_all(&redis, position).await;
    assert_eq!(cursor(&redis, bucket(0)).await, Some(offset(5)), "the next look makes up for it");
    assert_eq!(take(&redis).await.next_offset, offset(5), "nothing was lost, nothing comes again");
}

async fn a_bucket_that_fell_back_is_not_lifted(redis: Redis) {
    let position = begun(&redis).await;
    let past = Past::of_bucket(&redis, bucket(0)).await;
    consume(&redis, position, START + 8).await;
    past.comes_back(&redis).await;
    let mut renewals = 0;
    while renew(&redis, position).await {
        renewals += 1;
        assert!(renewals < 16, "it is noticed");
    }
    assert_eq!(cursor(&redis, bucket(0)).await, Some(offset(0)), "a lift would hide what it lost");

    // Who takes the partition dies after the stamps, before the position is moved back.
    let messaging = Past::of_messaging(&redis).await;
    take(&redis).await;
    messaging.comes_back(&redis).await;
    let position = take(&redis).await;
    assert_eq!((cursor(&redis, bucket(0)).await, position.next_offset), (Some(offset(0)), offset(0)));
    assert_eq!(consume(&redis, position, START + 8).await, [START, START + 2, START + 4, START + 6]);
}

async fn a_bucket_that_lost_its_stamp_is_not_lifted(redis: Redis) {
    let position = begun(&redis).await;
    let past = Past::of_bucket(&redis, bucket(0)).await;
    let position = Position { epoch: take(&redis).await.epoch, ..position };
    past.comes_back(&redis).await;
    pass(&redis, position.epoch, START, START + 3).await;
    let mut renewals = 0;
    while renew(&redis, position).await {
        renewals += 1;
        assert!(renewals < 16, "a reader that lost the partition could write there");
    }
    assert_eq!(cursor(&redis, bucket(0)).await, Some(offset(0)));
    assert_eq!(take(&redis).await.next_offset, offset(3), "the stamp was all that it lost");
}

async fn a_crash_among_the_stamps_leaves_buckets_lifted_or_not(redis: Redis) {
    let position = begun(&redis).await;
    let mut untouched = vec![];
    consume(&redis, position, START + 3).await;
    for bucket in Bucket::all().step_by(2).chain([bucket(0)]) {
        untouched.push(Past::of_bucket(&redis, bucket).await);
    }
    let dead = take(&redis).await;
    for past in untouched {
        past.comes_back(&redis).await;
    }
    let position = take(&redis).await;
    assert!(position.epoch > dead.epoch);
    assert_eq!(position.next_offset, offset(3), "nothing was lost");
    assert_eq!(consume(&redis, position, START + 6).await, [START + 3, START + 4, START + 5]);
    assert_eq!((counted(&redis, bucket(0)).await, counted(&redis, bucket(1)).await), (3, 3));
}

async fn a_position_that_falls_back_below_lifted_buckets_repeats_nothing(redis: Redis) {
    let position = begun(&redis).await;
    consume(&redis, position, START + 2).await;
    let past = Past::of_messaging(&redis).await;
    consume(&redis, Position { next_offset: offset(2), ..position }, START + 7).await;
    look_at_all(&redis, position).await;
    past.comes_back(&redis).await;

    look_at_all(&redis, position).await;
    let position = take(&redis).await;
    assert_eq!(position.next_offset, offset(2));
    assert_eq!(consume(&redis, position, START + 9).await, [START + 7, START + 8]);
    assert_eq!((counted(&redis, bucket(0)).await, counted(&redis, bucket(1)).await), (5, 4));
}

async fn what_was_parked_and_lost_is_not_taken_for_applied(redis: Redis) {
    let position = begun(&redis).await;
    let past = Past::of_messaging(&redis).await;
    park(&redis, &delivery(position.epoch, START)).await;
    look_at_all(&redis, position).await;
    assert_eq!(cursor(&redis, bucket(0)).await, Some(offset(1)));
    past.comes_back(&redis).await;

    assert_eq!(RedisOutbox::new(redis.clone()).stats().await.unwrap().backlog, 0, "its dead letter is gone");
    let position = take(&redis).await;
    assert_eq!(consume(&redis, position, START + 1).await, [START]);
    assert_eq!(counted(&redis, bucket(0)).await, 1);
}

async fn a_later_cursor_is_not_moved_back_by_an_earlier_record(redis: Redis) {
    let position = begun(&redis).await;
    park(&redis, &delivery(position.epoch, START)).await;
    let past = Past::of_bucket(&redis, bucket(1)).await;
    consume(&redis, Position { next_offset: offset(1), ..position }, START + 3).await;
    past.comes_back(&redis).await;
    let position = take(&redis).await;
    assert_eq!(position.next_offset, i64::from(START), "the other bucket had not been looked at since");
    // This time it can be applied.
    assert_eq!(consume(&redis, position, START + 3).await, [START, START + 1]);
    assert_eq!(cursor(&redis, bucket(0)).await, Some(offset(3)));
    assert_eq!(take(&redis).await.next_offset, offset(3));
}

cases! {
    the_first_effect_of_a_bucket_is_lost,
    a_bucket_is_lost_before_its_cursor_was_ever_lifted,
    renewals_lift_idle_buckets,
    taking_lifts_idle_buckets,
    a_lift_that_is_lost_costs_nothing,
    a_bucket_that_fell_back_is_not_lifted,
    a_bucket_that_lost_its_stamp_is_not_lifted,
    a_crash_among_the_stamps_leaves_buckets_lifted_or_not,
    a_position_that_falls_back_below_lifted_buckets_repeats_nothing,
    what_was_parked_and_lost_is_not_taken_for_applied,
    a_later_cursor_is_not_moved_back_by_an_earlier_record,
}
