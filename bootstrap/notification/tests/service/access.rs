//! Who may read whose notifications, on every route that the service has.

use std::{cell::Cell, sync::Arc};

use platform_identity::testing::TestIssuer;
use platform_testkit::{
    PATIENCE, eventually,
    inventory::{self, Access, Answer, Probe, Tokens},
};
use serde_json::Value;

use crate::support::{Service, answer, completed};

/// A service whose callers have identities, and their issuer.
struct Guarded {
    service: Service,
    issuer: TestIssuer,
    /// Events that were told.
    told: Cell<u128>,
}

impl Guarded {
    async fn start() -> Self {
        let (issuer, dir) = (TestIssuer::new(), Arc::new(platform_testkit::data_dir().unwrap()));
        let environment = issuer.environment(dir.path()).unwrap();
        let pairs: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let service = Service::start_in(dir, &pairs).await;
        // A service starts before it has the keys.
        let probe = || async { (service.get("/health/ready").await.0 == 200).then_some(()) };
        eventually(PATIENCE, probe).await.unwrap();
        Self { service, issuer, told: Cell::new(0) }
    }

    /// Tells the user of a payment, and answers the notification's id.
    async fn tell(&self, user: &str) -> String {
        self.told.set(self.told.get() + 1);
        let event = completed(self.told.get(), user);
        self.service.append(&event, 1).await;
        let id = event.id.to_string();
        let probe = || async {
            let page = self.list("root", &["admin"], "").await;
            let told = page["items"].as_array()?.iter().find(|item| item["event_id"] == id)?;
            Some(told["id"].as_str()?.to_owned())
        };
        eventually(PATIENCE, probe).await.unwrap()
    }

    async fn list(&self, user: &str, roles: &[&str], query: &str) -> Value {
        let bearer = self.issuer.bearer(user, roles);
        let path = format!("/notifications?limit=100{query}");
        let (status, page) = answer(self.service.request("GET", &path, Some(&bearer))).await;
        assert_eq!(status, 200, "{page}");
        page
    }
}

impl Probe for Guarded {
    type Request = (String, String);

    async fn request(&self, name: &str) -> (String, String) {
        let id = self.tell("ada").await;
        let (method, template) = name.split_once(' ').unwrap();
        let path = match template {
            "/notifications" | "/notifications/stream" => format!("{template}?user_id=ada"),
            template => template.replace("{id}", &id),
        };
        (method.to_owned(), path)
    }

    async fn send(&self, (method, path): &(String, String), authorization: Option<&str>) -> Answer {
        let response = self.service.request(method, path, authorization).send().await.unwrap();
        let challenge = response.headers().get("www-authenticate");
        Answer::of_http(response.status().as_u16(), challenge.map(|value| value.to_str().unwrap()))
    }

    async fn state(&self) -> String {
        self.list("root", &["admin"], "").await.to_string()
    }
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let guarded = Guarded::start().await;
    let (_, document) = guarded.service.get("/openapi.json").await;
    let hidden = || Access::Owner { others: Answer::NotFound };
    let refused = || Access::Owner { others: Answer::Forbidden };
    let listed = [
        ("GET /notifications", refused()),
        ("GET /notifications/stream", refused()),
        ("GET /notifications/{id}", hidden()),
        ("POST /notifications/{id}/read", hidden()),
    ];
    let issuer = &guarded.issuer;
    let tokens = Tokens {
        owner: issuer.token("ada", &[]),
        stranger: issuer.token("bob", &[]),
        service: issuer.token("payment", &["service"]),
        admin: issuer.token("root", &["admin"]),
        bad: issuer.bad_tokens("ada", &["admin"]),
    };
    let faults = inventory::faults(&inventory::operations(&document), &listed, &tokens, &guarded).await;
    assert_eq!(faults, Vec::<String>::new());
    guarded.service.stop().await;
}

#[tokio::test]
async fn without_a_user_a_list_is_the_caller_s_own() {
    let guarded = Guarded::start().await;
    for user in ["ada", "bob", "ada"] {
        guarded.tell(user).await;
    }
    let users = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["user_id"].as_str().unwrap().into())
            .collect()
    };
    assert_eq!(users(&guarded.list("ada", &[], "").await), ["ada", "ada"]);
    assert_eq!(users(&guarded.list("bob", &[], "&user_id=bob").await), ["bob"]);
    assert_eq!(users(&guarded.list("payment", &["service"], "").await), Vec::<String>::new());
    assert_eq!(users(&guarded.list("root", &["admin"], "").await), ["ada", "bob", "ada"]);
    guarded.service.stop().await;
}

#[tokio::test]
async fn health_names_the_keys() {
    let guarded = Guarded::start().await;
    let (status, report) = guarded.service.get("/health/ready").await;
    assert_eq!(status, 200, "{report}");
    let names: Vec<_> = report["dependencies"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["notification-store", "event-log", "identity-keys"]);
    guarded.service.stop().await;
}
