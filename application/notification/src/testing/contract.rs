//! What every store of this context has to do. A store's own tests call [`all`] with a way to make empty stores.

#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, PageRequest, StoreError, messaging::Delivery, testing::context};
use kernel_domain::EventId;
use notification_domain::{Channel, Notification, NotificationId};
use uuid::Uuid;

use super::{at, sample, sample_on, user_id};
use crate::{
    NotificationFeed, NotificationFilter, NotificationQueries, NotificationRepository, NotificationView,
    PageError,
};

/// A store's three ports over the same, at first empty, data.
#[async_trait]
pub trait Stores: Send + Sync {
    /// The repository.
    fn repository(&self) -> Arc<dyn NotificationRepository>;
    /// The queries.
    fn queries(&self) -> Arc<dyn NotificationQueries>;
    /// The feed.
    fn feed(&self) -> Arc<dyn NotificationFeed>;
    /// A delivery of `event` at the position that the consumer has now.
    async fn delivery(&self, event: EventId) -> Delivery;
}

/// Runs every suite, each on a store of its own.
pub async fn all<S: Stores>(make: impl AsyncFn() -> S) {
    absence(&make().await).await;
    roundtrip(&make().await).await;
    owners(&make().await).await;
    one_per_event_and_channel(&make().await).await;
    version_conflict(&make().await).await;
    parallel_writers(&make().await).await;
    due_in_order(&make().await).await;
    delivery_settled_once(&make().await).await;
    lost_delivery_writes_nothing(&make().await).await;
    filters(&make().await).await;
    stable_pages(&make().await).await;
    feed(&make().await).await;
}

/// What is not there is `None` or empty.
pub async fn absence(stores: &impl Stores) {
    let id = NotificationId::from_uuid(Uuid::from_u128(404));
    assert_eq!(stores.repository().find(id, None).await.unwrap(), None);
    assert_eq!(stores.queries().get(id, None).await.unwrap(), None);
    assert!(list(stores, NotificationFilter::default()).await.is_empty());
    assert!(stores.repository().due(Channel::Email, at(99), 9).await.unwrap().is_empty());
    let mut unsaved = sample(1, "ada");
    let saved = stores.repository().save(&context(), &mut unsaved).await;
    assert!(matches!(saved, Err(StoreError::Conflict(_))), "{saved:?}");
}

/// What was kept comes back as it was, in every state.
pub async fn roundtrip(stores: &impl Stores) {
    let repository = stores.repository();
    let mut states = vec![sample(1, "ada"), sample_on(1, "ada", Channel::Email)];
    let token = Uuid::from_u128(7);
    let lease = chrono::TimeDelta::seconds(30);
    let policy = notification_domain::RetryPolicy::default();
    let mut claimed = sample_on(1, "ada", Channel::Slack);
    claimed.claim(token, at(1), lease, &policy).unwrap();
    let mut failed = sample_on(1, "ada", Channel::Webhook);
    failed.claim(token, at(1), lease, &policy).unwrap();
    failed.record_failure(token, at(2), "gone", true, &policy).unwrap();
    failed.mark_read(at(3));
    states.extend([claimed, failed]);
    assert_eq!(repository.add_all(&context(), states.clone()).await.unwrap(), 4);
    for mut state in states {
        state.saved();
        let id = state.snapshot().id;
        assert_eq!(repository.find(id, None).await.unwrap().as_ref(), Some(&state));
        let view = stores.queries().get(id, None).await.unwrap();
        assert_eq!(view, Some(NotificationView::from(&state)));
    }
}

/// What is another user's is not there.
pub async fn owners(stores: &impl Stores) {
    let id = add(stores, sample(1, "ada")).await;
    for (user, finds) in [(Some("ada"), true), (Some("bob"), false), (Some("Ada"), false), (None, true)] {
        let of = user.map(user_id);
        let found = stores.repository().find(id, of.as_ref()).await.unwrap();
        assert_eq!(found.is_some(), finds, "{user:?}");
        let view = stores.queries().get(id, of.as_ref()).await.unwrap();
        assert_eq!(view.is_some(), finds, "{user:?}");
    }
}

/// An event is told once per channel; a channel that came later is added.
pub async fn one_per_event_and_channel(stores: &impl Stores) {
    let repository = stores.repository();
    let first = vec![sample(1, "ada")];
    assert_eq!(repository.add_all(&context(), first.clone()).await.unwrap(), 1);
    let second = vec![other_id(&first[0]), sample_on(1, "ada", Channel::Email)];
    assert_eq!(repository.add_all(&context(), second).await.unwrap(), 1);
    assert_eq!(list(stores, NotificationFilter::default()).await.len(), 2);
}

