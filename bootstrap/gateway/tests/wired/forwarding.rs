//! What passes through, unchanged: methods, targets, bodies, answers.

use crate::support::{Backend, Gateway, bytes, fed, full, json, piece, pieces};
use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::BodyExt;
use tokio::sync::mpsc;

#[tokio::test]
async fn every_method_reaches_the_service_below_its_own_path() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let body = if method == Method::GET { "" } else { "{\"a\":1}" };
        let request = gateway.request(method.clone(), "/api/products/7").body(full(body)).unwrap();
        let (status, seen) = json(gateway.send(request).await).await;
        assert_eq!((status, seen["method"].as_str()), (200, Some(method.as_str())));
        assert_eq!((seen["target"].as_str(), seen["body"].as_str()), (Some("/products/7"), Some(body)));
    }
}

#[tokio::test]
async fn targets_are_kept_byte_for_byte() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for target in [
        "/products",
        "/products/",
        "/products?q=a%20b&q=&x=%C3%A4+%2F..%2F&y=a/b?c",
        "/products/%41%c3%a4~;v=1",
        "/baskets/ada@example.org/items/7",
        "/users/u1/payments?limit=5",
        "/notifications/stream?user_id=u1",
    ] {
        let (status, seen) = gateway.get_json(&format!("/api{target}")).await;
        assert_eq!((status, seen["target"].as_str()), (200, Some(target)));
    }
}

#[tokio::test]
async fn requests_without_a_body_get_none_on_the_way() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let (_, seen) = gateway.get_json("/api/products").await;
    assert!(
        seen["headers"].get("content-length").is_none() && seen["headers"].get("transfer-encoding").is_none()
    );
}

