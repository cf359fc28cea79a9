//! JSON bodies.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    web::BytesMut,
};
use futures_util::StreamExt;
use serde::de::{DeserializeOwned, IgnoredAny};
use validator::Validate;

use super::{serde_error::field_error, validation};
use crate::Problem;

/// The longest body, in bytes.
pub const BODY_LIMIT: usize = 256 * 1024;

/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// A JSON body, read and validated: 415 for another media type, 413 above [`BODY_LIMIT`], 400 where it is no JSON,
/// 422 with the field where it is not what the request needs.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + Validate + 'static> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_head(request);
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            let body = tokio::time::timeout(BODY_TIMEOUT, read(payload))
                .await
                .map_err(|_| Problem::bare(StatusCode::REQUEST_TIMEOUT))??;
            parse(&body).map(Self)
        })
    }
}

fn check_head(request: &HttpRequest) -> Result<(), Problem> {
    let media = request.content_type().to_ascii_lowercase();
    if media != "application/json" && !(media.starts_with("application/") && media.ends_with("+json")) {
        return Err(Problem::bare(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_LIMIT) { Err(too_large()) } else { Ok(()) }
}

async fn read(mut payload: Payload) -> Result<BytesMut, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| malformed("the body did not arrive in one piece"))?;
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn parse<T: DeserializeOwned + Validate>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
    // Syntax comes first: what is not JSON is 400, even where an earlier field is already wrong.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
        malformed(format!("the body is not JSON (line {}, column {})", error.line(), error.column()))
    })?;
    // serde would take a list for an object, its items for the fields in order.
    if !text.trim_start().starts_with('{') {
        return Err(Problem::field("body", "invalid_type", "must be an object"));
    }
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track))
        .map_err(|error| Problem::fields(vec![field_error(&track.path().to_string(), &error.to_string())]))?;
    value.validate().map_err(|errors| validation::problem(&errors))?;
    Ok(value)
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail)
}

fn too_large() -> Problem {
    let detail = format!("the body is longer than {BODY_LIMIT} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

#[cfg(test)]
mod tests {
    use actix_web::{ResponseError, test::TestRequest};
    use serde::Deserialize;

    use super::*;
    use crate::MoneyText;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is tested")]
    struct Body {
        #[validate(length(min = 1, max = 3))]
        name: String,
        price: MoneyText,
        #[serde(default)]
        #[validate(nested)]
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Item {
        #[validate(range(min = 1, max = 9))]
        quantity: i64,
    }

    async fn send(media: &'static str, body: impl Into<actix_web::web::Bytes>) -> Result<Body, Problem> {
        let request = TestRequest::post().insert_header(("content-type", media)).set_payload(body);
        let (request, mut payload) = request.to_http_parts();
        JsonBody::<Body>::from_request(&request, &mut payload).await.map(|JsonBody(body)| body)
    }

    fn found(problem: &Problem) -> Vec<(u16, &str, &str)> {
        let status = problem.status_code().as_u16();
        problem.errors().iter().map(|error| (status, error.field.as_str(), error.code.as_str())).collect()
    }

    #[actix_web::test]
    async fn a_good_body_is_read() {
        for media in ["application/json", "application/json; charset=utf-8", "application/merge-patch+json"] {
            let body = send(media, r#"{"name":"a","price":"1.50","items":[{"quantity":2}]}"#).await.unwrap();
            assert_eq!((body.name.as_str(), body.items[0].quantity), ("a", 2));
        }
    }

    #[actix_web::test]
    async fn wrong_data_is_422_with_the_field() {
        for (body, field, code) in [
            (r#"{"price":1}"#, "name", "required"),
            (r#"{"name":1,"price":1}"#, "name", "invalid_type"),
            (r#"{"name":"a","price":1,"colour":"red"}"#, "colour", "unknown_field"),
            (
                r#"{"name":"a","price":1,"items":[{"quantity":1},{"quantity":"x"}]}"#,
                "items[1].quantity",
                "invalid_type",
            ),
            (r#"{"name":"a","price":1,"items":[{}]}"#, "items[0].quantity", "required"),
            (r#"{"name":"a","price":1,"items":[{"quantity":99}]}"#, "items[0].quantity", "range"),
            (r#"{"name":"abcd","price":1}"#, "name", "length"),
            (r#"{"name":"a","price":true}"#, "price", "invalid_type"),
            (r#"{"name":"a","name":"b","price":1}"#, "name", "duplicate_field"),
            (r#"{"name":"a","price":1,"items":[{"quantity":1e400}]}"#, "items[0].quantity", "invalid_value"),
            (r#"["a", 1]"#, "body", "invalid_type"),
            ("null", "body", "invalid_type"),
        ] {
            let problem = send("application/json", body).await.unwrap_err();
            assert_eq!(found(&problem), [(422, field, code)], "{body}");
        }
    }

    #[actix_web::test]
    async fn wrong_types_are_told_in_the_words_of_clients() {
        for (body, message) in [
            (r#"{"name":1,"price":1}"#, "must be text"),
            (r#"{"name":null,"price":1}"#, "must be text"),
            (r#"{"name":"a","price":true}"#, "must be an amount such as \"129.90\""),
            (r#"{"name":"a","price":1,"items":{}}"#, "must be a list"),
            (r#"{"name":"a","price":1,"items":[7]}"#, "must be an object"),
            (r#"{"name":"a","price":1,"items":[{"quantity":"x"}]}"#, "must be a whole number"),
            (r#"{"name":"a","price":1,"items":[{"quantity":1e30}]}"#, "must be a whole number"),
            (
                r#"{"name":"a","price":1,"items":[{"quantity":9223372036854775808}]}"#,
                "is too large or too small",
            ),
            (r#"{"name":"a","price":1,"items":[{"quantity":1e400}]}"#, "is too large or too small"),
            ("7", "must be an object"),
        ] {
            let problem = send("application/json", body).await.unwrap_err();
            assert_eq!(problem.errors()[0].message, message, "{body}");
        }
    }

    #[actix_web::test]
    async fn what_is_no_json_is_400() {
        let bodies: [&'static [u8]; 6] =
            [b"", b"{", b"{\"name\":1,}", b"{} x", b"{\"name\":\"\xff\"}", b"\xef\xbb\xbf{}"];
        for body in bodies {
            let problem = send("application/json", body).await.unwrap_err();
            assert_eq!(problem.status_code().as_u16(), 400, "{}", String::from_utf8_lossy(body));
        }
    }

    #[actix_web::test]
    async fn media_type_and_size_are_checked_first() {
        for media in ["text/plain", "application/jsonp", "application/x-www-form-urlencoded", ""] {
            assert_eq!(send(media, "{}").await.unwrap_err().status_code().as_u16(), 415, "{media}");
        }
        let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(BODY_LIMIT));
        assert_eq!(send("application/json", large).await.unwrap_err().status_code().as_u16(), 413);
    }
}