/// Of two that loaded the same version, the first to save wins.
pub async fn version_conflict(stores: &impl Stores) {
    let repository = stores.repository();
    let id = add(stores, sample(1, "ada")).await;
    let mut winner = repository.find(id, None).await.unwrap().unwrap();
    let mut loser = winner.clone();
    winner.mark_read(at(5));
    repository.save(&context(), &mut winner).await.unwrap();
    loser.mark_read(at(6));
    let lost = repository.save(&context(), &mut loser).await;
    assert!(matches!(lost, Err(StoreError::Conflict(_))), "{lost:?}");
    assert_eq!(repository.find(id, None).await.unwrap(), Some(winner.clone()));
    winner.mark_read(at(7));
    repository.save(&context(), &mut winner).await.unwrap();
}

/// Of many that claim at once, one succeeds; of many that add the same event at once, one adds.
pub async fn parallel_writers(stores: &impl Stores) {
    let adders = (0..8).map(|_| {
        let repository = stores.repository();
        tokio::spawn(async move {
            repository.add_all(&context(), vec![sample_on(1, "ada", Channel::Email)]).await.unwrap()
        })
    });
    assert_eq!(sum(adders.collect()).await, 1);
    let id = sample_on(1, "ada", Channel::Email).snapshot().id;
    let found = stores.repository().find(id, None).await.unwrap().unwrap();
    let claimers = (0..8).map(|n| {
        let (repository, mut mine) = (stores.repository(), found.clone());
        tokio::spawn(async move {
            let policy = notification_domain::RetryPolicy::default();
            mine.claim(Uuid::from_u128(n), at(2), chrono::TimeDelta::seconds(9), &policy).unwrap();
            usize::from(repository.save(&context(), &mut mine).await.is_ok())
        })
    });
    assert_eq!(sum(claimers.collect()).await, 1);
}

/// Due ones come by channel, those due longest first, and no others.
pub async fn due_in_order(stores: &impl Stores) {
    let mails = [3, 1, 2, 9].map(|n| sample_on(n, "ada", Channel::Email));
    let ids = mails.clone().map(|mail| mail.snapshot().id);
    let mut new = mails.to_vec();
    new.extend([sample_on(1, "ada", Channel::Slack), sample(1, "ada")]);
    stores.repository().add_all(&context(), new).await.unwrap();
    let due = async |limit| stores.repository().due(Channel::Email, at(3), limit).await.unwrap();
    assert_eq!(due(9).await, [ids[1], ids[2], ids[0]]);
    assert_eq!(due(2).await, [ids[1], ids[2]]);
}

/// A delivery's position moves with its effect, and a second delivery of the event has none.
pub async fn delivery_settled_once(stores: &impl Stores) {
    let event = sample(1, "ada").snapshot().event_id;
    let first = stores.delivery(event).await;
    stores.repository().add_all(&delivering(&first), vec![sample(1, "ada")]).await.unwrap();
    let again = Delivery { expected: first.next, next: first.next + 1, ..first };
    let repeated = vec![sample(1, "ada"), sample(2, "ada")];
    let result = stores.repository().add_all(&delivering(&again), repeated).await;
    assert!(matches!(result, Err(StoreError::AlreadyApplied)), "{result:?}");
    assert_eq!(list(stores, NotificationFilter::default()).await.len(), 1);
    let other = EventId::from_uuid(Uuid::from_u128(3));
    let third = Delivery { expected: again.next, next: again.next + 1, event_id: Some(other), ..again };
    stores.repository().add_all(&delivering(&third), vec![sample(3, "ada")]).await.unwrap();
}

/// Who lost the partition writes nothing.
pub async fn lost_delivery_writes_nothing(stores: &impl Stores) {
    let delivery = stores.delivery(sample(1, "ada").snapshot().event_id).await;
    let stale = Delivery { expected: delivery.expected + 5, next: delivery.expected + 6, ..delivery };
    let result = stores.repository().add_all(&delivering(&stale), vec![sample(1, "ada")]).await;
    assert!(matches!(result, Err(StoreError::Fenced)), "{result:?}");
    assert!(list(stores, NotificationFilter::default()).await.is_empty());
}

