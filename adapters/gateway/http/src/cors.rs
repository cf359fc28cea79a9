//! CORS: what browsers are told of pages from other origins. The rules are the domain's.

use actix_web::{
    HttpResponse, ResponseError,
    dev::ServiceRequest,
    http::{
        Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
        },
    },
};
use gateway_application::policy::Cors;
use platform_http::Problem;

/// Whether a service behind the gateway may have said it of origins that it knows nothing of.
pub(crate) fn replaces(name: &HeaderName) -> bool {
    name.as_str().strip_prefix("access-control-").is_some_and(|rest| {
        matches!(
            rest,
            "allow-credentials"
                | "allow-headers"
                | "allow-methods"
                | "allow-origin"
                | "expose-headers"
                | "max-age"
        )
    })
}

/// What an answer depends on where origins are listed. Those that a preflight asks with go unmentioned: no cache keeps
/// an answer to `OPTIONS`.
const ORIGIN_VARIES: &str = "Origin";

/// What is said to a page of an origin.
pub(crate) struct Grant {
    /// `None` where it is granted nothing, or does not ask.
    origin: Option<HeaderValue>,
    preflight: bool,
}

impl Grant {
    pub(crate) fn of(cors: &Cors, request: &ServiceRequest) -> Self {
        let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let origin = origin.and_then(|origin| HeaderValue::from_str(cors.grant(origin)?).ok());
        Self { origin, preflight: is_preflight(request) }
    }

    /// The answer to a browser that asks beforehand what a page may do. No service and no quota hears of it.
    pub(crate) fn preflight(&self) -> Option<HttpResponse> {
        let refused = || {
            let detail = "pages of this origin may not use this API";
            Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", detail).error_response()
        };
        let granted = || HttpResponse::NoContent().finish();
        self.preflight.then(|| if self.origin.is_some() { granted() } else { refused() })
    }

