//! Which pages may call: the grants of the HTTP side. Calls are made with `POST`, whatever methods pages may use there.

use gateway_application::policy::Cors;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};
use tonic::body::Body;

pub(crate) struct WebCors {
    cors: Cors,
    /// The names of headers that pages may send.
    sent: HeaderValue,
    /// And of those that they may read.
    read: HeaderValue,
}

impl WebCors {
    pub(crate) fn new(cors: Cors) -> Self {
        // Names are checked when they are configured, so that they can stand in a header.
        let list = |names: &str| HeaderValue::from_str(names).unwrap_or(HeaderValue::from_static(""));
        let (sent, read) = (list(cors.headers()), list(cors.exposed()));
        Self { cors, sent, read }
    }

    /// The page that asks.
    pub(crate) fn origin<B>(request: &Request<B>) -> Option<HeaderValue> {
        request.headers().get(ORIGIN).cloned()
    }

    /// The answer to a browser that asks before it calls; 403 where its page is granted nothing, as over HTTP.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let asks = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let origin = request.headers().get(ORIGIN).filter(|_| asks && request.method() == Method::OPTIONS)?;
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        let granted = self.allow(origin, headers, |headers| {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.sent.clone());
            headers.insert(ACCESS_CONTROL_MAX_AGE, self.cors.max_age().into());
        });
        *response.status_mut() = if granted { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN };
        Some(response)
    }

    /// Lets the page read an answer, where it may.
    pub(crate) fn grant(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if let Some(origin) = origin {
            self.allow(origin, headers, |headers| {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.read.clone());
            });
        }
    }

    /// Whether the page may.
    fn allow(
        &self,
        origin: &HeaderValue,
        headers: &mut HeaderMap,
        further: impl FnOnce(&mut HeaderMap),
    ) -> bool {
        if self.cors.varies() {
            headers.append(VARY, HeaderValue::from_name(ORIGIN));
        }
        let granted = origin.to_str().ok().and_then(|origin| self.cors.grant(origin));
        let Some(Ok(granted)) = granted.map(HeaderValue::from_str) else { return false };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, granted);
        if self.cors.credentials() {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        further(headers);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gateway_application::policy::CorsSettings;

    use super::*;

    fn cors(origins: &[&str]) -> WebCors {
        let settings = CorsSettings {
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            methods: Vec::new(),
            headers: vec!["content-type".to_owned(), "x-grpc-web".to_owned()],
            exposed: Vec::new(),
            credentials: false,
            max_age: Duration::from_mins(10),
        };
        WebCors::new(Cors::new(settings).unwrap())
    }

    fn preflight(cors: &WebCors, origin: &'static str) -> (u16, HeaderMap) {
        let request = Request::options("/product.v1.ProductService/GetProduct")
            .header(ORIGIN, origin)
            .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .body(())
            .unwrap();
        let answer = cors.preflight(&request).unwrap();
        (answer.status().as_u16(), answer.headers().clone())
    }

    #[test]
    fn a_page_that_is_listed_is_granted_what_is_configured() {
        let (status, granted) = preflight(&cors(&["https://shop.example"]), "https://shop.example");
        assert_eq!(status, 204);
        assert_eq!(granted[ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
        assert_eq!(granted[ACCESS_CONTROL_ALLOW_METHODS], "POST");
        assert_eq!(granted[ACCESS_CONTROL_ALLOW_HEADERS], "content-type, x-grpc-web");
        assert_eq!(
            (&granted[ACCESS_CONTROL_MAX_AGE], &granted[VARY]),
            (&"600".parse().unwrap(), &"origin".parse().unwrap())
        );
    }

    #[test]
    fn others_are_granted_nothing() {
        for cors in [cors(&["https://shop.example"]), cors(&[])] {
            let (status, refused) = preflight(&cors, "https://evil.example");
            assert!(status == 403 && !refused.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
            let mut headers = HeaderMap::new();
            cors.grant(Some(&HeaderValue::from_static("https://evil.example")), &mut headers);
            assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        }
    }

    #[test]
    fn only_a_browser_s_question_is_a_preflight() {
        let plain = Request::options("/").header(ORIGIN, "https://shop.example").body(()).unwrap();
        assert!(cors(&["*"]).preflight(&plain).is_none());
    }
}
