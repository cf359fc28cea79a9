//! The provider's words: requests, answers, and the codes of its problems.

use payment_application::{Charge, ChargeOutcome, RefundOrder, RefundOutcome};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{CallError, client::Answer};

/// The codes by which a refund is refused for good.
const REFUND_REFUSED: [&str; 2] = ["amount_exceeds_charge", "charge_not_captured"];
/// The code of a charge the provider has never seen. A bare 404 may come from anybody on the way.
const UNKNOWN_CHARGE: &str = "charge_not_found";
/// The code of a key that belongs to another request.
const KEY_REUSED: &str = "idempotency_key_reused";
/// What we call a charge that the provider finds invalid.
const REJECTED: &str = "rejected_by_provider";
/// The code of a decline for which the provider gives no reason.
const DECLINED: &str = "declined";

/// `POST /charges`.
#[derive(Serialize)]
pub(crate) struct ChargeRequest<'a> {
    amount: String,
    currency: String,
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
}

impl<'a> ChargeRequest<'a> {
    pub(crate) fn new(charge: &'a Charge, callback_url: Option<&'a str>) -> Self {
        Self {
            amount: charge.amount.to_string(),
            currency: charge.amount.currency().to_string(),
            method: charge.method.as_str(),
            token: charge.token.as_deref(),
            reference: charge.payment_id.to_string(),
            callback_url,
        }
    }
}

/// `POST /refunds`.
#[derive(Serialize)]
pub(crate) struct RefundRequest<'a> {
    charge_id: &'a str,
    amount: String,
}

impl<'a> RefundRequest<'a> {
    pub(crate) fn new(refund: &'a RefundOrder) -> Self {
        Self { charge_id: &refund.charge_id, amount: refund.amount.to_string() }
    }
}

#[derive(Deserialize)]
struct ChargeBody {
    id: String,
    key: String,
    status: ChargeStatus,
    failure_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChargeStatus {
    Captured,
    Declined,
}

#[derive(Deserialize)]
struct RefundBody {
    #[serde(rename = "status")]
    _status: RefundStatus,
}

/// A refund in any other status is not one that can be trusted.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundStatus {
    Refunded,
}

#[derive(Default, Deserialize)]
struct ProblemBody {
    #[serde(default)]
    code: String,
}

impl Answer {
    /// What became of the charge under `key`.
    ///
    /// A request that the provider calls invalid was never charged and never will be: a decline. The one exception is
    /// a key it knows from another request, for which there may be a charge.
    pub(crate) fn charge(&self, key: &str) -> Result<ChargeOutcome, CallError> {
        if self.status == StatusCode::UNPROCESSABLE_ENTITY {
            let code = self.code();
            if !code.is_empty() && code != KEY_REUSED {
                return Ok(ChargeOutcome::Declined { code: REJECTED.to_owned() });
            }
        }
        let ChargeBody { id, key: answered, status, failure_code } = self.success()?;
        match status {
            _ if answered != key => Err(CallError::OtherKey),
            ChargeStatus::Captured => Ok(ChargeOutcome::Captured { charge_id: id }),
            ChargeStatus::Declined => {
                Ok(ChargeOutcome::Declined { code: failure_code.unwrap_or_else(|| DECLINED.to_owned()) })
            }
        }
    }

    /// The same, where there may be none.
    pub(crate) fn found_charge(&self, key: &str) -> Result<Option<ChargeOutcome>, CallError> {
        if self.is_unknown_charge() {
            return Ok(None);
        }
        self.charge(key).map(Some)
    }

    /// What became of a refund.
    pub(crate) fn refund(&self) -> Result<RefundOutcome, CallError> {
        let code = self.code();
        let refused = self.status == StatusCode::CONFLICT && REFUND_REFUSED.contains(&code.as_str());
        if refused || self.is_unknown_charge() {
            return Ok(RefundOutcome::Refused);
        }
        self.success::<RefundBody>().map(|_| RefundOutcome::Refunded)
    }

    fn is_unknown_charge(&self) -> bool {
        self.status == StatusCode::NOT_FOUND && self.code() == UNKNOWN_CHARGE
    }

    fn success<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        if self.status != StatusCode::OK && self.status != StatusCode::CREATED {
            return Err(CallError::Refused { status: self.status.as_u16(), code: self.code() });
        }
        serde_json::from_slice(&self.body).map_err(CallError::Unreadable)
    }

    /// The problem's code; empty where the body is no problem.
    fn code(&self) -> String {
        serde_json::from_slice::<ProblemBody>(&self.body).unwrap_or_default().code
    }
}
