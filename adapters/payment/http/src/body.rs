//! Bodies and parameters: what clients send and get.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use kernel_domain::Timestamp;
use payment_application::{
    PaymentItemView, PaymentStats, PaymentView, commands::CreatePayment, queries::ListPayments,
};
use platform_http::MoneyText;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::schema;

/// A payment to start. What it costs is in the basket.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPayment {
    /// Who pays: 1 to 64 letters, digits or `._@-`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@-]+$", example = "ada")]
    user_id: String,
    #[schema(schema_with = schema::method)]
    method: String,
    /// The basket the client saw; `basket_changed` where the user has another one now.
    #[schema(value_type = Option<Uuid>)]
    basket_id: Option<String>,
    #[schema(schema_with = schema::provider)]
    provider: Option<String>,
    /// The currency the client expects (ISO 4217); refused where it is not the shop's.
    #[schema(pattern = "^[A-Z]{3}$", example = "USD")]
    currency: Option<String>,
    #[schema(schema_with = schema::description)]
    description: Option<String>,
    #[serde(default)]
    #[schema(schema_with = schema::new_metadata, required = false)]
    metadata: BTreeMap<String, String>,
}

/// What to pay with.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = ProcessPayment)]
pub(crate) struct Process {
    #[schema(schema_with = schema::payment_token)]
    pub(crate) payment_token: Option<String>,
}

/// What to give back.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = RefundPayment)]
pub(crate) struct Refund {
    #[schema(schema_with = schema::refund_amount)]
    pub(crate) amount: Option<MoneyText>,
    #[schema(schema_with = schema::reason)]
    pub(crate) reason: Option<String>,
}

/// Which payments to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only those with this status.
    #[param(schema_with = schema::status, required = false)]
    status: Option<String>,
    /// Only those of this user.
    #[param(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@-]+$")]
    user_id: Option<String>,
    /// The most items of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<Uuid>)]
    cursor: Option<String>,
}

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// The most items of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<Uuid>)]
    pub(crate) cursor: Option<String>,
}

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub(crate) struct PaymentBody {
    /// The payment's UUIDv7.
    #[schema(value_type = Uuid)]
    id: String,
    /// Who pays.
    user_id: String,
    /// The basket it is for.
    #[schema(value_type = Uuid)]
    basket_id: String,
    /// The sum of the items.
    amount: MoneyText,
    /// What was given back so far.
    refunded_amount: MoneyText,
    /// The currency of all amounts (ISO 4217).
    #[schema(example = "USD")]
    currency: String,
    #[schema(schema_with = schema::status)]
    status: &'static str,
    #[schema(schema_with = schema::method)]
    method: &'static str,
    /// The provider the client asked for.
    provider: Option<String>,
    /// The charge's id at the provider, once there is one.
    provider_id: Option<String>,
    /// The client's note.
    description: Option<String>,
    /// The client's own data.
    metadata: BTreeMap<String, String>,
    /// What is paid for, as the basket had it.
    items: Vec<PaymentItemBody>,
    /// Why it failed, where it did.
    #[schema(example = "card_declined")]
    failure_code: Option<String>,
    /// When it was created.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it changed last.
    #[schema(format = DateTime)]
    updated_at: String,
    /// When it was completed or failed.
    #[schema(format = DateTime)]
    processed_at: Option<String>,
    /// Until when it can be processed.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A line of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentItem)]
pub(crate) struct PaymentItemBody {
    /// The product's number.
    #[schema(minimum = 1)]
    product_id: i64,
    /// The product's name.
    name: String,
    /// The price of one unit.
    price: MoneyText,
    /// The units.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
    /// Price times quantity.
    subtotal: MoneyText,
    /// The product's category.
    category: String,
}

/// Figures over all payments.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentStats)]
pub(crate) struct StatsBody {
    /// The number of payments in each status.
    by_status: Vec<StatusCountBody>,
    /// The sum of all captured payments, refunded ones included.
    captured: MoneyText,
    /// The sum of all refunds.
    refunded: MoneyText,
    /// The currency of all amounts (ISO 4217).
    #[schema(example = "USD")]
    currency: String,
}

/// The number of payments in one status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentStatusCount)]
pub(crate) struct StatusCountBody {
    #[schema(schema_with = schema::status)]
    status: &'static str,
    /// How many.
    #[schema(minimum = 0)]
    count: u64,
}

impl From<NewPayment> for CreatePayment {
    fn from(new: NewPayment) -> Self {
        Self {
            user_id: new.user_id,
            method: new.method,
            basket_id: new.basket_id,
            provider: new.provider,
            currency: new.currency,
            description: new.description,
            metadata: new.metadata,
        }
    }
}

impl From<ListParams> for ListPayments {
    fn from(params: ListParams) -> Self {
        let ListParams { status, user_id, limit, cursor } = params;
        Self { status, user_id, limit, cursor }
    }
}

impl From<PaymentView> for PaymentBody {
    fn from(view: PaymentView) -> Self {
        Self {
            id: view.id,
            user_id: view.user_id,
            basket_id: view.basket_id,
            currency: view.amount.currency().to_string(),
            amount: view.amount.into(),
            refunded_amount: view.refunded_amount.into(),
            status: view.status.as_str(),
            method: view.method.as_str(),
            provider: view.provider,
            provider_id: view.provider_id,
            description: view.description,
            metadata: view.metadata,
            items: view.items.into_iter().map(PaymentItemBody::from).collect(),
            failure_code: view.failure_code,
            created_at: text(view.created_at),
            updated_at: text(view.updated_at),
            processed_at: view.processed_at.map(text),
            expires_at: text(view.expires_at),
        }
    }
}

impl From<PaymentItemView> for PaymentItemBody {
    fn from(view: PaymentItemView) -> Self {
        Self {
            product_id: view.product_id,
            name: view.name,
            price: view.price.into(),
            quantity: view.quantity,
            subtotal: view.subtotal.into(),
            category: view.category,
        }
    }
}

impl From<PaymentStats> for StatsBody {
    fn from(stats: PaymentStats) -> Self {
        let count = |found: payment_application::StatusCount| StatusCountBody {
            status: found.status.as_str(),
            count: found.count,
        };
        Self {
            by_status: stats.by_status.into_iter().map(count).collect(),
            currency: stats.captured.currency().to_string(),
            captured: stats.captured.into(),
            refunded: stats.refunded.into(),
        }
    }
}

fn text(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
