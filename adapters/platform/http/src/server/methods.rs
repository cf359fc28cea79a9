//! Which methods a path has, and which of them need a token, read from the OpenAPI document, which is made from the routes themselves.

use actix_web::{
    HttpRequest, HttpResponse,
    dev::ResourceDef,
    http::{Method, StatusCode, header},
};
use utoipa::openapi::{OpenApi, PathItem, SecurityRequirement, path::Operation};

use crate::Problem;

/// Every path template with its methods.
pub(super) struct Methods(Vec<Route>);

/// A template.
struct Route {
    template: ResourceDef,
    pattern: String,
    /// So much of the pattern comes before its first placeholder.
    literal: usize,
    methods: Vec<Method>,
    /// Those that are not for everybody.
    private: Vec<Method>,
}

/// What the document says of one path.
pub(super) struct Known<'a>(Vec<&'a Route>);

impl Methods {
    pub(super) fn of(api: &OpenApi) -> Self {
        let described = api.paths.paths.iter();
        let described = described
            .map(|(path, item)| Route::new(path, methods(item, |_| true), methods(item, needs_token)));
        let documents = ["/openapi.json", "/docs", "/docs/{tail:.*}"];
        let documents = documents.map(|path| Route::new(path, vec![Method::GET], Vec::new()));
        Self(described.chain(documents).collect())
    }

    /// What is known of `path`; nothing where there is no such path. A path that is spelled out in the document is a
    /// resource of its own: the templates that would match it too, such as `/things/{id}` for `/things/stats`, say nothing
    /// of it.
    pub(super) fn at(&self, path: &str) -> Known<'_> {
        match self.0.iter().find(|route| route.is(path)) {
            Some(spelled_out) => Known(vec![spelled_out]),
            None => Known(self.0.iter().filter(|route| route.matches(path)).collect()),
        }
    }
}

impl Route {
    fn new(pattern: &str, methods: Vec<Method>, private: Vec<Method>) -> Self {
        Self {
            template: ResourceDef::new(pattern),
            pattern: pattern.to_owned(),
            literal: pattern.find('{').unwrap_or(pattern.len()),
            methods,
            private,
        }
    }

    fn is(&self, path: &str) -> bool {
        self.literal == self.pattern.len() && self.pattern == path
    }

    /// Most paths differ before the first placeholder, and cost no look at an expression.
    fn matches(&self, path: &str) -> bool {
        path.starts_with(&self.pattern[..self.literal]) && self.template.is_match(path)
    }
}

impl<'a> Known<'a> {
    /// Whether the document has the path, but not with this method. Paths it does not have are left to the router.
    pub(super) fn refuses(&self, method: &Method) -> bool {
        !self.0.is_empty() && self.route(method).is_none()
    }

    /// Whether the route that takes such a request is for those with a token.
    pub(super) fn needs_token(&self, method: &Method) -> bool {
        self.route(method).is_some_and(|route| route.private.contains(method))
    }

    /// The template, whatever the method.
    pub(super) fn resource(&self) -> Option<&'a str> {
        self.0.first().map(|route| route.pattern.as_str())
    }

    /// The template of the route that takes such a request.
    pub(super) fn template(&self, method: &Method) -> Option<&'a str> {
        self.route(method).map(|route| route.pattern.as_str())
    }

    /// `GET` answers `HEAD` too, where nothing else does.
    pub(super) fn head_by_get(&self) -> bool {
        self.route(&Method::GET).is_some() && self.route(&Method::HEAD).is_none()
    }

    /// The value of `Allow`; `None` where there is no such path.
    pub(super) fn allow(&self) -> Option<String> {
        let mut methods: Vec<&Method> = Vec::new();
        for method in self.0.iter().flat_map(|route| &route.methods) {
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        if methods.is_empty() {
            return None;
        }
        for implied in [&Method::HEAD, &Method::OPTIONS] {
            let wanted = implied == Method::OPTIONS || methods.contains(&&Method::GET);
            if wanted && !methods.contains(&implied) {
                methods.push(implied);
            }
        }
        Some(methods.into_iter().map(Method::as_str).collect::<Vec<_>>().join(", "))
    }

    /// What a request gets that no route took.
    pub(super) fn refuse(&self, method: &Method) -> HttpResponse {
        let Some(allow) = self.allow() else {
            return Problem::new(StatusCode::NOT_FOUND, "no_such_route", "there is nothing at this path")
                .answer();
        };
        if method == Method::OPTIONS {
            return HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish();
        }
        let mut response = Problem::bare(StatusCode::METHOD_NOT_ALLOWED).answer();
        if let Ok(allow) = header::HeaderValue::try_from(allow) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }

    /// Texts sort before placeholders, as the router tries them.
    fn route(&self, method: &Method) -> Option<&'a Route> {
        self.0.iter().copied().find(|route| route.methods.contains(method))
    }
}

/// The default service: the edge completes its answer.
pub(super) async fn no_such_route(request: HttpRequest) -> HttpResponse {
    match request.app_data::<std::rc::Rc<Methods>>() {
        Some(methods) => methods.at(request.path()).refuse(request.method()),
        None => HttpResponse::NotFound().finish(),
    }
}

/// Public operations take a token as well as none.
fn needs_token(operation: &Operation) -> bool {
    let none = SecurityRequirement::default();
    operation.security.as_ref().is_some_and(|ways| !ways.is_empty() && !ways.contains(&none))
}

fn methods(item: &PathItem, wanted: impl Fn(&Operation) -> bool) -> Vec<Method> {
    let all = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
        (Method::HEAD, &item.head),
        (Method::OPTIONS, &item.options),
    ];
    let chosen = all.into_iter().filter(|(_, operation)| operation.as_ref().is_some_and(&wanted));
    chosen.map(|(method, _)| method).collect()
}