/// Lists can be narrowed by user, channel and whether they were read.
pub async fn filters(stores: &impl Stores) {
    let mut read = sample_on(1, "ada", Channel::Email);
    read.mark_read(at(2));
    let new = vec![sample(1, "ada"), read, sample(2, "bob")];
    stores.repository().add_all(&context(), new).await.unwrap();
    let count = async |filter| list(stores, filter).await.len();
    let user = Some(user_id("ada"));
    assert_eq!(count(NotificationFilter { user_id: user.clone(), ..Default::default() }).await, 2);
    assert_eq!(count(NotificationFilter { channel: Some(Channel::InApp), ..Default::default() }).await, 2);
    assert_eq!(count(NotificationFilter { unread: true, ..Default::default() }).await, 2);
    assert_eq!(count(NotificationFilter { unread: true, user_id: user, channel: None }).await, 1);
}

/// Pages come newest first, and what is added meanwhile neither repeats nor hides an item.
pub async fn stable_pages(stores: &impl Stores) {
    for n in 1..=5 {
        add(stores, sample(n, "ada")).await;
    }
    let (mut seen, mut cursor, mut next) = (Vec::new(), None, 100);
    loop {
        let request = PageRequest::new(Some(2), cursor).unwrap();
        let page = stores.queries().list(&NotificationFilter::default(), &request).await.unwrap();
        seen.extend(page.items.iter().map(|item| item.event_id.as_u128()));
        add(stores, sample(next, "ada")).await;
        next += 1;
        let Some(more) = page.next_cursor else { break };
        cursor = Some(more);
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    for bad in ["?", "zz", "-1", "ffffffffffffffffffff"] {
        let request = PageRequest::new(None, Some(bad.into())).unwrap();
        let refused = stores.queries().list(&NotificationFilter::default(), &request).await;
        assert!(matches!(refused, Err(PageError::Cursor(_))), "{bad}: {refused:?}");
    }
}

/// A follower sees each of a user's notifications in the app once, in order.
pub async fn feed(stores: &impl Stores) {
    add(stores, sample(1, "ada")).await;
    let feed = stores.feed();
    let (ada, bob) = (user_id("ada"), user_id("bob"));
    let mut cursor = feed.end(&ada).await.unwrap();
    assert!(feed.after(&ada, &cursor, 9).await.unwrap().is_empty());
    let nothing_yet = feed.end(&bob).await.unwrap();
    let new = vec![
        sample(2, "ada"),
        sample_on(2, "ada", Channel::Slack),
        sample(3, "bob"),
        sample(4, "ada"),
        sample(5, "ada"),
    ];
    stores.repository().add_all(&context(), new).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let items = feed.after(&ada, &cursor, 2).await.unwrap();
        let Some(last) = items.last() else { break };
        cursor.clone_from(&last.cursor);
        seen.extend(items.iter().map(|item| item.notification.event_id.as_u128()));
    }
    assert_eq!(seen, [2, 4, 5]);
    let of_bob = feed.after(&bob, &nothing_yet, 9).await.unwrap();
    assert_eq!(of_bob.iter().map(|item| item.notification.event_id.as_u128()).collect::<Vec<_>>(), [3]);
    for user in [&ada, &bob] {
        let end = feed.end(user).await.unwrap();
        assert!(feed.after(user, &end, 9).await.unwrap().is_empty(), "{user}");
    }
    let refused = feed.after(&ada, "?", 2).await;
    assert!(matches!(refused, Err(PageError::Cursor(_))), "{refused:?}");
}

async fn list(stores: &impl Stores, filter: NotificationFilter) -> Vec<NotificationView> {
    let page = PageRequest::new(Some(100), None).unwrap();
    stores.queries().list(&filter, &page).await.unwrap().items
}

async fn add(stores: &impl Stores, notification: Notification) -> NotificationId {
    let id = notification.snapshot().id;
    assert_eq!(stores.repository().add_all(&context(), vec![notification]).await.unwrap(), 1);
    id
}

fn other_id(notification: &Notification) -> Notification {
    let mut snapshot = notification.snapshot().clone();
    snapshot.id = NotificationId::from_uuid(Uuid::from_u128(77_777));
    Notification::restore(snapshot)
}

fn delivering(delivery: &Delivery) -> CallContext {
    context().with_delivery(delivery.clone())
}

async fn sum(tasks: Vec<tokio::task::JoinHandle<usize>>) -> usize {
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    sum
}
