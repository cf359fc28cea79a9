//! The feed's promise, with several transactions open at once.

use diesel::{dsl::sql, sql_types};
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;
use kernel_application::{StoreError, testing::context};
use notification_application::{
    NotificationFeed, NotificationRepository,
    testing::{sample, user_id},
};
use notification_domain::Notification;
use platform_postgres::{Database, Tx, testing::TestDatabase};
use platform_testkit::{PATIENCE, eventually};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{add, connected, migrated};
use crate::{PgNotificationFeed, PgNotificationRepository, row::Row, schema::notification};

#[tokio::test]
async fn who_inserts_later_is_not_seen_earlier() {
    let (own, db) = migrated().await;
    let (feed, cursor) = follow(&db, "ada").await;
    let first = Open::insert(&db, sample(1, "ada")).await;
    let second = insert_behind(&own, &db, 0, vec![sample(2, "ada")]).await;
    assert_eq!(seen(&feed, "ada", &cursor).await, [], "nothing is committed");
    assert_eq!(feed.end(&user_id("ada")).await.unwrap(), cursor);
    first.commit().await;
    assert_eq!(second.await.unwrap(), 1);
    assert_eq!(seen(&feed, "ada", &cursor).await, [1, 2]);
}

/// Bob's number is the greater one and visible first, which must not move ada's end.
#[tokio::test]
async fn users_do_not_wait_for_each_other() {
    let (_own, db) = migrated().await;
    let open = Open::insert(&db, sample(1, "ada")).await;
    assert_eq!(add(&db, vec![sample(2, "bob")]).await, 1);
    let (feed, of_bob) = follow(&db, "bob").await;
    let (_, of_ada) = follow(&db, "ada").await;
    assert_eq!(seen(&feed, "bob", "0").await, [2]);
    open.commit().await;
    assert_eq!(seen(&feed, "ada", &of_ada).await, [1]);
    assert_eq!(seen(&feed, "ada", &of_bob).await, [], "1 became visible before another user's cursor");
}

/// Triggers fire in the order of their names: this one stops an insert after the column drew a number and before the
/// row has its turn. The first to come here goes on, the second waits for its end.
const PAUSE: &str = "
    CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
    CREATE TRIGGER a_pause BEFORE INSERT ON notification FOR EACH ROW
        WHEN (NEW.event_id <= '00000000-0000-0000-0000-000000000002') EXECUTE FUNCTION pause()";

#[tokio::test]
async fn a_number_is_drawn_within_the_turn() {
    let (own, db) = migrated().await;
    own.prepare(PAUSE).await.unwrap();
    let open = Open::insert(&db, sample(1, "bob")).await;
    let overtaken = insert_behind(&own, &db, 0, vec![sample(2, "ada")]).await;
    add(&db, vec![sample(3, "ada")]).await;
    let (feed, cursor) = follow(&db, "ada").await;
    open.commit().await;
    assert_eq!(overtaken.await.unwrap(), 1);
    assert_eq!(seen(&feed, "ada", "0").await, [3, 2]);
    assert_eq!(seen(&feed, "ada", &cursor).await, [2]);
}

/// Each needs two turns. Bob's is taken, so that both have begun to wait before either can have all it needs.
#[tokio::test]
async fn inserts_for_many_users_do_not_block_each_other() {
    let (own, db) = migrated().await;
    let open = Open::insert(&db, sample(1, "bob")).await;
    let first = insert_behind(&own, &db, 0, vec![sample(2, "bob"), sample(3, "ada")]).await;
    let second = insert_behind(&own, &db, 1, vec![sample(4, "ada"), sample(5, "bob")]).await;
    open.commit().await;
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (2, 2));
    let feed = PgNotificationFeed::new(db);
    assert_eq!(seen(&feed, "ada", "0").await, [3, 4]);
    assert_eq!(seen(&feed, "bob", "0").await, [1, 2, 5]);
}

#[tokio::test]
async fn without_turns_a_follower_would_miss_one() {
    let (own, db) = migrated().await;
    own.prepare("ALTER TABLE notification DISABLE TRIGGER notification_turn").await.unwrap();
    let first = Open::insert(&db, sample(1, "ada")).await;
    add(&db, vec![sample(2, "ada")]).await;
    let (feed, cursor) = follow(&db, "ada").await;
    first.commit().await;
    assert_eq!(seen(&feed, "ada", "0").await, [1, 2]);
    assert_eq!(seen(&feed, "ada", &cursor).await, [], "1 became visible before a cursor that was handed out");
}

#[tokio::test]
async fn who_gives_up_lets_the_next_one_on() {
    let (own, db) = migrated().await;
    let (feed, cursor) = follow(&db, "ada").await;
    let first = Open::insert(&db, sample(1, "ada")).await;
    let second = insert_behind(&own, &db, 0, vec![sample(2, "ada")]).await;
    first.roll_back().await;
    assert_eq!(second.await.unwrap(), 1);
    assert_eq!(seen(&feed, "ada", &cursor).await, [2]);
}

