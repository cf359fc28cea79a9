//! The sandbox's components.
#![expect(clippy::struct_field_names, reason = "the macro names the fields of the module")]

use platform_runtime::{SystemClock, UuidV7Generator};
use provider_application::{
    commands::{
        create_charge::{CreateChargeHandler, CreateChargeHandlerParameters},
        deliver_callbacks::DeliverCallbacksHandler,
        refund_charge::RefundChargeHandler,
    },
    queries::{get_charge::GetChargeHandler, get_refund::GetRefundHandler, read_ledger::ReadLedgerHandler},
};
use provider_channels::{HttpCallbackSender, HttpCallbackSenderParameters};
use provider_sqlite::{
    SqliteCallbackQueue, SqliteCallbackQueueParameters, SqliteChargeRepository,
    SqliteChargeRepositoryParameters, SqliteLedgerQueries, SqliteLedgerQueriesParameters,
};
use shaku::module;

use crate::resources::Resources;

module! {
    pub(crate) ProviderModule {
        components = [
            SystemClock,
            UuidV7Generator,
            SqliteChargeRepository,
            SqliteLedgerQueries,
            SqliteCallbackQueue,
            HttpCallbackSender,
            CreateChargeHandler,
            RefundChargeHandler,
            DeliverCallbacksHandler,
            GetChargeHandler,
            GetRefundHandler,
            ReadLedgerHandler,
        ],
        providers = []
    }
}

/// Wires everything over the SQLite file.
pub(crate) fn build(resources: &Resources) -> ProviderModule {
    let db = || resources.database.clone();
    ProviderModule::builder()
        .with_component_parameters::<SqliteChargeRepository>(SqliteChargeRepositoryParameters { db: db() })
        .with_component_parameters::<SqliteLedgerQueries>(SqliteLedgerQueriesParameters { db: db() })
        .with_component_parameters::<SqliteCallbackQueue>(SqliteCallbackQueueParameters { db: db() })
        .with_component_parameters::<HttpCallbackSender>(HttpCallbackSenderParameters {
            client: resources.callbacks.clone(),
        })
        .with_component_parameters::<CreateChargeHandler>(CreateChargeHandlerParameters {
            holds: resources.holds,
        })
        .build()
}

#[cfg(test)]
mod tests {
    use platform_runtime::{Configuration, Settings};

    use super::*;
    use crate::Config;

    #[tokio::test]
    async fn the_module_builds() {
        let folder = platform_testkit::data_dir().unwrap();
        let mut settings = Settings::from_pairs([("DATA_DIR", folder.path().to_str().unwrap())]);
        let config = Config::declare(&mut settings);
        build(&Resources::open(&config).await.unwrap());
    }
}
