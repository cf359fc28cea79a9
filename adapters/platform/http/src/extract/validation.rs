//! Turns what `validator` finds into fields.

use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::{Problem, problem::FieldError};

/// 422 with every field, in a stable order.
pub(super) fn problem(errors: &ValidationErrors) -> Problem {
    let mut fields = Vec::new();
    collect("", errors, &mut fields);
    fields.sort_by(|a, b| (&a.field, &a.code).cmp(&(&b.field, &b.code)));
    Problem::fields(fields)
}

fn collect(path: &str, errors: &ValidationErrors, into: &mut Vec<FieldError>) {
    for (name, kind) in errors.errors() {
        let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        match kind {
            ValidationErrorsKind::Struct(errors) => collect(&path, errors, into),
            ValidationErrorsKind::List(items) => {
                for (index, errors) in items {
                    collect(&format!("{path}[{index}]"), errors, into);
                }
            }
            ValidationErrorsKind::Field(errors) => {
                into.extend(errors.iter().map(|error| field(&path, error)));
            }
        }
    }
}

fn field(path: &str, error: &ValidationError) -> FieldError {
    let message = error.message.as_deref().map_or_else(|| rule(error), str::to_owned);
    FieldError { field: path.to_owned(), code: error.code.to_string(), message }
}

/// The rule in words, from the bounds the validator was given.
fn rule(error: &ValidationError) -> String {
    let bound = |name: &str| error.params.get(name).map(ToString::to_string);
    let unit = if error.code == "length" { " characters or items" } else { "" };
    match (bound("min"), bound("max"), bound("equal")) {
        (Some(min), Some(max), _) => format!("must be {min} to {max}{unit}"),
        (Some(min), None, _) => format!("must be {min} or more{unit}"),
        (None, Some(max), _) => format!("must be {max} or fewer{unit}"),
        (None, None, Some(equal)) => format!("must be exactly {equal}{unit}"),
        (None, None, None) => format!("must be a valid {}", error.code),
    }
}
