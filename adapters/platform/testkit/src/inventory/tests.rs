use std::cell::{Cell, RefCell};

use serde_json::json;

use super::*;

fn tokens() -> Tokens {
    let token = str::to_owned;
    let bad = vec![("expired", token("old"))];
    let (owner, stranger, service, admin) = (token("ada"), token("bob"), token("payment"), token("root"));
    Tokens { owner, stranger, service, admin, bad }
}

/// One thing of Ada's, which each request removes.
#[derive(Default)]
struct Shop {
    /// Whom it lets in besides Ada and administrators.
    friends: Vec<&'static str>,
    /// Turns others away only after the deed.
    late: bool,
    made: Cell<u32>,
    things: RefCell<Vec<u32>>,
}

impl Shop {
    fn open(&self, caller: Option<&str>) -> Answer {
        match caller {
            None => Answer::Unauthenticated,
            Some("Bearer old") => Answer::InvalidToken,
            Some("Bearer ada" | "Bearer root") => Answer::LetIn,
            Some(caller) if self.friends.iter().any(|friend| caller.ends_with(friend)) => Answer::LetIn,
            Some(_) => Answer::NotFound,
        }
    }
}

impl Probe for Shop {
    type Request = u32;

    async fn request(&self, _: &str) -> u32 {
        self.made.set(self.made.get() + 1);
        self.things.borrow_mut().push(self.made.get());
        self.made.get()
    }

    async fn send(&self, thing: &u32, authorization: Option<&str>) -> Answer {
        let answer = self.open(authorization);
        let there = self.things.borrow().contains(thing);
        if answer == Answer::LetIn || self.late {
            self.things.borrow_mut().retain(|other| other != thing);
        }
        if answer == Answer::LetIn && !there { Answer::NotFound } else { answer }
    }

    async fn state(&self) -> String {
        format!("{:?}", self.things.borrow())
    }
}

const NAME: &str = "DELETE /things/{id}";
const OWNER: Access = Access::Owner { others: Answer::NotFound };

async fn ask(shop: &Shop) -> Vec<String> {
    let found = [Operation { name: NAME.into(), public: Some(false) }];
    faults(&found, &[(NAME, OWNER)], &tokens(), shop).await
}

#[tokio::test]
async fn a_route_that_keeps_its_word_has_no_fault() {
    assert_eq!(ask(&Shop::default()).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_stranger_who_gets_in_is_a_fault_and_what_he_did_too() {
    let found = ask(&Shop { friends: vec!["bob"], ..Shop::default() }).await;
    assert_eq!(found[0], "DELETE /things/{id}, a stranger: expected NotFound, got LetIn");
    assert!(found[1].contains("changed something"), "{found:?}");
}

#[tokio::test]
async fn a_refusal_after_the_deed_is_a_fault() {
    let found = ask(&Shop { late: true, ..Shop::default() }).await;
    assert!(found[0].contains("(expired): was turned away and changed something"), "{found:?}");
    assert!(found.iter().any(|fault| fault.contains("the owner: expected LetIn, got NotFound")), "{found:?}");
}

#[test]
fn list_and_document_have_to_agree() {
    let document = json!({"paths": {
        "/health/ready": {"get": {"security": []}},
        "/metrics": {"get": {"security": []}},
        "/healthy": {"get": {"security": [{"bearer": []}]}},
        "/metrics/{id}": {"get": {"security": [{"bearer": []}]}},
        "/things": {"get": {"security": [{}, {"bearer": []}]}, "post": {"security": [{"bearer": []}]}},
    }});
    let found = operations(&document);
    let route = |name: &str, public| Operation { name: name.into(), public: Some(public) };
    let (like_those, found) = found.split_at(2);
    assert_eq!(like_those, [route("GET /healthy", false), route("GET /metrics/{id}", false)]);
    assert_eq!(found, [route("GET /things", true), route("POST /things", false)]);
    let told = differences(found, &[("GET /things", Access::Admin), ("PUT /things", Access::Admin)]);
    assert!(told[0].starts_with("POST /things is not listed"), "{told:?}");
    assert!(told[1].starts_with("GET /things: the document says public: true"), "{told:?}");
    assert!(told[2].starts_with("PUT /things is listed, and"), "{told:?}");
    assert_eq!(told.len(), 3);
}

#[test]
fn each_kind_of_access_is_tried_by_each_kind_of_caller() {
    use Answer::{Forbidden, InvalidToken, LetIn, NotFound, Unauthenticated};

    let kinds = |access: Access| {
        let expected: Vec<Answer> =
            access.attempts(&tokens()).into_iter().map(|attempt| attempt.expected).collect();
        expected
    };
    // In the order: a bad token, none, a stranger's, the owner's, a service's, an administrator's.
    assert_eq!(kinds(Access::Everybody), [InvalidToken, LetIn, LetIn, LetIn, LetIn, LetIn]);
    assert_eq!(kinds(OWNER), [InvalidToken, Unauthenticated, NotFound, LetIn, NotFound, LetIn]);
    assert_eq!(
        kinds(Access::OwnerOrService),
        [InvalidToken, Unauthenticated, Forbidden, LetIn, LetIn, LetIn]
    );
    assert_eq!(kinds(Access::Service), [InvalidToken, Unauthenticated, Forbidden, Forbidden, LetIn, LetIn]);
    assert_eq!(kinds(Access::Admin), [InvalidToken, Unauthenticated, Forbidden, Forbidden, Forbidden, LetIn]);
}

#[test]
fn answers_are_told_apart() {
    let http = |status, challenge| Answer::of_http(status, challenge);
    assert_eq!(http(204, None), Answer::LetIn);
    assert_eq!(http(401, Some(r#"Bearer realm="shop""#)), Answer::Unauthenticated);
    assert_eq!(http(401, Some(r#"Bearer realm="shop", error="invalid_token""#)), Answer::InvalidToken);
    assert_eq!(http(403, Some(r#"Bearer error="insufficient_scope""#)), Answer::Forbidden);
    assert_eq!(http(404, None), Answer::NotFound);
    for (status, challenge) in [(401, None), (403, None), (401, Some("Basic")), (500, None), (302, None)] {
        assert!(matches!(http(status, challenge), Answer::Other(_)), "{status} {challenge:?}");
    }
    assert_eq!(Answer::of_grpc(16, "invalid_token"), Answer::InvalidToken);
    assert_eq!(Answer::of_grpc(7, "forbidden"), Answer::Forbidden);
    assert!(matches!(Answer::of_grpc(7, ""), Answer::Other(_)));
    assert!(matches!(Answer::of_grpc(14, "away"), Answer::Other(_)));
}
