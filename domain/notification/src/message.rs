//! The words of a notification: one text per type of event.

use std::fmt::Write;

use kernel_domain::Money;

use crate::{Line, Outcome, PaymentNews};

/// The most lines of a purchase that are spelled out.
const MAX_LINES: usize = 50;

/// A subject of one line and a plain-text body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line, without line breaks.
    pub subject: String,
    /// Plain text; lines end in `\n`.
    pub body: String,
}

impl Message {
    /// Puts the news into words.
    pub fn render(news: &PaymentNews) -> Self {
        match &news.outcome {
            Outcome::Completed => completed(news),
            Outcome::Failed { code, reason } => failed(news, code, reason.as_deref()),
            Outcome::Refunded { refunded, remaining } => refund(news, *refunded, *remaining),
        }
    }
}

fn completed(news: &PaymentNews) -> Message {
    let amount = priced(news.amount);
    let mut body = format!("Your payment {} over {amount} went through.\n\n", news.payment_id);
    list(&mut body, &news.lines);
    let _ = writeln!(body, "Total: {amount}");
    Message { subject: format!("Payment completed: {amount}"), body }
}

fn failed(news: &PaymentNews, code: &str, reason: Option<&str>) -> Message {
    let amount = priced(news.amount);
    let reason = match reason.map(one_line) {
        Some(reason) if !reason.is_empty() => format!("{reason} ({})", one_line(code)),
        _ => one_line(code),
    };
    let mut body = format!("Your payment {} over {amount} failed.\n", news.payment_id);
    let _ = writeln!(body, "Reason: {reason}\nNo money was taken. Your basket is unchanged.\n");
    list(&mut body, &news.lines);
    Message { subject: format!("Payment failed: {amount}"), body }
}

fn refund(news: &PaymentNews, refunded: Money, remaining: Money) -> Message {
    let back = priced(refunded);
    let mut body =
        format!("{back} of your payment {} over {} were refunded.\n", news.payment_id, priced(news.amount));
    let rest = if remaining.is_zero() {
        "The payment is refunded in full.\n\n".to_owned()
    } else {
        format!("{} of it remain.\n\n", priced(remaining))
    };
    body.push_str(&rest);
    list(&mut body, &news.lines);
    Message { subject: format!("Refund: {back}"), body }
}

fn list(body: &mut String, lines: &[Line]) {
    for line in lines.iter().take(MAX_LINES) {
        let _ = writeln!(body, "{} × {}: {}", line.quantity, one_line(&line.name), priced(line.subtotal));
    }
    if let Some(more) = lines.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
        let _ = writeln!(body, "… and {more} more");
    }
}

fn priced(amount: Money) -> String {
    format!("{amount} {}", amount.currency())
}

/// Foreign text must not be able to add lines of its own.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use kernel_domain::{Currency, EventId, PaymentId, Quantity, UserId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    fn line(name: &str) -> Line {
        Line { name: name.into(), quantity: Quantity::new(2).unwrap(), subtotal: usd(9_990) }
    }

    fn news(outcome: Outcome, lines: Vec<Line>) -> PaymentNews {
        PaymentNews {
            event_id: EventId::from_uuid(Uuid::from_u128(1)),
            payment_id: PaymentId::from_uuid(Uuid::from_u128(2)),
            user_id: UserId::new("ada").unwrap(),
            amount: usd(12_990),
            lines,
            outcome,
        }
    }

    #[test]
    fn a_completed_payment_lists_items_and_total() {
        let message = Message::render(&news(Outcome::Completed, vec![line("Keyboard")]));
        assert_eq!(message.subject, "Payment completed: 129.90 USD");
        assert!(message.body.contains("2 × Keyboard: 99.90 USD\nTotal: 129.90 USD\n"), "{}", message.body);
    }

    #[test]
    fn a_failed_payment_tells_the_reason() {
        let failed = |reason: Option<&str>| Outcome::Failed {
            code: "card_declined".into(),
            reason: reason.map(Into::into),
        };
        let with = Message::render(&news(failed(Some("the card was declined")), vec![]));
        assert!(with.body.contains("Reason: the card was declined (card_declined)\n"), "{}", with.body);
        let without = Message::render(&news(failed(None), vec![]));
        assert!(without.body.contains("Reason: card_declined\n"), "{}", without.body);
    }

    #[test]
    fn a_refund_tells_what_remains() {
        let refund = |remaining| Outcome::Refunded { refunded: usd(2_990), remaining: usd(remaining) };
        let part = Message::render(&news(refund(10_000), vec![]));
        assert_eq!(part.subject, "Refund: 29.90 USD");
        assert!(part.body.contains("100.00 USD of it remain"), "{}", part.body);
        assert!(Message::render(&news(refund(0), vec![])).body.contains("in full"));
    }

    #[test]
    fn a_long_purchase_is_cut() {
        let message = Message::render(&news(Outcome::Completed, vec![line("Pen"); 53]));
        assert_eq!(message.body.matches("Pen").count(), 50);
        assert!(message.body.contains("… and 3 more"));
    }

    proptest! {
        #[test]
        fn foreign_text_never_adds_lines(name in ".*", code in ".*", reason in ".*") {
            let outcome = Outcome::Failed { code, reason: Some(reason) };
            let message = Message::render(&news(outcome, vec![line(&name)]));
            prop_assert!(!message.subject.contains(char::is_control));
            prop_assert_eq!(message.body.chars().filter(|c| c.is_control()).count(), 5);
        }
    }
}
