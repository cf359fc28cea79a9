//! CORS: what browsers are told of pages from other origins. The rules are the domain's.

use actix_web::http::{
    StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN, VARY,
    },
};
use gateway_application::policy::Cors;
use platform_http::{AnswerHeaders, Asked, Problem};

/// What a service behind the gateway may have said of origins that it knows nothing of.
pub(crate) const REPLACED: [HeaderName; 6] = [
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
];

/// What an answer depends on where origins are listed. Those that a preflight asks with go unmentioned: no cache keeps
/// an answer to `OPTIONS`.
const ORIGIN_VARIES: &str = "Origin";

/// What is said to a page of an origin.
pub(crate) struct Grant {
    /// `None` where it is granted nothing, or does not ask.
    origin: Option<String>,
    preflight: bool,
}

impl Grant {
    pub(crate) fn of(cors: &Cors, asked: Asked<'_>) -> Self {
        let origin = asked.headers.text(&ORIGIN).and_then(|origin| cors.grant(origin)).map(str::to_owned);
        Self { origin, preflight: is_preflight(asked) }
    }

    /// The answer to a browser that asks beforehand what a page may do. No service and no quota hears of it.
    pub(crate) fn preflight(&self) -> Option<Result<StatusCode, Problem>> {
        let refused = || {
            let detail = "pages of this origin may not use this API";
            Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", detail)
        };
        self.preflight.then(|| self.origin.as_ref().map(|_| StatusCode::NO_CONTENT).ok_or_else(refused))
    }

    /// Adds to an answer what the page may do with it, once nothing of [`REPLACED`] is in it.
    pub(crate) fn complete(self, cors: &Cors, headers: &mut dyn AnswerHeaders) {
        if cors.varies() && !mentions(headers, ORIGIN_VARIES) {
            headers.append(&VARY, ORIGIN_VARIES.as_bytes());
        }
        let Some(origin) = self.origin else { return };
        headers.insert(&ACCESS_CONTROL_ALLOW_ORIGIN, origin.as_bytes());
        if cors.credentials() {
            headers.insert(&ACCESS_CONTROL_ALLOW_CREDENTIALS, b"true");
        }
        if self.preflight {
            put(headers, &ACCESS_CONTROL_ALLOW_METHODS, cors.methods());
            put(headers, &ACCESS_CONTROL_ALLOW_HEADERS, cors.headers());
            put(headers, &ACCESS_CONTROL_MAX_AGE, &cors.max_age().to_string());
        } else {
            put(headers, &ACCESS_CONTROL_EXPOSE_HEADERS, cors.exposed());
        }
    }
}

/// `OPTIONS` alone is a request as any other.
fn is_preflight(asked: Asked<'_>) -> bool {
    let has = |name| asked.headers.first(&name).is_some();
    asked.method == "OPTIONS" && has(ORIGIN) && has(ACCESS_CONTROL_REQUEST_METHOD)
}

fn mentions(headers: &dyn AnswerHeaders, name: &str) -> bool {
    let mut found = false;
    headers.each(&VARY, &mut |value| {
        let mut names = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        found |= names.any(|known| known == b"*" || known.eq_ignore_ascii_case(name.as_bytes()));
    });
    found
}

