//! Messages as the wire has them, and the commands they ask for.

use kernel_domain::Violation;
use payment_application::{
    PaymentItemView, PaymentMethod, PaymentStatus, PaymentView,
    commands::{CreatePayment, RefundPayment},
    queries::ListPayments,
};
use platform_grpc::{money, time};
use proto::payment::v1 as proto_v1;

/// A payment.
pub(crate) fn payment(view: PaymentView) -> proto_v1::Payment {
    proto_v1::Payment {
        id: view.id,
        user_id: view.user_id,
        basket_id: view.basket_id,
        amount: Some(money::write(view.amount)),
        refunded_amount: Some(money::write(view.refunded_amount)),
        status: status(view.status).into(),
        method: method(view.method).into(),
        provider: view.provider.unwrap_or_default(),
        provider_id: view.provider_id,
        description: view.description,
        metadata: view.metadata,
        items: view.items.into_iter().map(item).collect(),
        failure_code: view.failure_code,
        created_at: Some(time::write(view.created_at)),
        updated_at: Some(time::write(view.updated_at)),
        processed_at: view.processed_at.map(time::write),
        expires_at: Some(time::write(view.expires_at)),
    }
}

/// The command behind `CreatePayment`.
pub(crate) fn creation(request: proto_v1::CreatePaymentRequest) -> CreatePayment {
    CreatePayment {
        method: method_name(request.method).to_owned(),
        user_id: request.user_id,
        basket_id: request.basket_id,
        provider: request.provider,
        currency: request.currency,
        description: request.description,
        metadata: request.metadata,
    }
}

/// The command behind `RefundPayment`.
pub(crate) fn refund(request: proto_v1::RefundPaymentRequest) -> Result<RefundPayment, Violation> {
    let amount = money::read_optional("amount", request.amount.as_ref())?;
    Ok(RefundPayment { id: request.id, amount, reason: request.reason })
}

/// The query behind `GetPayments`.
pub(crate) fn list(request: proto_v1::GetPaymentsRequest) -> ListPayments {
    ListPayments {
        status: status_name(request.status),
        user_id: request.user_id,
        limit: request.limit.map(i64::from),
        cursor: request.cursor,
    }
}

/// The query behind `GetUserPayments`.
pub(crate) fn user_list(request: proto_v1::GetUserPaymentsRequest) -> ListPayments {
    ListPayments {
        status: None,
        user_id: Some(request.user_id),
        limit: request.limit.map(i64::from),
        cursor: request.cursor,
    }
}

fn item(view: PaymentItemView) -> proto_v1::PaymentItem {
    proto_v1::PaymentItem {
        product_id: view.product_id,
        name: view.name,
        price: Some(money::write(view.price)),
        quantity: view.quantity.into(),
        subtotal: Some(money::write(view.subtotal)),
    }
}

const fn status(status: PaymentStatus) -> proto_v1::PaymentStatus {
    match status {
        PaymentStatus::Pending => proto_v1::PaymentStatus::Pending,
        PaymentStatus::Processing => proto_v1::PaymentStatus::Processing,
        PaymentStatus::Completed => proto_v1::PaymentStatus::Completed,
        PaymentStatus::Failed => proto_v1::PaymentStatus::Failed,
        PaymentStatus::Cancelled => proto_v1::PaymentStatus::Cancelled,
        PaymentStatus::Expired => proto_v1::PaymentStatus::Expired,
        PaymentStatus::PartiallyRefunded => proto_v1::PaymentStatus::PartiallyRefunded,
        PaymentStatus::Refunded => proto_v1::PaymentStatus::Refunded,
    }
}

const fn method(method: PaymentMethod) -> proto_v1::PaymentMethod {
    match method {
        PaymentMethod::CreditCard => proto_v1::PaymentMethod::CreditCard,
        PaymentMethod::DebitCard => proto_v1::PaymentMethod::DebitCard,
        PaymentMethod::Paypal => proto_v1::PaymentMethod::Paypal,
        PaymentMethod::Stripe => proto_v1::PaymentMethod::Stripe,
        PaymentMethod::BankTransfer => proto_v1::PaymentMethod::BankTransfer,
        PaymentMethod::Crypto => proto_v1::PaymentMethod::Crypto,
    }
}

/// The filter's name; a number that no status has stays one, for the handler to refuse.
fn status_name(number: i32) -> Option<String> {
    if number == i32::from(proto_v1::PaymentStatus::Unspecified) {
        return None;
    }
    let named = PaymentStatus::ALL.into_iter().find(|known| i32::from(status(*known)) == number);
    Some(named.map_or_else(|| number.to_string(), |known| known.as_str().to_owned()))
}

/// The method's name; empty where none is set, for the handler to refuse together with all else that is wrong.
fn method_name(number: i32) -> &'static str {
    let named = PaymentMethod::ALL.into_iter().find(|known| i32::from(method(*known)) == number);
    named.map_or("", PaymentMethod::as_str)
}
