//! Which methods a path has, and which of them need a token, read from the OpenAPI document, which is made from the routes themselves.

use actix_web::{
    HttpRequest, HttpResponse,
    dev::ResourceDef,
    http::{Method, StatusCode, header},
};
use utoipa::openapi::{OpenApi, PathItem, SecurityRequirement, path::Operation};

use crate::Problem;

/// Every path template with its methods.
pub(super) struct Methods {
    routes: Vec<(ResourceDef, Vec<Method>)>,
    /// Those that are not for everybody.
    private: Vec<(ResourceDef, Vec<Method>)>,
}

impl Methods {
    pub(super) fn of(api: &OpenApi) -> Self {
        let with = |wanted: fn(&Operation) -> bool| {
            api.paths.paths.iter().map(move |(path, item)| (path.as_str(), methods(item, wanted)))
        };
        let documents = ["/openapi.json", "/docs", "/docs/{tail:.*}"].map(|path| (path, vec![Method::GET]));
        let made = |(path, methods)| (ResourceDef::new(path), methods);
        Self {
            routes: with(|_| true).chain(documents).map(made).collect(),
            private: with(needs_token).map(made).collect(),
        }
    }

    /// The methods of `path`; none where there is no such path. A path that is spelled out in the document is a resource
    /// of its own: the templates that would match it too, such as `/things/{id}` for `/things/stats`, say nothing of it.
    pub(super) fn at(&self, path: &str) -> Vec<Method> {
        let spelled_out = |template: &ResourceDef| template.pattern() == Some(path);
        let exact = self.routes.iter().any(|(template, _)| spelled_out(template));
        let matching = self
            .routes
            .iter()
            .filter(|(template, _)| template.is_match(path) && (!exact || spelled_out(template)));
        let mut found: Vec<Method> = Vec::new();
        for method in matching.flat_map(|(_, methods)| methods) {
            if !found.contains(method) {
                found.push(method.clone());
            }
        }
        found
    }

    /// Whether the route that takes such a request is for those with a token.
    pub(super) fn needs_token(&self, method: &Method, path: &str) -> bool {
        let place = self
            .routes
            .iter()
            .position(|(template, methods)| methods.contains(method) && template.is_match(path));
        place.and_then(|place| self.private.get(place)).is_some_and(|(_, methods)| methods.contains(method))
    }

    /// Whether the document has the path, but not with this method. Paths it does not have are left to the router.
    pub(super) fn refuses(&self, method: &Method, path: &str) -> bool {
        let methods = self.at(path);
        !methods.is_empty() && !methods.contains(method)
    }

    /// The template of `path`, whatever the method.
    pub(super) fn resource(&self, path: &str) -> Option<String> {
        let (template, _) = self.routes.iter().find(|(template, _)| template.is_match(path))?;
        template.pattern().map(str::to_owned)
    }

    /// The template of the route that takes such a request. Texts sort before placeholders, as the router tries them.
    pub(super) fn template(&self, method: &Method, path: &str) -> Option<String> {
        let routes = self.routes.iter().filter(|(_, methods)| methods.contains(method));
        let (template, _) = routes.into_iter().find(|(template, _)| template.is_match(path))?;
        template.pattern().map(str::to_owned)
    }

    /// `GET` answers `HEAD` too, where nothing else does.
    pub(super) fn head_by_get(&self, path: &str) -> bool {
        let methods = self.at(path);
        methods.contains(&Method::GET) && !methods.contains(&Method::HEAD)
    }

    /// The value of `Allow`; `None` where there is no such path.
    pub(super) fn allow(&self, path: &str) -> Option<String> {
        let mut methods = self.at(path);
        if methods.is_empty() {
            return None;
        }
        for implied in [Method::HEAD, Method::OPTIONS] {
            let wanted = implied == Method::OPTIONS || methods.contains(&Method::GET);
            if wanted && !methods.contains(&implied) {
                methods.push(implied);
            }
        }
        Some(methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", "))
    }

    /// What a request gets that no route took.
    pub(super) fn refuse(&self, method: &Method, path: &str) -> HttpResponse {
        let Some(allow) = self.allow(path) else {
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
}

/// The default service: the edge completes its answer.
pub(super) async fn no_such_route(request: HttpRequest) -> HttpResponse {
    match request.app_data::<std::rc::Rc<Methods>>() {
        Some(methods) => methods.refuse(request.method(), request.path()),
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
