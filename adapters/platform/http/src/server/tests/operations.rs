//! What operators see.

use super::*;
use platform_telemetry::LogFormat;
use platform_testkit::{PATIENCE, eventually};

#[test]
fn probes_see_dependencies() {
    let rig = Rig::start(|server| server);
    assert_eq!(rig.get("/health/ready").status(), 200);
    rig.store.away.store(true, Ordering::SeqCst);
    let away = rig.runtime.block_on(eventually(PATIENCE, async || {
        let answer = rig.get("/health/ready");
        (answer.status() == 503).then_some(answer)
    }));
    let json: Value = serde_json::from_str(away.unwrap().body()).unwrap();
    assert_eq!(json["dependencies"][0]["name"], "thing-store");
    assert_eq!(json["dependencies"][0]["detail"], "file is gone");
    assert_eq!(rig.get("/health").status(), 503);
    assert_eq!(rig.get("/health/live").status(), 200);
}

#[test]
fn metrics_count_by_template() {
    let rig = Rig::start(|server| server);
    rig.send("PUT", "/things/3", &[], "");
    rig.send("PUT", "/things/1", &[], "");
    rig.send("DELETE", "/things", &[], "");
    rig.get("/nowhere/at/all");
    let metrics = rig.get("/metrics");
    assert_eq!(header(&metrics, "content-type"), Metrics::CONTENT_TYPE);
    for line in [
        r#"http_server_requests_total{method="PUT",route="/things/{id}",status="204"} 1"#,
        r#"http_server_requests_total{method="PUT",route="/things/{id}",status="500"} 1"#,
        r#"http_server_requests_total{method="DELETE",route="/things",status="405"} 1"#,
        r#"http_server_requests_total{method="GET",route="unmatched",status="404"} 1"#,
        "http_server_requests_in_flight 1",
        "process_resident_memory_bytes ",
    ] {
        assert!(metrics.body().contains(line), "{line} is missing in\n{}", metrics.body());
    }
}

#[test]
fn documents_come_from_the_routes() {
    let rig = Rig::start(|server| server);
    let answer = rig.get("/openapi.json");
    assert_eq!(header(&answer, "content-type"), "application/json");
    let json: Value = serde_json::from_str(answer.body()).unwrap();
    assert_eq!((&json["openapi"], &json["info"]["title"]), (&"3.1.0".into(), &"thing-service".into()));
    assert!(
        json["paths"]["/things"]["post"].is_object() && json["paths"]["/health/ready"]["get"].is_object()
    );
    assert_eq!(json["components"]["schemas"]["Money"]["type"], "string");
    assert!(json["components"]["schemas"]["Problem"]["properties"]["type"].is_object());
    let docs = rig.get("/docs/");
    assert_eq!(docs.status(), 200);
    assert!(docs.body().contains("swagger-ui"), "{}", docs.body());
    assert_eq!(rig.get("/docs/swagger-ui-bundle.js").status(), 200);
    assert_eq!(header(&rig.get("/docs"), "location"), "docs/");
}

#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// What has been logged.
    pub(super) fn read(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_request_is_one_line() {
    let lines = Lines::default();
    let (logger, flush) = platform_telemetry::logger_to(
        lines.clone(),
        "thing-service",
        "1",
        slog::Level::Info,
        LogFormat::Json,
    );
    let rig = Rig::start(|server| server.logger(&logger));
    rig.send("PUT", "/things/3", &[("x-request-id", "my-id")], "");
    rig.send("PUT", "/things/1", &[], "");
    rig.get("/health");
    drop(flush);
    let lines = lines.read();
    let requests: Vec<&Value> = lines.iter().filter(|line| line["msg"] == "request").collect();
    assert_eq!(requests.len(), 2, "probes are not worth a line\n{lines:?}");
    let first = requests[0];
    assert_eq!(
        (&first["route"], &first["status"], &first["request_id"]),
        (&"/things/{id}".into(), &204.into(), &"my-id".into())
    );
    assert_eq!(
        (&first["method"], &first["peer"], &first["component"]),
        (&"PUT".into(), &"127.0.0.1".into(), &"http".into())
    );
    assert!(first["duration_ms"].is_u64() && first["trace_id"].is_string());
    assert_eq!(requests[1]["status"], 500);
}
