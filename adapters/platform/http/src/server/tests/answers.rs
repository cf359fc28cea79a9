//! What clients are answered.

use super::*;
use crate::BODY_LIMIT;

#[test]
fn requests_are_answered() {
    let rig = Rig::start(|server| server);
    let answer = rig.post(r#"{"name":"chair","price":129.9}"#);
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.body(), r#"{"name":"chair","price":"129.90"}"#);
    assert_eq!(rig.send("PUT", "/things/3", &[], "").status(), 204);
}

#[test]
fn ids_are_taken_over_and_returned() {
    let rig = Rig::start(|server| server);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = rig.send("GET", "/things", &[("x-request-id", "my-id"), ("traceparent", parent)], "");
    assert_eq!(header(&answer, "x-request-id"), "my-id");
    assert!(header(&answer, "traceparent").starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert_ne!(header(&answer, "traceparent"), parent);
    assert!(answer.body().contains("my-id"));
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    let made = header(&rig.get("/things"), "x-request-id").to_owned();
    assert!(uuid::Uuid::try_parse(&made).is_ok(), "{made}");
}

#[test]
fn wrong_bodies_are_problems() {
    let rig = Rig::start(|server| server);
    assert_eq!(failure(&rig.post("{")), (400, "malformed_json".into()));
    assert_eq!(failure(&rig.post(b"{\"name\":\"\xff\"}")), (400, "malformed_json".into()));
    let text = rig.send("POST", "/things", &[("content-type", "text/plain")], "{}");
    assert_eq!(failure(&text), (415, "unsupported_media_type".into()));
    for more in [1, 20 * BODY_LIMIT] {
        assert_eq!(failure(&rig.post("x".repeat(BODY_LIMIT + more))), (413, "too_large".into()));
    }
    for (body, field, code) in [
        (r#"{"name":"a"}"#, "price", "required"),
        (r#"{"name":"","price":1}"#, "name", "length"),
        (r#"{"name":"a","price":1.005}"#, "price", "invalid_money"),
        (r#"{"name":"a","price":1,"colour":1}"#, "colour", "unknown_field"),
    ] {
        let (status, _, json) = problem(&rig.post(body));
        assert_eq!(
            (status, &json["errors"][0]["field"], &json["errors"][0]["code"]),
            (422, &field.into(), &code.into())
        );
        assert_eq!(json["instance"], "/things");
    }
}

#[test]
fn wrong_paths_and_methods_are_problems() {
    let rig = Rig::start(|server| server);
    assert_eq!(failure(&rig.get("/nowhere")), (404, "no_such_route".into()));
    assert_eq!(failure(&rig.get("/things/")), (404, "no_such_route".into()));
    for (method, path, allow) in [
        ("DELETE", "/things", "GET, POST, HEAD, OPTIONS"),
        ("GET", "/things/3", "PUT, OPTIONS"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("PUT", "/openapi.json", "GET, HEAD, OPTIONS"),
        ("PATCH", "/docs/", "GET, HEAD, OPTIONS"),
    ] {
        let answer = rig.send(method, path, &[], "");
        assert_eq!(failure(&answer), (405, "method_not_allowed".into()), "{method} {path}");
        assert_eq!(header(&answer, "allow"), allow, "{method} {path}");
    }
    let (status, _, json) = problem(&rig.send("PUT", "/things/x%00", &[], ""));
    assert_eq!((status, &json["errors"][0]["field"]), (422, &"id".into()));
    assert_eq!(problem(&rig.send("PUT", "/things/x", &[], "")).0, 422);
    for odd in
        ["/%00", "/%ff/%fe", "/things/%ff", "/things/1%2f2", "//things", "/things/3?%00=%00&&=", "/things%"]
    {
        let answer = rig.get(odd);
        assert!(answer.status().is_client_error(), "{odd}");
        problem(&answer);
    }
}

#[test]
fn problems_name_the_path_the_client_asked_for() {
    let rig = Rig::start(|server| server);
    let long = format!("/{}", "x".repeat(64));
    for (sent, instance) in [
        ("/api", "/api/nowhere".to_owned()),
        ("/api/v1_b-2", "/api/v1_b-2/nowhere".to_owned()),
        ("/api/", "/api/nowhere".to_owned()),
        (&long, format!("{long}/nowhere")),
    ] {
        let (_, _, json) = problem(&rig.send("GET", "/nowhere", &[("x-forwarded-prefix", sent)], ""));
        assert_eq!(json["instance"], instance, "{sent}");
    }
    let longer = format!("{long}x");
    for odd in ["", "/", "api", "//evil", "/a//b", "/a.b", "/a b", "/%2e", "/<x>", "/a?b", "/ä", &longer] {
        let (_, _, json) = problem(&rig.send("GET", "/nowhere", &[("x-forwarded-prefix", odd)], ""));
        assert_eq!(json["instance"], "/nowhere", "{odd}");
    }
    let twice = [("x-forwarded-prefix", "/a"), ("x-forwarded-prefix", "/b")];
    assert_eq!(problem(&rig.send("GET", "/nowhere", &twice, "")).2["instance"], "/nowhere");
}

#[test]
fn head_and_options_are_answered() {
    let rig = Rig::start(|server| server);
    let head = rig.send("HEAD", "/things", &[], "");
    assert_eq!((head.status().as_u16(), head.body().as_str()), (200, ""));
    assert_eq!(header(&head, "content-type"), "application/json");
    assert_eq!(rig.send("HEAD", "/things/3", &[], "").status(), 405);
    assert_eq!(rig.send("HEAD", "/nowhere", &[], "").status(), 404);
    let options = rig.send("OPTIONS", "/things", &[], "");
    assert_eq!((options.status().as_u16(), header(&options, "allow")), (204, "GET, POST, HEAD, OPTIONS"));
}

#[test]
fn failures_of_ours_say_nothing_of_the_inside() {
    let rig = Rig::start(|server| server);
    for _ in 0..3 {
        assert_eq!(failure(&rig.send("PUT", "/things/1", &[], "")), (500, "internal".into()));
    }
    let away = rig.send("PUT", "/things/2", &[], "");
    assert_eq!(failure(&away), (503, "store_unavailable".into()));
    assert_eq!(header(&away, "retry-after"), "1");
    assert!(!away.body().contains("secret") && !away.body().contains("thing store"));
    assert_eq!(rig.get("/things").status(), 200, "the only worker is still there");
}