#[tokio::test]
async fn a_request_body_arrives_while_it_is_being_sent() {
    let (heard, mut hearing) = mpsc::channel::<Bytes>(4);
    let backend = Backend::start(move |request| {
        let heard = heard.clone();
        async move {
            let mut body = request.into_body();
            while let Some(piece) = piece(&mut body).await {
                heard.send(piece).await.unwrap();
            }
            Response::new(full("done"))
        }
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let (sender, body) = pieces();
    let request = gateway.request(Method::POST, "/api/payments").body(body).unwrap();
    let client = async {
        sender.send(Ok("one".into())).await.unwrap();
        assert_eq!(hearing.recv().await.unwrap(), "one");
        sender.send(Ok("two".into())).await.unwrap();
        assert_eq!(hearing.recv().await.unwrap(), "two");
        drop(sender);
    };
    let (response, ()) = tokio::join!(gateway.send(request), client);
    assert_eq!(bytes(response).await, "done");
}

#[tokio::test]
async fn an_answer_arrives_while_it_is_being_made() {
    for kind in ["application/octet-stream", "text/event-stream"] {
        let (sender, backend) = fed(kind).await;
        let gateway = Gateway::before(&backend.url(), &[]).await;
        let mut response = gateway.get("/api/notifications/stream?user_id=u1").await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
        for event in ["data: 1\n\n", "data: 2\n\n"] {
            sender.send(Ok(event.into())).await.unwrap();
            assert_eq!(piece(response.body_mut()).await.unwrap(), event);
        }
        drop(sender);
        assert_eq!(piece(response.body_mut()).await, None);
    }
}

#[tokio::test]
async fn event_streams_outlive_the_limit_of_whole_answers() {
    let (events, streaming) = fed("text/event-stream").await;
    let (_never, hanging) = fed("application/json").await;
    let variables = [("PRODUCT_SERVICE_URLS", hanging.url()), ("UPSTREAM_TIMEOUT", "300ms".to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let gateway = Gateway::before(&streaming.url(), &variables).await;
    let mut stream = gateway.get("/api/notifications/stream").await;
    let cut = gateway.get("/api/products").await.into_body().collect().await;
    assert!(cut.is_err(), "an answer that is never complete was not cut off");
    events.send(Ok("data: later\n\n".into())).await.unwrap();
    assert_eq!(piece(stream.body_mut()).await.unwrap(), "data: later\n\n");
}

#[tokio::test]
async fn an_open_event_stream_does_not_hold_up_a_stop() {
    let (events, backend) = fed("text/event-stream").await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let mut stream = gateway.get("/api/notifications/stream").await;
    events.send(Ok("data: 1\n\n".into())).await.unwrap();
    piece(stream.body_mut()).await.unwrap();
    let (outcome, rest) = tokio::join!(gateway.stop(), piece(stream.body_mut()));
    assert_eq!((outcome, rest), (platform_runtime::Outcome::Clean, None));
}

#[tokio::test]
async fn big_bodies_pass_both_ways() {
    let content: Bytes = (0..=u8::MAX).cycle().take(8 * 1024 * 1024).collect::<Vec<_>>().into();
    let answer = content.clone();
    let backend = Backend::start(move |request| {
        let answer = answer.clone();
        async move {
            let received = request.into_body().collect().await.unwrap().to_bytes().len();
            Response::builder().header("x-received", received).body(full(answer)).unwrap()
        }
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let most = content.slice(..1024 * 1024);
    let request = gateway.request(Method::PUT, "/api/products/7").body(full(most)).unwrap();
    let response = gateway.send(request).await;
    assert_eq!(response.headers()["x-received"], "1048576");
    assert_eq!(response.headers()[header::CONTENT_LENGTH], content.len().to_string().as_str());
    assert_eq!(bytes(response).await, content);
}

#[tokio::test]
async fn answers_without_a_body_keep_their_headers() {
    let backend = Backend::start(|request| async move {
        let answer = Response::builder().header(header::ETAG, "\"3\"");
        let answer = match request.uri().path() {
            "/products/304" => answer.status(StatusCode::NOT_MODIFIED).body(full("")),
            "/products/204" => answer.status(StatusCode::NO_CONTENT).body(full("")),
            _ => answer.header(header::CONTENT_LENGTH, 1234).body(full(vec![b'x'; 1234])),
        };
        answer.unwrap()
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for _ in 0..2 {
        let head =
            gateway.send(gateway.request(Method::HEAD, "/api/products/7").body(full("")).unwrap()).await;
        assert_eq!(
            (head.status(), &head.headers()[header::CONTENT_LENGTH]),
            (StatusCode::OK, &"1234".parse().unwrap())
        );
        assert_eq!(head.headers()[header::ETAG], "\"3\"");
        assert!(bytes(head).await.is_empty());
        for status in [304, 204] {
            let response = gateway.get(&format!("/api/products/{status}")).await;
            assert_eq!(
                (response.status().as_u16(), &response.headers()[header::ETAG]),
                (status, &"\"3\"".parse().unwrap())
            );
            assert!(bytes(response).await.is_empty());
        }
    }
}

#[tokio::test]
async fn failures_of_a_service_pass_as_they_are() {
    let backend = Backend::start(|_| async {
        let answer = Response::builder().status(409).header(header::CONTENT_TYPE, "application/problem+json");
        answer.header(header::RETRY_AFTER, "7").body(full("{\"code\":\"basket_empty\"}")).unwrap()
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let response = gateway.get("/api/payments/7").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()[header::RETRY_AFTER]),
        (409, &"7".parse().unwrap())
    );
    assert_eq!(bytes(response).await, "{\"code\":\"basket_empty\"}");
}

#[tokio::test]
async fn locations_lead_back_through_the_gateway() {
    let backend = Backend::start(|_| async {
        Response::builder().status(201).header(header::LOCATION, "/products/7").body(full("")).unwrap()
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let created =
        gateway.send(gateway.request(Method::POST, "/api/products").body(full("{}")).unwrap()).await;
    assert_eq!(created.headers()[header::LOCATION], "/api/products/7");
}

#[tokio::test]
async fn connections_to_backends_are_kept() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for _ in 0..20 {
        assert_eq!(gateway.get_json("/api/products").await.0, 200);
    }
    // Probes of the four services go over the same pool, at the same time.
    assert!(backend.connections() < 10, "{} connections for 20 requests", backend.connections());
}

#[tokio::test]
async fn requests_go_round_the_backends() {
    let (one, two) = (Backend::echo().await, Backend::echo().await);
    let gateway = Gateway::before(&format!("{},{};weight=3", one.url(), two.url()), &[]).await;
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..10 {
        let (_, seen) = gateway.get_json("/api/baskets/u1").await;
        *counts.entry(seen["headers"]["host"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [5, 5]);
}
