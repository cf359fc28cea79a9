//! Rows, and their way to and from the aggregate.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use kernel_application::{BoxError, StoreError};
use kernel_domain::{BasketId, Currency, Money, PaymentId, ProductId, Quantity, Timestamp, UserId, Version};
use payment_domain::{
    BasketRef, Failure, PaymentItem, PaymentSnapshot, Processing, Refund, RefundId, RefundState, Step,
};
use platform_mariadb::{datetime, timestamp};

use crate::schema::{payment_items, payments, refunds};

/// A payment as its table holds it. What is not there is written as `NULL`, by inserts and by updates: so each of them has
/// one text, and is prepared once.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = payments, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct PaymentRow {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) basket_id: String,
    pub(crate) basket_version: i64,
    pub(crate) amount: i64,
    pub(crate) refunded: i64,
    pub(crate) currency: String,
    pub(crate) status: String,
    pub(crate) method: String,
    pub(crate) provider: Option<String>,
    pub(crate) provider_id: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: String,
    pub(crate) step: Option<String>,
    pub(crate) attempt: Option<i64>,
    pub(crate) token: Option<String>,
    pub(crate) failure_code: Option<String>,
    pub(crate) failure_reason: Option<String>,
    pub(crate) resume_at: Option<NaiveDateTime>,
    pub(crate) due_at: Option<NaiveDateTime>,
    pub(crate) created_at: NaiveDateTime,
    pub(crate) updated_at: NaiveDateTime,
    pub(crate) processed_at: Option<NaiveDateTime>,
    pub(crate) expires_at: NaiveDateTime,
    pub(crate) version: i64,
}

/// A line of a payment.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = payment_items, treat_none_as_default_value = false)]
pub(crate) struct ItemRow {
    pub(crate) payment_id: String,
    pub(crate) line: i64,
    pub(crate) product_id: i64,
    pub(crate) name: String,
    pub(crate) price: i64,
    pub(crate) quantity: i64,
    pub(crate) category: String,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = refunds, primary_key(payment_id, line))]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct RefundRow {
    pub(crate) payment_id: String,
    pub(crate) line: i64,
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) reason: Option<String>,
    pub(crate) request_key: Option<String>,
    pub(crate) state: String,
    pub(crate) compensates: bool,
    pub(crate) requested_at: NaiveDateTime,
    pub(crate) resume_at: NaiveDateTime,
}

impl PaymentRow {
    /// The row of `state` once it is saved as `version`.
    pub(crate) fn of(state: &PaymentSnapshot, version: Version) -> Result<Self, StoreError> {
        let processing = state.processing.as_ref();
        let releasing = processing.and_then(|processing| match &processing.step {
            Step::Releasing(failure) => Some(failure),
            _ => None,
        });
        let failure = releasing.or(state.failure.as_ref());
        Ok(Self {
            id: state.id.to_string(),
            user_id: state.user_id.to_string(),
            basket_id: state.basket.id.to_string(),
            basket_version: state.basket.version.cast_signed(),
            amount: state.amount.minor(),
            refunded: state.refunded().map_err(unreadable)?.minor(),
            currency: state.amount.currency().to_string(),
            status: state.status.to_string(),
            method: state.method.to_string(),
            provider: state.provider.clone(),
            provider_id: state.provider_id.clone(),
            description: state.description.clone(),
            metadata: serde_json::to_string(&state.metadata).map_err(unreadable)?,
            step: processing.map(|processing| step_name(&processing.step).to_owned()),
            attempt: processing.map(|processing| processing.attempt.into()),
            token: processing.and_then(|processing| processing.token.clone()),
            failure_code: failure.map(|failure| failure.code.clone()),
            failure_reason: failure.map(|failure| failure.reason.clone()),
            resume_at: processing.map(|processing| datetime(processing.resume_at)),
            due_at: state.due_at().map(datetime),
            created_at: datetime(state.created_at),
            updated_at: datetime(state.updated_at),
            processed_at: state.processed_at.map(datetime),
            expires_at: datetime(state.expires_at),
            version: version.get().cast_signed(),
        })
    }

    /// The payment with its lines and refunds.
    pub(crate) fn into_snapshot(
        self,
        items: Vec<ItemRow>,
        refunds: Vec<RefundRow>,
    ) -> Result<PaymentSnapshot, StoreError> {
        self.read(items, refunds).map_err(unreadable)
    }

