//! Changes: what they do, what they are refused for, and that each is made once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::Office;
use crate::support::Backend;

const BALANCER: &str = "/admin/loadbalancer/product";
const BACKENDS: &str = "/admin/loadbalancer/product/backends";

/// Who answers so many requests.
async fn answered(office: &Office, count: usize) -> BTreeSet<u16> {
    let mut statuses = BTreeSet::new();
    for _ in 0..count {
        statuses.insert(office.gateway.get("/api/products").await.status().as_u16());
    }
    statuses
}

#[tokio::test]
async fn backends_come_and_go() {
    let (first, second) = (Backend::echo().await, Backend::echo().await);
    let office = Office::open(&first.url(), &[]).await;
    let added = office.send(Method::POST, BACKENDS, json!({ "url": second.url(), "weight": 3 })).await;
    let path = format!("{BACKENDS}/{}", second.addr);
    assert_eq!((added.status, added.header("location")), (201, path.as_str()));
    assert_eq!((&added.body["weight"], &added.body["origin"]), (&3.into(), &"added".into()));
    assert_eq!(answered(&office, 6).await, BTreeSet::from([200]));
    assert!(second.connections() > 0, "it gets requests at once");

    let changed = office.send(Method::PATCH, &path, json!({ "weight": 9 })).await;
    assert_eq!((changed.status, &changed.body["weight"]), (200, &9.into()));
    let back = office.send(Method::PATCH, &path, json!({ "weight": null })).await;
    assert_eq!(back.body["weight"], 3);
    let removed = office.send(Method::DELETE, &format!("{BACKENDS}/{}", first.addr), Value::Null).await;
    assert_eq!((removed.status, removed.body), (204, Value::Null));
    assert_eq!(office.backends().await, [format!("{} 3 warming", second.addr)]);
    let last = office.send(Method::DELETE, &path, Value::Null).await;
    assert_eq!(last.code(), (409, "last_backend"));
    let again = office.send(Method::POST, BACKENDS, json!({ "url": first.url() })).await;
    assert_eq!((again.status, &again.body["origin"]), (201, &"configured".into()));

    let audit = office.get("/admin/audit?limit=2").await;
    let change = &audit["changes"][1];
    assert_eq!((&change["who"], &change["what"]), (&"ada".into(), &"remove_backend".into()));
    assert_eq!(change["target"], format!("product {}", first.addr));
    assert_eq!((&change["before"], &change["after"]), (&"weight 1, breaker closed".into(), &"absent".into()));
    assert_eq!((&change["request_id"], audit["changes"].as_array().unwrap().len()), (&"r-7".into(), 2));
}

#[tokio::test]
async fn balancing_and_places_can_be_changed_and_given_back() {
    let backend = Backend::echo().await;
    let office = Office::open(&backend.url(), &[("UPSTREAM_MAX_IN_FLIGHT", "7")]).await;
    let change = json!({ "strategy": "power_of_two_choices", "max_in_flight": 5, "max_waiting": 0 });
    let changed = office.send(Method::PATCH, BALANCER, change).await.body;
    assert_eq!(
        (&changed["strategy"], &changed["configured_strategy"]),
        (&"power_of_two_choices".into(), &"round_robin".into())
    );
    assert_eq!((&changed["max_in_flight"], &changed["max_waiting"]), (&5.into(), &0.into()));
    let back =
        office.send(Method::PATCH, BALANCER, json!({ "strategy": null, "max_in_flight": null })).await.body;
    assert_eq!((&back["strategy"], &back["max_in_flight"]), (&"round_robin".into(), &7.into()));
    assert_eq!(back["max_waiting"], 0, "what is left out stays");
}

