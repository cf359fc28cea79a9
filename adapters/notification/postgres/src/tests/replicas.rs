//! Two replicas at the same work.

use std::collections::HashMap;

use chrono::TimeDelta;
use futures_util::future::join_all;
use kernel_application::{StoreError, testing::context};
use kernel_domain::Timestamp;
use notification_application::{
    Channel, NotificationRepository, RetryPolicy,
    testing::{at, sample_on},
};
use notification_domain::NotificationId;
use platform_postgres::Database;
use uuid::Uuid;

use super::{add, connected, migrated};
use crate::PgNotificationRepository;

/// Each replica claims before it sends, so what a claim is won for is sent once.
#[tokio::test]
async fn each_due_notification_is_claimed_once() {
    const COUNT: u128 = 60;
    let (own, db) = migrated().await;
    add(&db, (0..COUNT).map(|n| sample_on(n, "ada", Channel::Email)).collect()).await;
    let other = connected(&own).await;
    let workers = [&db, &other, &db, &other].into_iter().zip(1..);
    let claimed = join_all(workers.map(|(db, worker)| claim_all(db, worker))).await.concat();
    let mut times = HashMap::new();
    for id in claimed {
        *times.entry(id).or_insert(0) += 1;
    }
    assert_eq!(times.len(), 60);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

async fn claim_all(db: &Database, worker: u128) -> Vec<NotificationId> {
    let (repository, now) = (PgNotificationRepository::new(db.clone()), at(1_000));
    let mut claimed = Vec::new();
    loop {
        let due = repository.due(Channel::Email, now, 16).await.unwrap();
        if due.is_empty() {
            return claimed;
        }
        for id in due {
            if claim(&repository, id, worker, now).await {
                claimed.push(id);
            }
        }
    }
}

async fn claim(
    repository: &PgNotificationRepository,
    id: NotificationId,
    worker: u128,
    now: Timestamp,
) -> bool {
    let mut notification = repository.find(id, None).await.unwrap().unwrap();
    let token = Uuid::from_u128(worker);
    if notification.claim(token, now, TimeDelta::seconds(18), &RetryPolicy::default()).is_err() {
        return false;
    }
    match repository.save(&context(), &mut notification).await {
        Ok(()) => true,
        Err(StoreError::Conflict(_)) => false,
        Err(error) => panic!("{error}"),
    }
}
