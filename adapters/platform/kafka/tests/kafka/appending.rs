//! Appends of all sizes.

use std::time::Instant;

use kernel_application::messaging::{EventLog, OutboundMessage};

use crate::support::{Bench, message, read_all, shared, topic};

/// `bytes` that no algorithm makes smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

/// An append larger than a request, and a payload larger than a fetch, arrive in order.
#[tokio::test]
async fn what_is_large_arrives_in_order() {
    let (topic, log) = (topic("large", 1).await, Bench::new(&shared(), &[]).log);
    let mut messages: Vec<_> = (0..4_000).map(|n| message(n, &topic, "a")).collect();
    messages[7].payload.extend(noise(700_000));
    log.append(&topic, 0, &messages).await.unwrap();
    let records = read_all(&log, &topic, 0).await;
    assert_eq!(records.len(), messages.len());
    assert!(records.iter().zip(&messages).all(|(record, message)| record.payload == message.payload));
}

/// A request that is written in two parts waits for an acknowledgement that comes after 40 ms, unless something makes the
/// broker speak. On a busy machine everything takes longer, but not every time.
#[tokio::test]
async fn a_request_in_two_parts_does_not_stall() {
    let (topic, log) = (topic("stall", 1).await, Bench::new(&shared(), &[]).log);
    let middling = OutboundMessage { payload: noise(30_000), ..message(1, &topic, "a") };
    let mut fastest = f64::MAX;
    for _ in 0..30 {
        let started = Instant::now();
        log.append(&topic, 0, std::slice::from_ref(&middling)).await.unwrap();
        fastest = fastest.min(started.elapsed().as_secs_f64());
    }
    assert!(fastest < 0.03, "{fastest} s");
}