    /// Adds to an answer what the page may do with it, once nothing that it [`replaces`] is in it.
    pub(crate) fn complete(self, cors: &Cors, headers: &mut HeaderMap) {
        if cors.varies() && !mentions(headers, ORIGIN_VARIES) {
            headers.append(VARY, HeaderValue::from_static(ORIGIN_VARIES));
        }
        let Some(origin) = self.origin else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if cors.credentials() {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if self.preflight {
            put(headers, ACCESS_CONTROL_ALLOW_METHODS, cors.methods());
            put(headers, ACCESS_CONTROL_ALLOW_HEADERS, cors.headers());
            headers.insert(ACCESS_CONTROL_MAX_AGE, cors.max_age().into());
        } else {
            put(headers, ACCESS_CONTROL_EXPOSE_HEADERS, cors.exposed());
        }
    }
}

/// `OPTIONS` alone is a request as any other.
fn is_preflight(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn mentions(headers: &HeaderMap, name: &str) -> bool {
    let names = |value: &HeaderValue| {
        let mut names = value.to_str().unwrap_or_default().split(',').map(str::trim);
        names.any(|known| known == "*" || known.eq_ignore_ascii_case(name))
    };
    headers.get_all(VARY).any(names)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Some(value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use gateway_application::policy::CorsSettings;

    use super::*;

    fn cors(origins: &[&str], credentials: bool) -> Cors {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Cors::new(CorsSettings {
            origins: owned(origins),
            methods: owned(&["GET", "PUT"]),
            headers: owned(&["authorization", "if-match"]),
            exposed: owned(&["etag"]),
            credentials,
            max_age: std::time::Duration::from_mins(10),
        })
        .unwrap()
    }

    fn request(method: Method, headers: &[(&str, &str)]) -> ServiceRequest {
        let request = TestRequest::default().method(method);
        headers.iter().fold(request, |request, header| request.append_header(*header)).to_srv_request()
    }

    fn completed(
        cors: &Cors,
        request: &ServiceRequest,
        theirs: &[(&'static str, &'static str)],
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in theirs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers.retain(|name, _| !replaces(name));
        Grant::of(cors, request).complete(cors, &mut headers);
        headers
    }

    const PREFLIGHT: [(&str, &str); 3] = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "if-match"),
    ];

    #[test]
    fn a_preflight_is_answered_with_what_is_granted() {
        let cors = cors(&["https://shop.example"], true);
        let request = request(Method::OPTIONS, &PREFLIGHT);
        let answer = Grant::of(&cors, &request).preflight().unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        let headers = completed(&cors, &request, &[]);
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_ORIGIN, "https://shop.example"),
            (ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, PUT"),
            (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, if-match"),
            (ACCESS_CONTROL_MAX_AGE, "600"),
            (VARY, "Origin"),
        ] {
            assert_eq!(headers.get(&name).unwrap(), value, "{name}");
        }
    }

    #[test]
    fn other_origins_are_refused_and_learn_nothing() {
        for cors in [Cors::default(), cors(&["https://other.example"], true)] {
            let request = request(Method::OPTIONS, &PREFLIGHT);
            assert_eq!(Grant::of(&cors, &request).preflight().unwrap().status(), StatusCode::FORBIDDEN);
            let headers = completed(&cors, &request, &[("access-control-max-age", "600")]);
            assert!(!headers.keys().any(replaces));
            assert_eq!(headers.contains_key(VARY), cors.varies());
        }
    }

    #[test]
    fn what_is_no_preflight_goes_on() {
        let cors = cors(&["https://shop.example"], false);
        for (method, headers) in [
            (Method::OPTIONS, &PREFLIGHT[..1]),
            (Method::OPTIONS, &PREFLIGHT[1..]),
            (Method::PUT, &PREFLIGHT[..]),
        ] {
            assert!(Grant::of(&cors, &request(method, headers)).preflight().is_none());
        }
    }

    #[test]
    fn answers_say_what_a_page_may_read_and_what_services_say_is_replaced() {
        let cors = cors(&["https://shop.example"], false);
        let theirs = [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-credentials", "true"),
            ("vary", "Accept-Encoding"),
        ];
        let headers = completed(&cors, &request(Method::GET, &PREFLIGHT[..1]), &theirs);
        assert_eq!(headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "https://shop.example");
        assert_eq!(headers.get(ACCESS_CONTROL_EXPOSE_HEADERS).unwrap(), "etag");
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_METHODS));
        assert_eq!(headers.get_all(VARY).collect::<Vec<_>>(), ["Accept-Encoding", "Origin"]);
        // Caches must not hand a page what was answered to nobody's page.
        let headers = completed(&cors, &request(Method::GET, &[]), &theirs[..1]);
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        assert_eq!(headers.get(VARY).unwrap(), "Origin");
    }

    #[test]
    fn what_is_said_of_caches_already_is_said_once() {
        let cors = cors(&["https://shop.example"], false);
        for known in ["origin", "Accept, ORIGIN", "*"] {
            let theirs = [("vary", known)];
            let headers = completed(&cors, &request(Method::GET, &[]), &theirs);
            assert_eq!(headers.get_all(VARY).collect::<Vec<_>>(), [known]);
        }
    }

    #[test]
    fn what_answers_say_of_origins_is_replaced_and_nothing_else() {
        for replaced in [
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            ACCESS_CONTROL_ALLOW_HEADERS,
            ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS,
            ACCESS_CONTROL_MAX_AGE,
        ] {
            assert!(replaces(&replaced), "{replaced}");
        }
        assert!(![ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY].iter().any(replaces));
    }

    #[test]
    fn every_origin_is_one_answer() {
        let cors = cors(&["*"], false);
        let headers = completed(&cors, &request(Method::GET, &PREFLIGHT[..1]), &[]);
        assert_eq!(headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "*");
        assert!(!headers.contains_key(VARY));
    }
}
