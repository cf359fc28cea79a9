//! What is stored and cannot be read is an error, never something made up; what is too large to be published is not stored.

use fred::interfaces::HashesInterface;
use kernel_application::{
    StoreError,
    messaging::{Inbox, MAX_PAYLOAD, OutboundMessage, Outbox, OversizedPayload},
};

use super::{LONG, event_id, single};
use crate::{Redis, RedisInbox, RedisOutbox, keys::place};

fn message(payload: Vec<u8>) -> OutboundMessage {
    OutboundMessage {
        event_id: event_id(1),
        topic: "things".to_owned(),
        key: "k".to_owned(),
        aggregate_version: 1,
        payload,
        headers: vec![("traceparent".to_owned(), "00-1-2-01".to_owned())],
    }
}

async fn with_a_message() -> Redis {
    let redis = single().await;
    RedisOutbox::new(redis.clone()).enqueue(vec![message(b"payload".to_vec())]).await.unwrap();
    redis
}

async fn id(redis: &Redis) -> String {
    RedisOutbox::new(redis.clone()).pending(0, 10).await.unwrap()[0].id.to_string()
}

async fn is_refused(redis: &Redis) {
    let read = RedisOutbox::new(redis.clone()).pending(0, 10).await;
    assert!(matches!(read, Err(StoreError::Failed { operation: "read outbox", .. })), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_head_is_refused() {
    let redis = with_a_message().await;
    let (id, heads) = (id(&redis).await, redis.keys().messaging("outbox:heads"));
    let client = redis.client("test").unwrap();
    let head: String = client.hget(heads.clone(), id.clone()).await.unwrap();
    for broken in [
        head.replace(r#"[["traceparent","00-1-2-01"]]"#, r#""traceparent""#),
        head.replace(r#"["traceparent","00-1-2-01"]"#, r#"["traceparent"]"#),
        head.replace(r#""headers""#, r#""heads""#),
        head[..head.len() - 1].to_owned(),
        String::new(),
    ] {
        assert_ne!(broken, head);
        let () = client.hset(heads.clone(), [(id.clone(), broken)]).await.unwrap();
        is_refused(&redis).await;
    }
    let () = client.hdel(heads, id).await.unwrap();
    is_refused(&redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_payload_is_refused() {
    let redis = with_a_message().await;
    let (id, payloads) = (id(&redis).await, redis.keys().messaging("outbox:payloads"));
    let () = redis.client("test").unwrap().hdel(payloads, id).await.unwrap();
    is_refused(&redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_position_is_refused() {
    for (field, value) in [("next_offset", "soon"), ("start", ""), ("bucket:17", "x"), ("bucket:256", "1")] {
        let redis = single().await;
        let inbox = RedisInbox::new(redis.clone());
        inbox.begin("c", "things", 0, 5).await.unwrap();
        let position = redis.position_key(&place("c", "things", 0));
        let () = redis.client("test").unwrap().hset(position, [(field, value)]).await.unwrap();
        let taken = inbox.take("c", "things", 0, "me", LONG).await;
        assert!(matches!(taken, Err(StoreError::Failed { .. })), "{field}: {taken:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_is_too_large_is_refused_by_name() {
    let outbox = RedisOutbox::new(single().await);
    let fits = outbox.enqueue(vec![message(vec![7; MAX_PAYLOAD])]).await;
    assert!(fits.is_ok(), "{fits:?}");
    let refused = outbox.enqueue(vec![message(vec![7; MAX_PAYLOAD + 1])]).await;
    let Err(StoreError::Failed { source, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(source.downcast_ref::<OversizedPayload>().unwrap().length, MAX_PAYLOAD + 1);
    assert_eq!(outbox.stats().await.unwrap().backlog, 1);
}
