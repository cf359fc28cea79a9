//! Rules of fields that more than one body or parameter has, for the OpenAPI document.

use payment_application::{PaymentMethod, PaymentStatus};
use utoipa::openapi::{
    Object, ObjectBuilder,
    schema::{AdditionalProperties, Schema, SchemaType, Type},
};

/// Text with something other than white space in it, and no control characters but line breaks and tabs.
const TEXT: &str = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$";
/// The same, which may be empty.
const ANY_TEXT: &str = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$";

/// Whom the client wants to pay through.
pub(crate) fn provider() -> Object {
    optional_text(50, "Whom to pay through; kept with the payment.")
}

/// A payment's note.
pub(crate) fn description() -> Object {
    optional_text(500, "The user's note.")
}

/// What stands for a card or account.
pub(crate) fn payment_token() -> Object {
    optional_text(64, "The provider's token of a card or account; the provider's default where absent.")
}

/// Why money goes back.
pub(crate) fn reason() -> Object {
    optional_text(500, "Why.")
}

/// Every status.
pub(crate) fn status() -> Object {
    names(PaymentStatus::ALL.map(PaymentStatus::as_str), "Where the payment stands.")
}

/// Every method.
pub(crate) fn method() -> Object {
    names(PaymentMethod::ALL.map(PaymentMethod::as_str), "How it is paid.")
}

/// An amount to be given back.
pub(crate) fn refund_amount() -> Object {
    nullable(Type::String)
        .pattern(Some(r"^[0-9]{1,12}(\.[0-9]{1,2})?$"))
        .description(Some("Above zero; all that is left where absent. An exact JSON number is accepted too."))
        .examples([serde_json::json!("12.50")])
        .build()
}

/// Up to 20 entries of the client's own.
pub(crate) fn new_metadata() -> Object {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let value = text().max_length(Some(500)).pattern(Some(ANY_TEXT));
    let key = text().min_length(Some(1)).max_length(Some(40)).pattern(Some(TEXT)).build();
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::from(value)))
        .property_names(Some(Schema::Object(key)))
        .max_properties(Some(20))
        .description(Some("The client's own data, kept with the payment."))
        .build()
}

fn optional_text(max: usize, description: &str) -> Object {
    nullable(Type::String)
        .min_length(Some(1))
        .max_length(Some(max))
        .pattern(Some(TEXT))
        .description(Some(description))
        .build()
}

fn nullable(of: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Array(vec![of, Type::Null]))
}

fn names<const N: usize>(names: [&'static str; N], description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .description(Some(description))
        .build()
}
