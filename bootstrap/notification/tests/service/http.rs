use serde_json::Value;

use crate::support::{Service, completed};

#[tokio::test]
async fn a_notification_is_read() {
    let service = Service::start(&[]).await;
    service.append(&completed(1, "ada"), 1).await;
    let told = service.notifications("ada", 1).await;
    let id = told[0]["id"].as_str().unwrap();
    let (status, read) = service.post(&format!("/notifications/{id}/read")).await;
    assert_eq!(status, 200);
    assert!(read["read_at"].is_string(), "{read}");
    assert_eq!(service.get(&format!("/notifications/{id}")).await, (200, read));
    let (_, unread) = service.get("/notifications?user_id=ada&unread=true").await;
    assert_eq!(unread["items"], Value::Array(vec![]));
    service.stop().await;
}

#[tokio::test]
async fn a_stream_tells_at_once_and_resumes() {
    let service = Service::start(&[]).await;
    let mut live = service.follow("ada", None).await;
    service.append(&completed(1, "ada"), 1).await;
    let (first, data) = live.next().await.unwrap();
    assert_eq!(data["subject"], "Payment completed: 129.90 USD");
    drop(live);
    service.append(&completed(2, "ada"), 1).await;
    service.notifications("ada", 2).await;
    let mut resumed = service.follow("ada", Some(&first)).await;
    let (second, _) = resumed.next().await.unwrap();
    assert_ne!(first, second);
    // A stop ends the stream instead of waiting for it.
    let ended = tokio::spawn(async move { resumed.next().await });
    service.stop().await;
    assert_eq!(ended.await.unwrap(), None);
}

#[tokio::test]
async fn health_names_the_dependencies_and_metrics_count() {
    let service = Service::start(&[]).await;
    let (status, report) = service.get("/health/ready").await;
    assert_eq!(status, 200, "{report}");
    let names: Vec<_> = report["dependencies"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["notification-store", "event-log"]);
    let (_, api) = service.get("/openapi.json").await;
    assert!(api["paths"]["/notifications/stream"]["get"].is_object());
    assert_eq!(service.get("/notifications/nope").await.0, 422);
    assert_eq!(service.get("/nowhere").await.0, 404);
    service.stop().await;
}
