//! Crashes, readers that come too late, and shards that fall back: every effect is there once all the same.

use kernel_application::{
    StoreError,
    messaging::{Delivery, Inbox, Position},
};

use super::{
    LONG, apply, count_change, counted, delivery, event_id,
    past::{Past, bucket, consume, park},
    seen, take,
};
use crate::{Redis, RedisInbox, settle::Outcome};

async fn a_crash_before_the_move_applies_nothing_again(redis: Redis) {
    let position = take(&redis).await;
    let first = delivery(position.epoch, 0);
    // The process ends here: the effect is written, the position still names the record.
    let outcome = redis.settle(&first, count_change(&redis, bucket(0), "")).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)));
    assert!(!seen(&redis, 0).await);

    let position = take(&redis).await;
    assert_eq!(position.next_offset, 0);
    assert_eq!(consume(&redis, position, 2).await, [1]);
    assert!(seen(&redis, 0).await);
    assert_eq!((counted(&redis, bucket(0)).await, take(&redis).await.next_offset), (1, 2));
}

async fn a_reader_that_comes_too_late_writes_nothing(redis: Redis) {
    let old = take(&redis).await;
    let late = delivery(old.epoch, 0);
    // It passed the guard and was cut off. Meanwhile the partition went to another, which parked the record.
    let (floor, _) = redis.guard(&late, bucket(0)).await.unwrap().unwrap();
    let new = take(&redis).await;
    park(&redis, &delivery(new.epoch, 0)).await;
    let outcome = redis.change(count_change(&redis, bucket(0), ""), Some((&late, floor))).await.unwrap();
    assert!(matches!(outcome, Outcome::Lost));
    assert_eq!(counted(&redis, bucket(0)).await, 0, "parked is parked");
    assert_eq!(take(&redis).await.next_offset, 1);
}

async fn a_bucket_that_falls_back_gets_its_events_again(redis: Redis) {
    let position = take(&redis).await;
    assert_eq!(consume(&redis, position, 3).await, [0, 1, 2]);
    let past = Past::of_bucket(&redis, bucket(0)).await;
    let next = Position { next_offset: 3, ..position };
    assert_eq!(consume(&redis, next, 7).await, [3, 4, 5, 6]);
    past.comes_back(&redis).await;
    assert!(!seen(&redis, 4).await && seen(&redis, 5).await, "the bucket has the last word");

    let position = take(&redis).await;
    assert_eq!(position.next_offset, 3, "where the bucket stands that fell behind");
    assert_eq!(consume(&redis, position, 9).await, [4, 6, 7, 8], "the other one has what it had");
    assert_eq!((counted(&redis, bucket(0)).await, counted(&redis, bucket(1)).await), (5, 4));
    assert_eq!(take(&redis).await.next_offset, 9, "nothing is lost any more");
}

async fn the_next_effect_notices_that_its_bucket_fell_back(redis: Redis) {
    let position = take(&redis).await;
    consume(&redis, position, 1).await;
    let past = Past::of_bucket(&redis, bucket(0)).await;
    consume(&redis, Position { next_offset: 1, ..position }, 4).await;
    past.comes_back(&redis).await;

    let fenced = apply(&redis, &delivery(position.epoch, 4), bucket(4)).await;
    assert!(matches!(fenced, Err(StoreError::Fenced)), "{fenced:?}");
    let inbox = RedisInbox::new(redis.clone());
    assert!(!inbox.renew("c", "things", 0, position.epoch, LONG).await.unwrap(), "it must be taken anew");
    let position = take(&redis).await;
    assert_eq!((position.next_offset, consume(&redis, position, 5).await), (1, vec![2, 4]));
    assert_eq!((counted(&redis, bucket(0)).await, counted(&redis, bucket(1)).await), (3, 2));
}

async fn renewals_notice_an_idle_bucket_that_fell_back(redis: Redis) {
    let position = take(&redis).await;
    let past = Past::of_bucket(&redis, bucket(0)).await;
    consume(&redis, position, 2).await;
    let inbox = RedisInbox::new(redis.clone());
    let renew = async || inbox.renew("c", "things", 0, position.epoch, LONG).await.unwrap();
    for _ in 0..40 {
        assert!(renew().await, "all is well");
    }
    past.comes_back(&redis).await;
    let mut renewals = 0;
    while renew().await {
        renewals += 1;
        assert!(renewals < 16, "all buckets are looked at in sixteen renewals");
    }
    let position = take(&redis).await;
    assert_eq!((position.next_offset, consume(&redis, position, 2).await), (0, vec![0]));
}

async fn a_position_that_falls_back_repeats_nothing(redis: Redis) {
    let first = take(&redis).await;
    consume(&redis, first, 2).await;
    let past = Past::of_messaging(&redis).await;
    let second = take(&redis).await;
    consume(&redis, second, 6).await;
    past.comes_back(&redis).await;

    let fenced = apply(&redis, &delivery(second.epoch, 6), bucket(6)).await;
    assert!(matches!(fenced, Err(StoreError::Fenced)), "the position is not what it was: {fenced:?}");
    let third = take(&redis).await;
    assert_eq!(third.next_offset, 2);
    assert!(third.epoch > second.epoch, "an epoch that was given is not given again");
    assert_eq!(consume(&redis, third, 8).await, [6, 7]);
    assert_eq!((counted(&redis, bucket(0)).await, counted(&redis, bucket(1)).await), (4, 4));
}

async fn position_and_bucket_may_fall_back_together(redis: Redis) {
    let position = take(&redis).await;
    consume(&redis, position, 2).await;
    let (messaging, bucket_0) = (Past::of_messaging(&redis).await, Past::of_bucket(&redis, bucket(0)).await);
    consume(&redis, Position { next_offset: 2, ..position }, 6).await;
    messaging.comes_back(&redis).await;
    bucket_0.comes_back(&redis).await;
    let position = take(&redis).await;
    assert_eq!((position.next_offset, consume(&redis, position, 6).await), (2, vec![2, 4]));
}

async fn an_event_that_comes_again_elsewhere_is_known(redis: Redis) {
    let position = take(&redis).await;
    apply(&redis, &delivery(position.epoch, 0), bucket(0)).await.unwrap();
    let again = Delivery { event_id: Some(event_id(0)), ..delivery(position.epoch, 1) };
    let known = apply(&redis, &again, bucket(1)).await;
    assert!(matches!(known, Err(StoreError::AlreadyApplied)), "{known:?}");
    assert_eq!((counted(&redis, bucket(1)).await, take(&redis).await.next_offset), (0, 2));
}

cases! {
    a_crash_before_the_move_applies_nothing_again,
    a_reader_that_comes_too_late_writes_nothing,
    a_bucket_that_falls_back_gets_its_events_again,
    the_next_effect_notices_that_its_bucket_fell_back,
    renewals_notice_an_idle_bucket_that_fell_back,
    a_position_that_falls_back_repeats_nothing,
    position_and_bucket_may_fall_back_together,
    an_event_that_comes_again_elsewhere_is_known,
}
