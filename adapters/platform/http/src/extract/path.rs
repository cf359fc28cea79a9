//! Path parameters.

use std::future::{Ready, ready};

use actix_router::PathDeserializer;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use super::serde_error::field_error;
use crate::{Problem, problem::FieldError};

/// Path parameters, as a value, a tuple or a struct: 422 with the parameter where one is wrong.
#[derive(Clone, Debug)]
pub struct PathParams<T>(pub T);

impl<T: DeserializeOwned> FromRequest for PathParams<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request).map(Self))
    }
}

fn parse<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    let names: Vec<(&str, &str)> = request.match_info().iter().collect();
    if let Some((name, _)) = names.iter().find(|(_, value)| value.contains('\0') || value.contains("%00")) {
        return Err(Problem::field(*name, "control_character", "must not contain control characters"));
    }
    let mut track = serde_path_to_error::Track::new();
    let values = PathDeserializer::new(request.match_info());
    T::deserialize(serde_path_to_error::Deserializer::new(values, &mut track)).map_err(|error| {
        let found = field_error(&track.path().to_string(), &error.to_string());
        let field = name_of(&found.field, &names);
        Problem::fields(vec![FieldError { field, ..found }])
    })
}

/// A value alone has no name in serde's path, and one of a tuple has only a number.
fn name_of(path: &str, names: &[(&str, &str)]) -> String {
    let index = match path.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(index) => index.parse().ok(),
        None if path == "body" => Some(0),
        None => None,
    };
    index.and_then(|index: usize| names.get(index)).map_or(path, |(name, _)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use actix_web::{ResponseError, test::TestRequest};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the reading is tested")]
    struct Line {
        user_id: String,
        product_id: i64,
    }

    fn read<T: DeserializeOwned>(product_id: &'static str) -> Result<T, (u16, String)> {
        let request = TestRequest::default().param("user_id", "ada").param("product_id", product_id);
        let result =
            PathParams::<T>::from_request(&request.to_http_request(), &mut Payload::None).into_inner();
        let found = |problem: Problem| (problem.status_code().as_u16(), problem.errors()[0].field.clone());
        result.map(|PathParams(value)| value).map_err(found)
    }

    #[test]
    fn tuples_and_structs_are_read() {
        assert_eq!(read::<(String, i64)>("7"), Ok(("ada".into(), 7)));
        assert_eq!(read::<Line>("7").unwrap().product_id, 7);
    }

    #[test]
    fn the_wrong_parameter_is_named() {
        for bad in ["x", "99999999999999999999", "1.5", "", "%00", "\0"] {
            let named = (422, "product_id".to_owned());
            assert_eq!(read::<(String, i64)>(bad).unwrap_err(), named, "{bad}");
            assert_eq!(read::<Line>(bad).unwrap_err(), named, "{bad}");
        }
    }

    #[test]
    fn rust_types_are_not_named() {
        for (sent, rule) in
            [("abc", "must be a whole number"), ("99999999999999999999", "is too large or too small")]
        {
            let request = TestRequest::default().param("id", sent).to_http_request();
            let problem =
                PathParams::<i64>::from_request(&request, &mut Payload::None).into_inner().unwrap_err();
            assert_eq!(problem.errors()[0].message, rule);
        }
    }

    #[test]
    fn a_value_alone_has_a_name_too() {
        let request = TestRequest::default().param("id", "x").to_http_request();
        let problem = PathParams::<i64>::from_request(&request, &mut Payload::None).into_inner().unwrap_err();
        assert_eq!(problem.errors()[0].field, "id");
    }
}
