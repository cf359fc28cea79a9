//! Query strings.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use super::serde_error::field_error;
use crate::{Problem, problem::FieldError};

/// Query parameters: 422 with the parameter where one is wrong. Parameters the type does not know are ignored.
#[derive(Clone, Debug)]
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned> FromRequest for QueryParams<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    refuse_nul(query)?;
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    let mut track = serde_path_to_error::Track::new();
    T::deserialize(serde_path_to_error::Deserializer::new(pairs, &mut track)).map_err(|error| {
        let found = field_error(&track.path().to_string(), &error.to_string());
        let field = if found.field == "body" { "query".to_owned() } else { found.field };
        Problem::fields(vec![FieldError { field, ..found }])
    })
}

/// No store keeps a NUL, and no parameter needs one.
fn refuse_nul(query: &str) -> Result<(), Problem> {
    match form_urlencoded::parse(query.as_bytes()).find(|(_, value)| value.contains('\0')) {
        Some((name, _)) => {
            Err(Problem::field(name, "control_character", "must not contain control characters"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use serde::Deserialize;

    use super::*;
    use crate::MoneyText;

    #[derive(Debug, Deserialize)]
    struct Search {
        limit: Option<i64>,
        q: Option<String>,
        max_price: Option<MoneyText>,
        #[serde(default)]
        unread: bool,
    }

    #[test]
    fn known_parameters_are_read_and_others_ignored() {
        let search: Search =
            parse("limit=5&q=a%20b%2B&max_price=9.9&unread=true&utm_source=x&&=&%ff").unwrap();
        assert_eq!((search.limit, search.q.as_deref(), search.unread), (Some(5), Some("a b+"), true));
        assert_eq!(search.max_price.unwrap().to_string(), "9.9");
        assert_eq!(parse::<Search>("").unwrap().limit, None);
    }

    #[test]
    fn the_wrong_parameter_is_named() {
        const WHOLE: &str = "must be a whole number";
        for (query, field, code, rule) in [
            ("limit=ten", "limit", "invalid_type", WHOLE),
            ("limit=", "limit", "invalid_type", WHOLE),
            ("limit=1.5", "limit", "invalid_type", WHOLE),
            ("limit=99999999999999999999", "limit", "invalid_value", "is too large or too small"),
            ("limit=1&limit=2", "limit", "duplicate_field", "is given twice"),
            ("q=a%00b", "q", "control_character", "must not contain control characters"),
            ("unread=maybe", "unread", "invalid_type", "must be true or false"),
        ] {
            let problem = parse::<Search>(query).unwrap_err();
            assert_eq!(problem.status_code().as_u16(), 422, "{query}");
            let error = &problem.errors()[0];
            assert_eq!(
                (error.field.as_str(), error.code.as_str(), error.message.as_str()),
                (field, code, rule),
                "{query}"
            );
        }
    }
}