#[tokio::test]
async fn breakers_are_held_open_and_closed_again() {
    let backend = Backend::echo().await;
    let office = Office::open(&backend.url(), &[]).await;
    let path = format!("/admin/circuitbreaker/product/backends/{}", backend.addr);
    let opened = office.send(Method::PUT, &path, json!({ "state": "forced_open" })).await;
    assert_eq!((opened.status, &opened.body["state"]), (200, &"forced_open".into()));
    let refused = office.gateway.get_json("/api/products").await;
    assert_eq!((refused.0, &refused.1["code"]), (503, &"circuit_open".into()));
    let closed = office.send(Method::PUT, &path, json!({ "state": "closed" })).await;
    assert_eq!(closed.body["state"], "closed");
    assert_eq!(answered(&office, 1).await, BTreeSet::from([200]));

    let without = Office::open(&backend.url(), &[("CIRCUIT_BREAKER_ENABLED", "false")]).await;
    let none = without.send(Method::PUT, &path, json!({ "state": "closed" })).await;
    assert_eq!(none.code(), (409, "no_breaker"));
    assert_eq!(without.get("/admin/circuitbreaker/product").await["enabled"], false);
}

#[tokio::test]
async fn a_breaker_that_has_opened_by_itself_is_reset() {
    let failing = Backend::start(async |_| {
        http::Response::builder().status(500).body(crate::support::full("")).unwrap()
    })
    .await;
    let variables =
        [("CIRCUIT_BREAKER_MIN_CALLS", "3"), ("RETRY_ENABLED", "false"), ("OUTLIER_ENABLED", "false")];
    let office = Office::open(&failing.url(), &variables).await;
    assert_eq!(answered(&office, 4).await, BTreeSet::from([500, 503]));
    let shown = office.get("/admin/circuitbreaker/product").await["breakers"][0].clone();
    assert_eq!((&shown["state"], &shown["trips"]), (&"open".into(), &1.into()));
    assert!(shown["retry_after_ms"].as_u64().unwrap() > 0);
    let path = format!("/admin/circuitbreaker/product/backends/{}", failing.addr);
    let reset = office.send(Method::PUT, &path, json!({ "state": "closed" })).await.body;
    assert_eq!(
        (&reset["state"], &reset["failures"], &reset["trips"]),
        (&"closed".into(), &0.into(), &1.into())
    );
    let audit = office.get("/admin/audit").await;
    assert_eq!(audit["changes"][0]["before"], "weight 1, breaker open");
}

