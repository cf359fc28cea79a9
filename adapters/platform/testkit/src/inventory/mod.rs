//! Who may do what, asked of a running service: each of its routes, for each kind of caller.
//!
//! The service itself says which routes it has: [`operations`] reads its OpenAPI document, and the `testing` module of
//! `platform-grpc` asks its reflection. The test lists each route with whom it lets in ([`Access`]) and says in [`Probe`] how
//! a request to it looks. [`faults`] then names every route that is missing from the list, every answer that is not the one
//! expected, and every refused request that changed something:
//!
//! ```text
//! let found = inventory::operations(&service.get("/openapi.json").await);
//! let listed = [
//!     ("GET /baskets/{user_id}", Access::OwnerOrService),
//!     ("GET /payments/{id}", Access::Owner { others: Answer::NotFound }),
//! ];
//! assert_eq!(inventory::faults(&found, &listed, &tokens, &probe).await, Vec::<String>::new());
//! ```

mod access;
mod answer;

use std::future::Future;

use serde_json::Value;

pub use self::{access::Access, answer::Answer};

/// One route of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `GET /baskets/{user_id}` or `basket.v1.BasketService/GetBasket`.
    pub name: String,
    /// Whether the service's document says that it needs no token; `None` where documents do not say.
    pub public: Option<bool>,
}

/// A token for each kind of caller.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Of the user whose things the requests are about.
    pub owner: String,
    /// Of another user.
    pub stranger: String,
    /// Of a service.
    pub service: String,
    /// Of an administrator.
    pub admin: String,
    /// Tokens that are no good, each with what is wrong with it.
    pub bad: Vec<(&'static str, String)>,
}

/// How to ask the service.
pub trait Probe {
    /// A request, without a caller.
    type Request;

    /// A request to the route called `name`, about things of the owner's that were made for it just now: it succeeds once.
    fn request(&self, name: &str) -> impl Future<Output = Self::Request>;

    /// Sends it, with that `authorization`.
    fn send(&self, request: &Self::Request, authorization: Option<&str>) -> impl Future<Output = Answer>;

    /// All that requests could change, in any form that tells a difference.
    fn state(&self) -> impl Future<Output = String>;
}

/// The routes that an OpenAPI document has, without those of operations.
pub fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let ours = paths.filter(|(path, _)| !is_operational(path));
    ours.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, operation)| Operation {
            name: format!("{} {path}", method.to_uppercase()),
            public: Some(is_public(operation)),
        })
    })
    .collect()
}

/// Exactly what every service has for its operators: a route of a context's that only begins like one is not left out.
fn is_operational(path: &str) -> bool {
    path == "/metrics" || path == "/health" || path.starts_with("/health/")
}

/// One way in that asks for nothing is enough.
fn is_public(operation: &Value) -> bool {
    let ways = operation["security"].as_array();
    ways.is_some_and(|ways| ways.iter().any(|way| way.as_object().is_some_and(serde_json::Map::is_empty)))
}

/// Everything that is wrong with access to a service.
pub async fn faults<P: Probe>(
    found: &[Operation],
    listed: &[(&str, Access)],
    tokens: &Tokens,
    probe: &P,
) -> Vec<String> {
    let mut faults = differences(found, listed);
    for (name, access) in listed {
        faults.extend(faults_of(name, access, tokens, probe).await);
    }
    faults
}

fn differences(found: &[Operation], listed: &[(&str, Access)]) -> Vec<String> {
    let unlisted = found.iter().filter(|route| !listed.iter().any(|(name, _)| route.name == *name));
    let unlisted = unlisted.map(|route| format!("{} is not listed: whom does it let in?", route.name));
    let listed = listed.iter().filter_map(|(name, access)| {
        let open = *access == Access::Everybody;
        match found.iter().find(|route| route.name == *name) {
            None => Some(format!("{name} is listed, and the service does not have it")),
            Some(Operation { public: Some(public), .. }) if *public != open => {
                Some(format!("{name}: the document says public: {public}, the list says {open}"))
            }
            Some(_) => None,
        }
    });
    unlisted.chain(listed).collect()
}

/// Those who are turned away come first, all with one request: that it can still succeed shows that they left no trace.
async fn faults_of<P: Probe>(name: &str, access: &Access, tokens: &Tokens, probe: &P) -> Vec<String> {
    let mut faults = Vec::new();
    let (let_in, refused): (Vec<_>, Vec<_>) =
        access.attempts(tokens).into_iter().partition(|attempt| attempt.expected == Answer::LetIn);
    let mut request = Some(probe.request(name).await);
    let before = probe.state().await;
    if let Some(request) = &request {
        for attempt in refused {
            let answer = probe.send(request, attempt.authorization.as_deref()).await;
            faults.extend(attempt.fault(name, &answer));
            if probe.state().await != before {
                faults.push(format!("{name}, {}: was turned away and changed something", attempt.caller));
            }
        }
    }
    for attempt in let_in {
        let request = match request.take() {
            Some(request) => request,
            None => probe.request(name).await,
        };
        let answer = probe.send(&request, attempt.authorization.as_deref()).await;
        faults.extend(attempt.fault(name, &answer));
    }
    faults
}

#[cfg(test)]
mod tests;