    fn read(self, items: Vec<ItemRow>, refunds: Vec<RefundRow>) -> Result<PaymentSnapshot, BoxError> {
        let currency: Currency = self.currency.parse()?;
        let processing = self.processing()?;
        let failure = if processing.is_some() { None } else { self.failure() };
        let metadata: BTreeMap<String, String> = serde_json::from_str(&self.metadata)?;
        Ok(PaymentSnapshot {
            id: PaymentId::parse(&self.id)?,
            user_id: UserId::new(self.user_id)?,
            basket: BasketRef {
                id: BasketId::parse(&self.basket_id)?,
                version: self.basket_version.cast_unsigned(),
            },
            amount: Money::from_minor(self.amount, currency),
            status: self.status.parse()?,
            method: self.method.parse()?,
            provider: self.provider,
            provider_id: self.provider_id,
            description: self.description,
            metadata,
            items: items.into_iter().map(|row| row.read(currency)).collect::<Result<_, _>>()?,
            processing,
            failure,
            refunds: refunds.into_iter().map(|row| row.read(currency)).collect::<Result<_, _>>()?,
            created_at: timestamp(self.created_at),
            updated_at: timestamp(self.updated_at),
            processed_at: self.processed_at.map(timestamp),
            expires_at: timestamp(self.expires_at),
            version: Version::new(self.version.cast_unsigned()),
        })
    }

    fn failure(&self) -> Option<Failure> {
        let reason = self.failure_reason.clone().unwrap_or_default();
        self.failure_code.clone().map(|code| Failure { code, reason })
    }

    fn processing(&self) -> Result<Option<Processing>, BoxError> {
        let Some(step) = self.step.as_deref() else { return Ok(None) };
        let step = match step {
            "reserving" => Step::Reserving,
            "submitted" => Step::Submitted,
            "unknown" => Step::Unknown,
            "releasing" => Step::Releasing(self.failure().ok_or("releasing without failure")?),
            other => return Err(format!("unknown step {other}").into()),
        };
        let attempt = u32::try_from(self.attempt.unwrap_or(1))?;
        let resume_at: Timestamp =
            self.resume_at.map(timestamp).ok_or("processing without time to resume")?;
        Ok(Some(Processing { step, attempt, token: self.token.clone(), resume_at }))
    }
}

impl ItemRow {
    /// The lines of a payment.
    pub(crate) fn all_of(state: &PaymentSnapshot) -> Vec<Self> {
        let row = |(line, item): (i64, &PaymentItem)| Self {
            payment_id: state.id.to_string(),
            line,
            product_id: item.product_id().get(),
            name: item.name().to_owned(),
            price: item.price().minor(),
            quantity: item.quantity().get().into(),
            category: item.category().to_owned(),
        };
        (0..).zip(&state.items).map(row).collect()
    }

    fn read(self, currency: Currency) -> Result<PaymentItem, BoxError> {
        let price = Money::from_minor(self.price, currency);
        let (product, quantity) = (ProductId::new(self.product_id)?, Quantity::new(self.quantity)?);
        Ok(PaymentItem::new(product, self.name, price, quantity, self.category)?)
    }
}

impl RefundRow {
    /// The refunds of a payment.
    pub(crate) fn all_of(state: &PaymentSnapshot) -> Vec<Self> {
        let row = |(line, refund): (i64, &Refund)| Self {
            payment_id: state.id.to_string(),
            line,
            id: refund.id.to_string(),
            amount: refund.amount.minor(),
            reason: refund.reason.clone(),
            request_key: refund.request_key.clone(),
            state: refund_state_name(refund.state).to_owned(),
            compensates: refund.compensates,
            requested_at: datetime(refund.requested_at),
            resume_at: datetime(refund.resume_at),
        };
        (0..).zip(&state.refunds).map(row).collect()
    }

    fn read(self, currency: Currency) -> Result<Refund, BoxError> {
        let state = match self.state.as_str() {
            "pending" => RefundState::Pending,
            "done" => RefundState::Done,
            "refused" => RefundState::Refused,
            other => return Err(format!("unknown refund state {other}").into()),
        };
        Ok(Refund {
            id: RefundId::parse(&self.id)?,
            amount: Money::from_minor(self.amount, currency),
            reason: self.reason,
            request_key: self.request_key,
            state,
            compensates: self.compensates,
            requested_at: timestamp(self.requested_at),
            resume_at: timestamp(self.resume_at),
        })
    }
}

/// A row that this version of the program cannot read.
pub(crate) fn unreadable(source: impl Into<BoxError>) -> StoreError {
    StoreError::Failed { store: "payment store", operation: "read payment", source: source.into() }
}

const fn step_name(step: &Step) -> &'static str {
    match step {
        Step::Reserving => "reserving",
        Step::Submitted => "submitted",
        Step::Unknown => "unknown",
        Step::Releasing(_) => "releasing",
    }
}

const fn refund_state_name(state: RefundState) -> &'static str {
    match state {
        RefundState::Pending => "pending",
        RefundState::Done => "done",
        RefundState::Refused => "refused",
    }
}