#[tokio::test]
async fn clients_are_limited_from_one_moment_to_the_next() {
    let backend = Backend::echo().await;
    let office = Office::open(&backend.url(), &[]).await;
    assert_eq!(answered(&office, 5).await, BTreeSet::from([200]));
    let limit = json!({ "requests": 1, "window_ms": 3_600_000, "burst": 2 });
    let limited = office.send(Method::PUT, "/admin/limits/rate", limit).await.body;
    assert_eq!(
        (&limited["rate"]["changed"], &limited["rate"]["window_ms"]),
        (&true.into(), &3_600_000.into())
    );
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(office.gateway.get("/api/products").await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
    let back = office.send(Method::DELETE, "/admin/limits/rate", Value::Null).await.body;
    assert_eq!((&back["rate"]["enabled"], &back["rate"]["changed"]), (&false.into(), &false.into()));
    assert_eq!(answered(&office, 3).await, BTreeSet::from([200]));
}

#[tokio::test]
async fn what_is_wrong_is_named_and_changes_nothing() {
    let backend = Backend::echo().await;
    let office = Office::open(&backend.url(), &[("BASKET_SERVICE_ENABLED", "false")]).await;
    let before = office.version().await;
    let path = format!("{BACKENDS}/{}", backend.addr);
    let breaker = format!("/admin/circuitbreaker/product/backends/{}", backend.addr);
    for (method, path, body, status, what) in [
        (Method::POST, BACKENDS, json!({ "url": "ftp://a", "weight": 0 }), 422, "weight url"),
        (Method::POST, BACKENDS, json!({ "url": "http://a;weight=2" }), 422, "url"),
        (Method::POST, BACKENDS, json!({ "weight": 1 }), 422, "url"),
        (Method::POST, BACKENDS, json!({ "url": "http://a", "wight": 1 }), 422, "wight"),
        (Method::POST, BACKENDS, json!({ "url": backend.url() }), 409, "backend_exists"),
        (
            Method::POST,
            "/admin/loadbalancer/shop/backends",
            json!({ "url": "http://a" }),
            404,
            "unknown_service",
        ),
        (
            Method::POST,
            "/admin/loadbalancer/basket/backends",
            json!({ "url": "http://a" }),
            409,
            "service_disabled",
        ),
        (Method::PATCH, path.as_str(), json!({ "weight": 1_001 }), 422, "weight"),
        (Method::PATCH, path.as_str(), json!({ "weight": "3" }), 422, "weight"),
        (Method::PATCH, path.as_str(), json!({ "draining": "yes" }), 422, "draining"),
        (
            Method::PATCH,
            "/admin/loadbalancer/product/backends/z:1",
            json!({ "weight": 1 }),
            404,
            "unknown_backend",
        ),
        (Method::DELETE, path.as_str(), Value::Null, 409, "last_backend"),
        (
            Method::PATCH,
            BALANCER,
            json!({ "strategy": "random", "max_in_flight": 0 }),
            422,
            "strategy max_in_flight",
        ),
        (Method::PUT, breaker.as_str(), json!({ "state": "open" }), 422, "state"),
        (Method::PUT, "/admin/limits/rate", json!({ "requests": 5 }), 422, ""),
        (
            Method::PUT,
            "/admin/limits/rate",
            json!({ "requests": 0, "window_ms": 1, "burst": 0 }),
            422,
            "requests burst",
        ),
        (Method::GET, "/admin/audit?limit=0", Value::Null, 422, "limit"),
        (Method::GET, "/admin/audit?limit=many", Value::Null, 422, "limit"),
    ] {
        let answer = office.send(method.clone(), path, body.clone()).await;
        let fields: Vec<_> = answer.body["errors"]
            .as_array()
            .map(|errors| errors.iter().map(|error| error["field"].as_str().unwrap()).collect())
            .unwrap_or_default();
        let told = if status == 422 { fields.join(" ") } else { answer.code().1.to_owned() };
        assert_eq!((answer.status, told.as_str()), (status, what), "{method} {path} {body}: {}", answer.body);
    }
    assert_eq!(office.version().await, before);
}

#[tokio::test]
async fn an_old_version_is_refused() {
    let backend = Backend::echo().await;
    let office = Office::open(&backend.url(), &[]).await;
    let path = format!("{BACKENDS}/{}", backend.addr);
    let seen = office.ask(Method::GET, &path, (&office.admin(), ""), None).await;
    let seen = seen.header("etag").to_owned();
    let weight = |weight: u16| json!({ "weight": weight });
    let first = office.ask(Method::PATCH, &path, (&office.admin(), &seen), Some(&weight(2))).await;
    assert_eq!(first.status, 200);
    assert_ne!(first.header("etag"), seen);
    let late = office.ask(Method::PATCH, &path, (&office.admin(), &seen), Some(&weight(3))).await;
    assert_eq!(late.code(), (412, "stale"));
    let next = first.header("etag");
    let after = office.ask(Method::PATCH, &path, (&office.admin(), next), Some(&weight(3))).await;
    assert_eq!((after.status, &after.body["weight"]), (200, &3.into()));
}

#[tokio::test]
async fn of_two_hundred_changes_at_once_each_is_made_once() {
    let backend = Backend::echo().await;
    let office = Office::open(&backend.url(), &[]).await;
    let before = office.version().await;
    let path = format!("{BACKENDS}/{}", backend.addr);
    let changes = (2..=201_u16).map(|weight| office.send(Method::PATCH, &path, json!({ "weight": weight })));
    let answers = join_all(changes).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(office.version().await, before + 200);
    let audit = office.get("/admin/audit?limit=1000").await;
    let changes = audit["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 200);
    // Each one began where the one before it ended.
    for pair in changes.windows(2) {
        assert_eq!(pair[0]["before"], pair[1]["after"]);
        assert_eq!(pair[0]["version"].as_u64(), pair[1]["version"].as_u64().map(|version| version + 1));
    }
    let weight = office.get(&path).await["weight"].clone();
    assert_eq!(changes[0]["after"], format!("weight {weight}, breaker closed"));
}
