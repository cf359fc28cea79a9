//! The way from pending to a verdict, step by step, so that it can go on after a crash at any point.

use chrono::TimeDelta;
use kernel_domain::Timestamp;

use crate::{Payment, PaymentEvent, PaymentRuleError, PaymentStatus, Refund, RefundId, RefundState};

/// Where processing is, and who may go on with it from when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processing {
    /// The step under way.
    pub step: Step,
    /// The number of the charge, part of its key at the provider.
    pub attempt: u32,
    /// What the user pays with; `None` for the provider's default.
    pub token: Option<String>,
    /// From then on the recovery worker takes over.
    pub resume_at: Timestamp,
}

/// The steps. Each is saved before what it names is done, and doing it again does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Stock is being reserved.
    Reserving,
    /// Stock is reserved; the charge may have been sent.
    Submitted,
    /// The charge was sent and its outcome is not known.
    Unknown,
    /// The charge was declined; the reservation is being released.
    Releasing(Failure),
}

/// Why there is no money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A stable code: `card_declined`, `insufficient_stock`.
    pub code: String,
    /// The reason in words.
    pub reason: String,
}

impl Payment {
    /// How long whoever took a step has for it before the worker takes over.
    pub const STEP_LEASE: TimeDelta = TimeDelta::seconds(15);

    /// The user pays: `pending → processing`. An expired quote is refused.
    pub fn begin(&mut self, token: Option<String>, now: Timestamp) -> Result<(), PaymentRuleError> {
        self.require(&[PaymentStatus::Pending], "process it")?;
        if now >= self.state.expires_at {
            return Err(PaymentRuleError::Expired);
        }
        let resume_at = now + Self::STEP_LEASE;
        self.state.processing = Some(Processing { step: Step::Reserving, attempt: 1, token, resume_at });
        self.become_status(PaymentStatus::Processing, now);
        Ok(())
    }

    /// Takes the step under way over, for a lease. Version checks make sure that one worker does.
    pub fn resume(&mut self, now: Timestamp) -> Result<(), PaymentRuleError> {
        self.processing_mut("resume it")?.resume_at = now + Self::STEP_LEASE;
        self.state.updated_at = now;
        Ok(())
    }

    /// Stock is reserved; the charge goes out next.
    pub fn submit(&mut self, now: Timestamp) -> Result<(), PaymentRuleError> {
        let processing = self.processing_mut("submit it")?;
        if processing.step != Step::Reserving {
            return Err(PaymentRuleError::Step("submit the charge"));
        }
        processing.step = Step::Submitted;
        processing.resume_at = now + Self::STEP_LEASE;
        self.state.updated_at = now;
        Ok(())
    }

    /// The provider did not answer: the outcome is unknown, never failed. The worker asks again after `pause`.
    pub fn lose_track(&mut self, pause: TimeDelta, now: Timestamp) -> Result<(), PaymentRuleError> {
        let processing = self.charged("lose track of the charge")?;
        processing.step = Step::Unknown;
        processing.resume_at = now + pause;
        self.state.updated_at = now;
        Ok(())
    }

    /// Something else is away: the worker goes on with the same step after `pause`.
    pub fn postpone(&mut self, pause: TimeDelta, now: Timestamp) -> Result<(), PaymentRuleError> {
        self.processing_mut("postpone it")?.resume_at = now + pause;
        self.state.updated_at = now;
        Ok(())
    }

    /// The money is captured: `processing → completed`.
    pub fn capture(&mut self, provider_id: String, now: Timestamp) -> Result<(), PaymentRuleError> {
        self.charged("capture the charge")?;
        self.state.provider_id = Some(provider_id);
        self.conclude(PaymentStatus::Completed, PaymentEvent::Completed, now);
        Ok(())
    }

    /// The provider declined: the reservation is released next.
    pub fn decline(&mut self, failure: Failure, now: Timestamp) -> Result<(), PaymentRuleError> {
        let processing = self.charged("decline the charge")?;
        processing.step = Step::Releasing(failure);
        processing.resume_at = now + Self::STEP_LEASE;
        self.state.updated_at = now;
        Ok(())
    }

    /// Nothing could be reserved: `processing → failed`.
    pub fn fail_unreserved(&mut self, failure: Failure, now: Timestamp) -> Result<(), PaymentRuleError> {
        match self.processing_mut("fail it")?.step {
            Step::Reserving => self.fail(failure, now),
            _ => return Err(PaymentRuleError::Step("fail without release")),
        }
        Ok(())
    }

    /// The reservation is released: `processing → failed`.
    pub fn finish_release(&mut self, now: Timestamp) -> Result<(), PaymentRuleError> {
        match self.processing_mut("fail it")?.step.clone() {
            Step::Releasing(failure) => self.fail(failure, now),
            _ => return Err(PaymentRuleError::Step("finish the release")),
        }
        Ok(())
    }

    /// The provider captured money for a payment that ended without: it is given back. `false` where that is known.
    pub fn capture_late(
        &mut self,
        provider_id: String,
        refund_id: RefundId,
        now: Timestamp,
    ) -> Result<bool, PaymentRuleError> {
        self.require(
            &[PaymentStatus::Failed, PaymentStatus::Cancelled, PaymentStatus::Expired],
            "refund a late charge",
        )?;
        if self.state.provider_id.is_some() {
            return Ok(false);
        }
        self.state.provider_id = Some(provider_id);
        self.state.refunds.push(Refund {
            id: refund_id,
            amount: self.state.amount,
            reason: Some("captured after the payment had ended".to_owned()),
            request_key: None,
            state: RefundState::Pending,
            compensates: true,
            requested_at: now,
            resume_at: now,
        });
        self.state.updated_at = now;
        Ok(true)
    }

    fn processing_mut(&mut self, action: &'static str) -> Result<&mut Processing, PaymentRuleError> {
        let status = self.state.status;
        self.state.processing.as_mut().ok_or(PaymentRuleError::Status { status, action })
    }

    /// The processing, once a charge may have been sent.
    fn charged(&mut self, action: &'static str) -> Result<&mut Processing, PaymentRuleError> {
        let processing = self.processing_mut(action)?;
        match processing.step {
            Step::Submitted | Step::Unknown => Ok(processing),
            Step::Reserving | Step::Releasing(_) => Err(PaymentRuleError::Step(action)),
        }
    }

    fn fail(&mut self, failure: Failure, now: Timestamp) {
        self.state.failure = Some(failure.clone());
        self.conclude(PaymentStatus::Failed, PaymentEvent::Failed(failure), now);
    }

    fn conclude(&mut self, status: PaymentStatus, event: PaymentEvent, now: Timestamp) {
        self.state.processing = None;
        self.state.processed_at = Some(now);
        self.become_status(status, now);
        self.events.record(event);
    }
}
