//! Idempotency keys are their user's own.

use platform_testkit::inventory::{Answer, Probe};

use crate::{
    grpc::OverGrpc,
    http::{OverHttp, Request},
    support::Service,
};

#[tokio::test(flavor = "multi_thread")]
async fn two_users_with_one_key_get_payments_of_their_own() {
    let service = Service::ready().await;
    let mut made = Vec::new();
    for replayed in [false, true] {
        for user in ["ada", "bob"] {
            let create = Request::create(user).under("one-key");
            let reply = service.send(&create, Some(&service.user(user))).await;
            assert_eq!((reply.status, reply.replayed), (201, replayed), "{reply:?}");
            assert_eq!(reply.body["user_id"], user);
            made.push(reply.body);
        }
    }
    assert_eq!(made[..2], made[2..]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_a_strangers_repetition_opens_nothing() {
    let service = Service::ready().await;
    let (probe, owner, stranger) = (OverHttp(&service), service.user("ada"), service.user("bob"));
    for route in keyed_routes(&service).await {
        let request = probe.request(&route).await;
        let first = service.send(&request, Some(&owner)).await;
        assert!((200..300).contains(&first.status) && !first.replayed, "{route:?}: {first:?}");
        let before = service.everything().await;
        let stolen = service.send(&request, Some(&stranger)).await;
        assert!(matches!(stolen.status, 403 | 404) && !stolen.replayed, "{route:?}: {stolen:?}");
        let nobody = service.send(&request, None).await;
        assert!(nobody.status == 401 && !nobody.replayed, "{route:?}: {nobody:?}");
        assert_eq!(service.everything().await, before, "{route:?}");
        let again = service.send(&request, Some(&owner)).await;
        assert_eq!((again.status, again.replayed, &again.body), (first.status, true, &first.body));
    }
    service.stop().await;
}

/// What was answered to an administrator is not given again to the same subject without the role.
#[tokio::test(flavor = "multi_thread")]
async fn a_former_administrators_repetition_opens_nothing() {
    let service = Service::ready().await;
    let (probe, then, now) = (OverHttp(&service), service.admin(), service.user("root"));
    for route in keyed_routes(&service).await {
        let request = probe.request(&route).await;
        let first = service.send(&request, Some(&then)).await;
        assert!((200..300).contains(&first.status) && !first.replayed, "{route}: {first:?}");
        let former = service.send(&request, Some(&now)).await;
        assert!(matches!(former.status, 403 | 404) && !former.replayed, "{route}: {former:?}");
        let again = service.send(&request, Some(&then)).await;
        assert_eq!((again.status, again.replayed, &again.body), (first.status, true, &first.body));
    }
    service.stop().await;
}

/// The routes that take a key.
async fn keyed_routes(service: &Service) -> Vec<String> {
    let found = service.operations().await;
    let keyed = found.iter().filter(|route| route.name.starts_with("POST ") && route.public == Some(false));
    let keyed: Vec<_> = keyed.map(|route| route.name.clone()).collect();
    assert!(keyed.len() >= 4, "{found:?}");
    keyed
}

#[tokio::test(flavor = "multi_thread")]
async fn over_grpc_a_strangers_repetition_opens_nothing() {
    let service = Service::ready().await;
    let (owner, stranger) = (service.user("ada"), service.user("bob"));
    let probe = OverGrpc::new(&service).await;
    let mut keyed = 0;
    for method in probe.operations().await {
        let call = probe.request(&method.name).await;
        let first = probe.call(&call, Some(&owner)).await;
        assert_eq!((&first.answer, first.replayed), (&Answer::LetIn, false), "{method:?}");
        let before = probe.state().await;
        let stolen = probe.call(&call, Some(&stranger)).await;
        assert!(matches!(stolen.answer, Answer::Forbidden | Answer::NotFound), "{method:?}: {stolen:?}");
        let nobody = probe.call(&call, None).await;
        assert_eq!(nobody.answer, Answer::Unauthenticated, "{method:?}");
        assert!(!stolen.replayed && !nobody.replayed, "{method:?}");
        assert_eq!(probe.state().await, before, "{method:?}");
        let again = probe.call(&call, Some(&owner)).await;
        assert_eq!((&again.answer, &again.text), (&first.answer, &first.text), "{method:?}");
        keyed += usize::from(again.replayed);
    }
    assert!(keyed >= 4, "what changes something has a key");
    drop(probe);
    service.stop().await;
}
