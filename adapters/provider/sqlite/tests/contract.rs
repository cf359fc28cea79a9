//! The ledger on real files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use platform_sqlite::Database;
use provider_application::testing::{Stores, callbacks, charge, ledger_contract};
use provider_sqlite::{MIGRATIONS, STORE, SqliteCallbackQueue, SqliteChargeRepository, SqliteLedgerQueries};
use tempfile::TempDir;

async fn open(folder: &TempDir) -> Stores {
    let db = Database::open(&folder.path().join("provider.db"), STORE, MIGRATIONS).await.unwrap();
    Stores {
        charges: Arc::new(SqliteChargeRepository::new(db.clone())),
        ledger: Arc::new(SqliteLedgerQueries::new(db.clone())),
        callbacks: Arc::new(SqliteCallbackQueue::new(db)),
    }
}

#[tokio::test]
async fn the_ledger_keeps_the_contract() {
    let folders = Mutex::new(Vec::new());
    ledger_contract(async || {
        let folder = TempDir::new().unwrap();
        let stores = open(&folder).await;
        folders.lock().unwrap().push(folder);
        stores
    })
    .await;
}

#[tokio::test]
async fn the_ledger_survives_a_restart() {
    let folder = TempDir::new().unwrap();
    let context = kernel_application::testing::context();
    let charge = charge("k", 100, "tok_success");
    open(&folder).await.charges.add(&context, &charge, &callbacks(&charge)).await.unwrap();
    let reopened = open(&folder).await;
    assert_eq!(reopened.charges.find(charge.id()).await.unwrap().unwrap().request(), charge.request());
    assert_eq!(reopened.ledger.entries(0, 10).await.unwrap().len(), 1);
    assert_eq!(reopened.callbacks.due(charge.created_at(), 10).await.unwrap().len(), 1);
}
