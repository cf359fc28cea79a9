//! A store that goes, hangs, and comes again.

use std::time::Instant;

use platform_testkit::{PATIENCE, eventually};

use super::{server::Server, *};

const SHARED: &str = "gateway_rate_limit_shared";
const LOST: &str = "limits are not shared";
const BACK: &str = "limits are shared again";

fn client(number: u8) -> LimitKey<'static> {
    LimitKey { client: LimitedClient::at([10, 0, 0, number].into()), class: RouteClass(0) }
}

async fn said(gateway: &Gateway, text: &str, times: usize) {
    let said = || async { (gateway.log.count(text) == times).then_some(()) };
    eventually(PATIENCE, said).await.unwrap_or_else(|_| panic!("{text}: {} times", gateway.log.count(text)));
}

async fn shares(gateway: &Gateway) {
    let shares = || async { (gateway.ask(client(0)).await.1 == Decider::Shared).then_some(()) };
    eventually(PATIENCE, shares).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gateway_counts_by_itself_until_the_store_is_back() {
    let mut server = Server::start();
    let gateway = Gateway::new(server.connect().await, &prefix(), quota(Duration::from_hours(1), 3), PATIENT);
    shares(&gateway).await;
    assert_eq!(gateway.ask(ADA).await, (true, Decider::Shared));
    assert_eq!(gateway.ask(ADA).await, (true, Decider::Shared));

    server.kill();
    // The connection may take a moment to notice; nobody is turned away for it, and nobody gets more.
    let answers = [gateway.ask(ADA).await, gateway.ask(ADA).await, gateway.ask(ADA).await];
    let expected = [true, false, false].map(|allowed| (allowed, Decider::Local));
    assert_eq!(answers, expected, "who has used up the burst gets no other one");
    for number in 1..100 {
        assert_eq!(gateway.ask(client(number)).await, (true, Decider::Local));
    }
    assert_eq!(gateway.figure(SHARED), 0);
    assert!(gateway.figure("gateway_rate_limit_store_failures_total") >= 1);
    said(&gateway, LOST, 1).await;

    server.start_again();
    shares(&gateway).await;
    assert_eq!(gateway.figure(SHARED), 1);
    said(&gateway, BACK, 1).await;
    assert_eq!(gateway.log.count(LOST), 1, "one line for each change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_may_start_before_the_store() {
    let mut server = Server::start();
    server.kill();
    let gateway = Gateway::new(server.prepare(), &prefix(), quota(Duration::from_hours(1), 3), PATIENT);
    assert_eq!(gateway.ask(ADA).await, (true, Decider::Local));
    server.start_again();
    shares(&gateway).await;
    said(&gateway, BACK, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_store_that_hangs() {
    let timeout = Duration::from_millis(50);
    let server = Server::start();
    let gateway =
        Gateway::new(server.connect().await, &prefix(), quota(Duration::from_hours(1), 300), timeout);
    shares(&gateway).await;
    server.signal("STOP");
    let start = Instant::now();
    for _ in 0..200 {
        assert_eq!(gateway.ask(ADA).await, (true, Decider::Local));
    }
    // Three of them waited to find out, and one more every half second to see whether it is back.
    let waited = gateway.figure("gateway_rate_limit_store_failures_total");
    let trials = u64::try_from(start.elapsed().as_millis() / 500).unwrap();
    assert!((3..=4 + trials).contains(&waited), "{waited} of 200 in {:?}", start.elapsed());
    said(&gateway, LOST, 1).await;
    server.signal("CONT");
    shares(&gateway).await;
    said(&gateway, BACK, 1).await;
}
