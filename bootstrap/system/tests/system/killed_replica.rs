//! One of two replicas dies under load, and no reader notices.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::task::JoinSet;

use crate::{home::Home, shop::Shop};

const READERS: usize = 16;
/// How many answers there are to be before the kill, and after it.
const ENOUGH: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn no_get_fails_when_a_replica_is_killed() {
    let shop = Shop::closed_with(Home::new().await, |name| if name == "product-service" { 2 } else { 1 });
    let shop = Arc::new(shop);
    shop.start_all().await;
    let product = shop.product("10.00", 5).await;
    let (done, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let (shop, done, answers) = (Arc::clone(&shop), Arc::clone(&done), Arc::clone(&answers));
        readers.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                shop.get(&format!("/products/{product}")).await.expect(200);
                answers.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let served = |more: usize| {
        let (answers, from) = (Arc::clone(&answers), answers.load(Ordering::Relaxed));
        let shop = Arc::clone(&shop);
        async move {
            shop.until("readers are served", || async { answers.load(Ordering::Relaxed) >= from + more })
                .await;
        }
    };
    served(ENOUGH).await;
    both_in(&shop).await;
    shop.kill_replica(("product-service", 1));
    served(ENOUGH).await;
    shop.start_replica(("product-service", 1));
    shop.ready().await;
    served(ENOUGH).await;
    both_in(&shop).await;
    shop.kill_replica(("product-service", 0));
    served(ENOUGH).await;
    done.store(true, Ordering::Relaxed);
    // A reader that got anything but 200 has panicked.
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
    }
}

/// Waits until the gateway sends requests to both replicas: one that says that it is ready is not in before the gateway's
/// probes have found it so and its breaker is closed.
async fn both_in(shop: &Shop) {
    let backends = [0, 1].map(|number| shop.http_of(("product-service", number)).replace("http://", ""));
    shop.until("the gateway sends requests to both replicas", || async {
        let metrics = shop.client.get(format!("{}/metrics", shop.gateway())).send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        backends.iter().all(|backend| is_in(&metrics, backend))
    })
    .await;
}

fn is_in(metrics: &str, backend: &str) -> bool {
    let says = |figure: &str, state: &str| {
        let line = format!("{figure}{{service=\"product\",backend=\"{backend}\",state=\"{state}\"}} 1");
        metrics.lines().any(|other| other == line)
    };
    ["ready", "warming"].iter().any(|state| says("gateway_backend_state", state))
        && says("gateway_breaker_state", "closed")
}
