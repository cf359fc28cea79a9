//! Rows, and what they mean.

use diesel::prelude::*;
use kernel_application::{BoxError, StoreError};
use kernel_domain::{EventId, Money, Version, Violation};
use platform_sqlite::{micros, timestamp};
use provider_application::QueuedCallback;
use provider_domain::{
    Callback, CallbackUrl, Charge, ChargeId, ChargeParts, ChargeRequest, ChargeStatus, FailureCode,
    LedgerKey, Reference, Refund, RefundId, Token,
};

use crate::{
    STORE,
    schema::{callback, ledger},
};

pub(crate) const CHARGE: &str = "charge";
pub(crate) const REFUND: &str = "refund";

/// A line of the ledger.
#[derive(Queryable, Selectable)]
#[diesel(table_name = ledger)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct LineRow {
    pub(crate) entry: i64,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) charge_id: String,
    pub(crate) reference: String,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) failure_code: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) callback_url: Option<String>,
    pub(crate) created_at: i64,
}

impl LineRow {
    pub(crate) fn is_charge(&self) -> bool {
        self.kind == CHARGE
    }

    pub(crate) fn amount(&self) -> Result<Money, StoreError> {
        let currency = self.currency.parse().map_err(corrupt)?;
        Ok(Money::from_minor(self.amount_minor, currency))
    }

    /// The charge of this line, with `refunds` hundredths given back in `count` refunds.
    pub(crate) fn charge(&self, (count, refunds): (u64, i64)) -> Result<Charge, StoreError> {
        let amount = self.amount()?;
        Ok(Charge::restore(ChargeParts {
            id: ChargeId::parse(&self.id).map_err(corrupt)?,
            key: LedgerKey::new(&self.key).map_err(corrupt)?,
            request: self.request(amount)?,
            status: status(self.failure_code.as_deref())?,
            refunded: Money::from_minor(refunds, amount.currency()),
            created_at: timestamp(self.created_at),
            version: Version::new(1 + count),
        }))
    }

    fn request(&self, amount: Money) -> Result<ChargeRequest, StoreError> {
        let method = self.method.clone().unwrap_or_default();
        let token = Token::parse(self.token.as_deref().unwrap_or_default());
        let reference = Reference::new(&self.reference).map_err(corrupt)?;
        let url = self.callback_url.as_deref().map(CallbackUrl::new).transpose().map_err(corrupt)?;
        ChargeRequest::new(amount, method, token, reference, url).map_err(corrupt)
    }

    pub(crate) fn refund(&self) -> Result<Refund, StoreError> {
        Ok(Refund {
            id: RefundId::parse(&self.id).map_err(corrupt)?,
            key: LedgerKey::new(&self.key).map_err(corrupt)?,
            charge_id: ChargeId::parse(&self.charge_id).map_err(corrupt)?,
            reference: Reference::new(&self.reference).map_err(corrupt)?,
            amount: self.amount()?,
            created_at: timestamp(self.created_at),
        })
    }
}

/// A line to be added.
#[derive(Insertable)]
#[diesel(table_name = ledger)]
pub(crate) struct NewLine {
    kind: &'static str,
    id: String,
    key: String,
    charge_id: String,
    reference: String,
    amount_minor: i64,
    currency: String,
    status: &'static str,
    failure_code: Option<&'static str>,
    method: Option<String>,
    token: Option<String>,
    callback_url: Option<String>,
    created_at: i64,
}

impl From<&Charge> for NewLine {
    fn from(charge: &Charge) -> Self {
        let request = charge.request();
        Self {
            kind: CHARGE,
            id: charge.id().to_string(),
            key: charge.key().as_str().to_owned(),
            charge_id: charge.id().to_string(),
            reference: request.reference.as_str().to_owned(),
            amount_minor: request.amount().minor(),
            currency: charge.currency().to_string(),
            status: charge.status().name(),
            failure_code: charge.status().failure_code().map(FailureCode::as_str),
            method: Some(request.method.clone()),
            token: Some(request.token.as_str().to_owned()),
            callback_url: request.callback_url.as_ref().map(|url| url.as_str().to_owned()),
            created_at: micros(charge.created_at()),
        }
    }
}

impl From<&Refund> for NewLine {
    fn from(refund: &Refund) -> Self {
        Self {
            kind: REFUND,
            id: refund.id.to_string(),
            key: refund.key.as_str().to_owned(),
            charge_id: refund.charge_id.to_string(),
            reference: refund.reference.as_str().to_owned(),
            amount_minor: refund.amount.minor(),
            currency: refund.amount.currency().to_string(),
            status: "refunded",
            failure_code: None,
            method: None,
            token: None,
            callback_url: None,
            created_at: micros(refund.created_at),
        }
    }
}

/// A callback that waits.
#[derive(Queryable, Selectable)]
#[diesel(table_name = callback)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct CallbackRow {
    id: i64,
    event_id: String,
    key: String,
    charge_id: String,
    failure_code: Option<String>,
    sequence: i64,
    url: String,
    attempts: i64,
}

impl TryFrom<CallbackRow> for QueuedCallback {
    type Error = StoreError;

    fn try_from(row: CallbackRow) -> Result<Self, StoreError> {
        let callback = Callback {
            event_id: EventId::parse(&row.event_id).map_err(corrupt)?,
            key: LedgerKey::new(&row.key).map_err(corrupt)?,
            charge_id: ChargeId::parse(&row.charge_id).map_err(corrupt)?,
            status: status(row.failure_code.as_deref())?,
            sequence: u32::try_from(row.sequence).map_err(failed)?,
            url: CallbackUrl::new(&row.url).map_err(corrupt)?,
        };
        Ok(Self { id: row.id, attempts: u32::try_from(row.attempts).map_err(failed)?, callback })
    }
}

/// A callback to be added.
#[derive(Insertable)]
#[diesel(table_name = callback)]
pub(crate) struct NewCallback {
    event_id: String,
    key: String,
    charge_id: String,
    failure_code: Option<&'static str>,
    sequence: i64,
    url: String,
    attempts: i64,
    due_at: i64,
}

impl NewCallback {
    /// Due from `due_at`, in microseconds.
    pub(crate) fn new(callback: &Callback, due_at: i64) -> Self {
        Self {
            event_id: callback.event_id.to_string(),
            key: callback.key.as_str().to_owned(),
            charge_id: callback.charge_id.to_string(),
            failure_code: callback.status.failure_code().map(FailureCode::as_str),
            sequence: i64::from(callback.sequence),
            url: callback.url.as_str().to_owned(),
            attempts: 0,
            due_at,
        }
    }
}

fn status(failure_code: Option<&str>) -> Result<ChargeStatus, StoreError> {
    let Some(code) = failure_code else { return Ok(ChargeStatus::Captured) };
    let known = FailureCode::parse(code).map(ChargeStatus::Declined);
    known.ok_or_else(|| failed(format!("unknown failure code `{code}`")))
}

fn corrupt(violation: Violation) -> StoreError {
    failed(violation)
}

pub(crate) fn failed(source: impl Into<BoxError>) -> StoreError {
    StoreError::Failed { store: STORE, operation: "read a row", source: source.into() }
}