fn put(headers: &mut dyn AnswerHeaders, name: &HeaderName, value: &str) {
    if !value.is_empty() {
        headers.insert(name, value.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use gateway_application::{Fields, policy::CorsSettings};
    use platform_http::Headers;

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

    /// A request, of which only method and headers matter here.
    struct Request(&'static str, Fields);

    fn request(method: &'static str, headers: &[(&str, &str)]) -> Request {
        Request(method, headers.iter().copied().collect())
    }

    impl Request {
        fn asked(&self) -> Asked<'_> {
            let Self(method, headers) = self;
            Asked { method, path: "/", headers, authority: None, peer: None, encrypted: false }
        }
    }

    fn completed(cors: &Cors, request: &Request, theirs: &[(&str, &str)]) -> Fields {
        let mut headers: Fields = theirs.iter().copied().collect();
        for name in &REPLACED {
            headers.discard(name);
        }
        Grant::of(cors, request.asked()).complete(cors, &mut headers);
        headers
    }

    fn text(headers: &Fields, name: &HeaderName) -> Option<String> {
        Headers::text(headers, name).map(str::to_owned)
    }

    fn vary(headers: &Fields) -> Vec<&str> {
        headers.texts("vary").collect()
    }

    const PREFLIGHT: [(&str, &str); 3] = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "if-match"),
    ];

    #[test]
    fn a_preflight_is_answered_with_what_is_granted() {
        let cors = cors(&["https://shop.example"], true);
        let request = request("OPTIONS", &PREFLIGHT);
        let answer = Grant::of(&cors, request.asked()).preflight().unwrap();
        assert_eq!(answer.unwrap(), StatusCode::NO_CONTENT);
        let headers = completed(&cors, &request, &[]);
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_ORIGIN, "https://shop.example"),
            (ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, PUT"),
            (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, if-match"),
            (ACCESS_CONTROL_MAX_AGE, "600"),
            (VARY, "Origin"),
        ] {
            assert_eq!(text(&headers, &name).as_deref(), Some(value), "{name}");
        }
    }

    #[test]
    fn other_origins_are_refused_and_learn_nothing() {
        for cors in [Cors::default(), cors(&["https://other.example"], true)] {
            let request = request("OPTIONS", &PREFLIGHT);
            let refused = Grant::of(&cors, request.asked()).preflight().unwrap().unwrap_err();
            assert_eq!(refused.code(), "origin_not_allowed");
            let headers = completed(&cors, &request, &[("access-control-max-age", "600")]);
            assert!(!REPLACED.iter().any(|name| headers.contains(name.as_str())));
            assert_eq!(headers.contains("vary"), cors.varies());
        }
    }

    #[test]
    fn what_is_no_preflight_goes_on() {
        let cors = cors(&["https://shop.example"], false);
        for (method, headers) in
            [("OPTIONS", &PREFLIGHT[..1]), ("OPTIONS", &PREFLIGHT[1..]), ("PUT", &PREFLIGHT[..])]
        {
            assert!(Grant::of(&cors, request(method, headers).asked()).preflight().is_none());
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
        let headers = completed(&cors, &request("GET", &PREFLIGHT[..1]), &theirs);
        assert_eq!(text(&headers, &ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "https://shop.example");
        assert_eq!(text(&headers, &ACCESS_CONTROL_EXPOSE_HEADERS).unwrap(), "etag");
        assert!(!headers.contains(ACCESS_CONTROL_ALLOW_CREDENTIALS.as_str()));
        assert!(!headers.contains(ACCESS_CONTROL_ALLOW_METHODS.as_str()));
        assert_eq!(vary(&headers), ["Accept-Encoding", "Origin"]);
        // Caches must not hand a page what was answered to nobody's page.
        let headers = completed(&cors, &request("GET", &[]), &theirs[..1]);
        assert!(!headers.contains(ACCESS_CONTROL_ALLOW_ORIGIN.as_str()));
        assert_eq!(vary(&headers), ["Origin"]);
    }

    #[test]
    fn what_is_said_of_caches_already_is_said_once() {
        let cors = cors(&["https://shop.example"], false);
        for known in ["origin", "Accept, ORIGIN", "*"] {
            let theirs = [("vary", known)];
            let headers = completed(&cors, &request("GET", &[]), &theirs);
            assert_eq!(vary(&headers), [known]);
        }
    }

    #[test]
    fn every_origin_is_one_answer() {
        let cors = cors(&["*"], false);
        let headers = completed(&cors, &request("GET", &PREFLIGHT[..1]), &[]);
        assert_eq!(text(&headers, &ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "*");
        assert!(!headers.contains(VARY.as_str()));
    }
}