#[tokio::test]
async fn a_replica_that_dies_lets_the_others_on() {
    let (own, db) = migrated().await;
    let first = Open::insert(&db, sample(1, "ada")).await;
    let second = insert_behind(&own, &db, 0, vec![sample(2, "ada")]).await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    own.prepare(kill).await.unwrap();
    assert_eq!(second.await.unwrap(), 1);
    assert!(matches!(first.end(true).await, Err(StoreError::Unavailable { .. })));
    assert_eq!(seen(&PgNotificationFeed::new(db), "ada", "0").await, [2]);
}

#[tokio::test]
async fn a_save_does_not_wait_for_inserts() {
    let (_own, db) = migrated().await;
    let mut old = sample(1, "ada");
    add(&db, vec![old.clone()]).await;
    old.saved();
    let open = Open::insert(&db, sample(2, "ada")).await;
    old.mark_read(old.snapshot().created_at);
    PgNotificationRepository::new(db.clone()).save(&context(), &mut old).await.unwrap();
    open.commit().await;
}

#[tokio::test]
async fn followers_of_two_replicas_miss_nothing() {
    const WRITERS: u128 = 8;
    const EACH: u128 = 30;
    const USERS: [&str; 3] = ["ada", "bob", "eve"];
    let (own, db) = migrated().await;
    let replicas = [db.clone(), connected(&own).await];
    let user = |n| USERS[usize::try_from(n).unwrap() % USERS.len()];
    let writers = (0..WRITERS).zip(replicas.into_iter().cycle()).map(|(writer, db)| {
        tokio::spawn(async move {
            for n in writer * EACH..(writer + 1) * EACH {
                add(&db, vec![sample(n, user(n))]).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let done = || writers.iter().all(JoinHandle::is_finished);
    let followed = join_all(USERS.map(|user| follow_until(&db, user, done))).await;
    for (name, mut all) in USERS.into_iter().zip(followed) {
        all.sort_unstable();
        let expected: Vec<_> = (0..WRITERS * EACH).filter(|n| user(*n) == name).collect();
        assert_eq!(all, expected, "{name}");
    }
}

/// An insert whose transaction ends when the test says so.
struct Open {
    end: oneshot::Sender<bool>,
    task: JoinHandle<Result<(), StoreError>>,
}

impl Open {
    async fn insert(db: &Database, new: Notification) -> Self {
        let (inserted, is_inserted) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let db = db.clone();
        let task = tokio::spawn(async move {
            db.transact("insert and wait", async move |tx: &mut Tx| {
                let insert = diesel::insert_into(notification::table).values(Row::new(&new));
                insert.execute(tx.conn()).await?;
                inserted.send(()).unwrap();
                if ended.await.unwrap() { Ok(()) } else { Err(StoreError::Conflict("test").into()) }
            })
            .await
        });
        is_inserted.await.unwrap();
        Self { end, task }
    }

    async fn commit(self) {
        self.end(true).await.unwrap();
    }

    async fn roll_back(self) {
        assert!(matches!(self.end(false).await, Err(StoreError::Conflict(_))));
    }

    async fn end(self, commit: bool) -> Result<(), StoreError> {
        self.end.send(commit).unwrap();
        self.task.await.unwrap()
    }
}

/// Another replica's insert, once it waits for a turn together with `others`.
async fn insert_behind(
    own: &TestDatabase,
    db: &Database,
    others: i64,
    new: Vec<Notification>,
) -> JoinHandle<usize> {
    let replica = connected(own).await;
    let insert = tokio::spawn(async move { add(&replica, new).await });
    eventually(PATIENCE, async || (waiting(db).await > others).then_some(())).await.unwrap();
    insert
}

async fn waiting(db: &Database) -> i64 {
    let count = "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    db.read("look for locks", async |connection| {
        diesel::select(sql::<sql_types::BigInt>(count)).get_result(connection).await
    })
    .await
    .unwrap()
}

async fn follow(db: &Database, user: &str) -> (PgNotificationFeed, String) {
    let feed = PgNotificationFeed::new(db.clone());
    let end = feed.end(&user_id(user)).await.unwrap();
    (feed, end)
}

/// What a follower saw from the beginning until the writers were done.
async fn follow_until(db: &Database, user: &str, done: impl Fn() -> bool) -> Vec<u128> {
    let (feed, mut cursor, mut all) = (PgNotificationFeed::new(db.clone()), "0".to_owned(), Vec::new());
    loop {
        let last_look = done();
        take(&feed, user, &mut cursor, &mut all).await;
        if last_look {
            return all;
        }
    }
}

async fn take(feed: &PgNotificationFeed, user: &str, cursor: &mut String, all: &mut Vec<u128>) {
    for item in feed.after(&user_id(user), cursor, 1_000).await.unwrap() {
        all.push(item.notification.event_id.as_u128());
        *cursor = item.cursor;
    }
}

async fn seen(feed: &PgNotificationFeed, user: &str, cursor: &str) -> Vec<u128> {
    let mut all = Vec::new();
    take(feed, user, &mut cursor.to_owned(), &mut all).await;
    all
}
