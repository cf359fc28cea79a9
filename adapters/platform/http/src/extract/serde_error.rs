//! Turns what serde says of wrong data into a field, a code and a message.

use super::wording;
use crate::problem::FieldError;

/// `path` leads to where serde stood; it is `.` at the top.
pub(super) fn field_error(path: &str, message: &str) -> FieldError {
    let message = without_place(message);
    let path = if path == "." { "" } else { path };
    if let Some(missing) = quoted(message, "missing field `") {
        return error(&join(path, missing), "required", "is required".to_owned());
    }
    if let Some(unknown) = quoted(message, "unknown field `") {
        // serde's path ends with the unknown name already, unless it buffered the object first.
        let here = path == unknown || path.ends_with(&format!(".{unknown}"));
        let field = if here { path.to_owned() } else { join(path, unknown) };
        return error(&field, "unknown_field", "is not a field of this request".to_owned());
    }
    if let Some(twice) = quoted(message, "duplicate field `") {
        let here = path == twice || path.ends_with(&format!(".{twice}"));
        let field = if here { path.to_owned() } else { join(path, twice) };
        return error(&field, "duplicate_field", "is given twice".to_owned());
    }
    let (code, rule) = wording::of(message);
    error(if path.is_empty() { "body" } else { path }, code, rule)
}

/// `serde_json` says where it stood in the text; whatever else looks like it was sent by the client.
fn without_place(message: &str) -> &str {
    match message.rsplit_once(" at line ") {
        Some((before, place))
            if place.bytes().all(|byte| byte.is_ascii_digit() || b" column".contains(&byte)) =>
        {
            before
        }
        _ => message,
    }
}

fn error(field: &str, code: &str, message: String) -> FieldError {
    FieldError { field: field.to_owned(), code: code.to_owned(), message }
}

fn quoted<'a>(message: &'a str, prefix: &str) -> Option<&'a str> {
    message.strip_prefix(prefix)?.split('`').next()
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_codes_are_told_apart() {
        for (path, message, field, code) in [
            (".", "missing field `name` at line 1 column 2", "name", "required"),
            ("items[2]", "missing field `id`", "items[2].id", "required"),
            ("colour", "unknown field `colour`, expected `name`", "colour", "unknown_field"),
            (
                "a.b",
                "invalid type: string \" at line x\", expected i64 at line 1 column 2",
                "a.b",
                "invalid_type",
            ),
            ("status", "unknown variant `x`, expected `y`", "status", "unknown_value"),
            (".", "invalid type: sequence, expected struct Body", "body", "invalid_type"),
        ] {
            let error = field_error(path, message);
            assert_eq!((error.field.as_str(), error.code.as_str()), (field, code), "{message}");
            assert!(
                !error.message.contains("line 1") && !error.message.contains("struct"),
                "{}",
                error.message
            );
        }
    }
}
