//! What the sandbox takes and shows, as JSON.

use chrono::SecondsFormat;
use kernel_domain::Timestamp;
use platform_http::MoneyText;
use provider_application::{ChargeView, EntryView, LedgerView, RefundView, TotalView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

/// A request for money.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCharge {
    /// How much, above 0.
    pub(crate) amount: MoneyText,
    /// Three capital letters (ISO 4217).
    #[schema(example = "USD", pattern = "^[A-Z]{3}$")]
    pub(crate) currency: String,
    /// How the customer pays.
    #[schema(example = "credit_card", min_length = 1, max_length = 32)]
    pub(crate) method: String,
    /// How the charge goes. `tok_success`, `tok_slow`, `tok_timeout_after_charge`, `tok_error_after_charge`,
    /// `tok_error_before_charge` and `tok_callback_twice` are captured; `tok_declined`, `tok_insufficient_funds` and
    /// tokens that are not known are declined.
    #[serde(default = "success")]
    #[schema(example = "tok_success", min_length = 1, max_length = 64)]
    pub(crate) token: String,
    /// What is paid for, such as a payment's id.
    #[schema(
        example = "01890a5d-ac96-774b-bcce-b302099a8057",
        min_length = 1,
        max_length = 128,
        pattern = "^[!-~]+$"
    )]
    pub(crate) reference: String,
    /// Where to report to, an `http://` URL.
    #[serde(default)]
    #[schema(
        example = "http://localhost:8082/provider-callbacks",
        max_length = 2000,
        pattern = "^http://[!-~]+$"
    )]
    pub(crate) callback_url: Option<String>,
}

fn success() -> String {
    "tok_success".to_owned()
}

/// A request for money back.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRefund {
    /// The charge.
    #[schema(
        example = "ch_01890a5d-ac96-774b-bcce-b302099a8057",
        pattern = "^ch_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
    )]
    pub(crate) charge_id: String,
    /// How much, above 0.
    pub(crate) amount: MoneyText,
}

/// A charge.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChargeBody {
    #[schema(example = "ch_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// The key it was made under.
    key: String,
    /// What is paid for.
    reference: String,
    #[schema(value_type = ChargeStatus)]
    status: &'static str,
    /// Why it was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FailureCode>)]
    failure_code: Option<&'static str>,
    amount: MoneyText,
    #[schema(example = "USD")]
    currency: String,
    /// The sum of its refunds up to now.
    refunded: MoneyText,
    /// RFC 3339 in UTC.
    #[schema(format = DateTime)]
    created_at: String,
}

/// Whether money was taken.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "it only documents the words that a view carries")]
pub(crate) enum ChargeStatus {
    Captured,
    Declined,
}

/// Why money was not taken.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "it only documents the words that a view carries")]
pub(crate) enum FailureCode {
    CardDeclined,
    InsufficientFunds,
    InvalidToken,
}

impl From<ChargeView> for ChargeBody {
    fn from(view: ChargeView) -> Self {
        Self {
            id: view.id,
            key: view.key,
            reference: view.reference,
            status: view.status,
            failure_code: view.failure_code,
            currency: view.amount.currency().to_string(),
            amount: view.amount.into(),
            refunded: view.refunded.into(),
            created_at: rfc3339(view.created_at),
        }
    }
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefundBody {
    #[schema(example = "re_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// The key it was made under.
    key: String,
    /// The charge it takes from.
    charge_id: String,
    /// The charge's reference.
    reference: String,
    amount: MoneyText,
    #[schema(example = "USD")]
    currency: String,
    /// Always `refunded`.
    #[schema(example = "refunded")]
    status: &'static str,
    /// RFC 3339 in UTC.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<RefundView> for RefundBody {
    fn from(view: RefundView) -> Self {
        Self {
            id: view.id,
            key: view.key,
            charge_id: view.charge_id,
            reference: view.reference,
            currency: view.amount.currency().to_string(),
            amount: view.amount.into(),
            status: "refunded",
            created_at: rfc3339(view.created_at),
        }
    }
}

/// A page of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerBody {
    /// Lines, oldest first.
    items: Vec<EntryBody>,
    /// Send it as `cursor` to get the next page; `null` on the last one.
    next_cursor: Option<String>,
    /// The totals of all references on the page, over the whole ledger.
    totals: Vec<TotalBody>,
}

/// A line of the ledger.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum EntryBody {
    Charge(ChargeEntry),
    Refund(RefundEntry),
}

/// A charge and its place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChargeEntry {
    /// Counts up in the order of the commits.
    entry: i64,
    #[serde(flatten)]
    charge: ChargeBody,
}

/// A refund and its place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefundEntry {
    /// Counts up in the order of the commits.
    entry: i64,
    #[serde(flatten)]
    refund: RefundBody,
}

/// All that happened under one reference in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotalBody {
    reference: String,
    #[schema(example = "USD")]
    currency: String,
    /// How many charges were captured.
    captures: u64,
    /// Their sum.
    captured: MoneyText,
    /// The sum of the refunds.
    refunded: MoneyText,
}

impl From<LedgerView> for LedgerBody {
    fn from(LedgerView { page, totals }: LedgerView) -> Self {
        let page = page.map(EntryBody::from);
        let totals = totals.into_iter().map(TotalBody::from).collect();
        Self { items: page.items, next_cursor: page.next_cursor, totals }
    }
}

impl From<EntryView> for EntryBody {
    fn from(view: EntryView) -> Self {
        match view {
            EntryView::Charge { entry, charge } => Self::Charge(ChargeEntry { entry, charge: charge.into() }),
            EntryView::Refund { entry, refund } => Self::Refund(RefundEntry { entry, refund: refund.into() }),
        }
    }
}

impl From<TotalView> for TotalBody {
    fn from(view: TotalView) -> Self {
        Self {
            reference: view.reference,
            currency: view.captured.currency().to_string(),
            captures: view.captures,
            captured: view.captured.into(),
            refunded: view.refunded.into(),
        }
    }
}

fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
