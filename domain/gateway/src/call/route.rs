//! Which service answers a method.

use crate::Service;

/// A method, or all other methods of a gRPC service.
#[derive(Debug, PartialEq, Eq)]
pub struct CallRoute {
    service: Service,
    template: &'static str,
    kind: CallKind,
}

/// What is known of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// One message each way, and nothing changes: it does no harm twice.
    Read,
    /// One message each way.
    Write,
    /// Nothing: it may stream for as long as it likes.
    Open,
}

const PRODUCT: &str = "product.v1.ProductService";
const BASKET: &str = "basket.v1.BasketService";
const PAYMENT: &str = "payment.v1.PaymentService";

/// All methods of the public API, and after them one line for what a service may have besides.
static ROUTES: [CallRoute; 24] = [
    CallRoute::read(Service::Product, "product.v1.ProductService/GetProduct"),
    CallRoute::read(Service::Product, "product.v1.ProductService/GetProducts"),
    CallRoute::write(Service::Product, "product.v1.ProductService/CreateProduct"),
    CallRoute::write(Service::Product, "product.v1.ProductService/UpdateProduct"),
    CallRoute::write(Service::Product, "product.v1.ProductService/DeleteProduct"),
    CallRoute::write(Service::Product, "product.v1.ProductService/ReserveStock"),
    CallRoute::write(Service::Product, "product.v1.ProductService/ReleaseStock"),
    CallRoute::read(Service::Basket, "basket.v1.BasketService/GetBasket"),
    CallRoute::write(Service::Basket, "basket.v1.BasketService/CreateBasket"),
    CallRoute::write(Service::Basket, "basket.v1.BasketService/DeleteBasket"),
    CallRoute::write(Service::Basket, "basket.v1.BasketService/AddItem"),
    CallRoute::write(Service::Basket, "basket.v1.BasketService/UpdateItem"),
    CallRoute::write(Service::Basket, "basket.v1.BasketService/RemoveItem"),
    CallRoute::write(Service::Basket, "basket.v1.BasketService/ClearItems"),
    CallRoute::read(Service::Payment, "payment.v1.PaymentService/GetPayment"),
    CallRoute::read(Service::Payment, "payment.v1.PaymentService/GetPayments"),
    CallRoute::read(Service::Payment, "payment.v1.PaymentService/GetUserPayments"),
    CallRoute::write(Service::Payment, "payment.v1.PaymentService/CreatePayment"),
    CallRoute::write(Service::Payment, "payment.v1.PaymentService/ProcessPayment"),
    CallRoute::write(Service::Payment, "payment.v1.PaymentService/CancelPayment"),
    CallRoute::write(Service::Payment, "payment.v1.PaymentService/RefundPayment"),
    CallRoute::open(Service::Product, "product.v1.ProductService/*"),
    CallRoute::open(Service::Basket, "basket.v1.BasketService/*"),
    CallRoute::open(Service::Payment, "payment.v1.PaymentService/*"),
];

impl CallRoute {
    const fn read(service: Service, template: &'static str) -> Self {
        Self { service, template, kind: CallKind::Read }
    }

    const fn write(service: Service, template: &'static str) -> Self {
        Self { service, template, kind: CallKind::Write }
    }

    const fn open(service: Service, template: &'static str) -> Self {
        Self { service, template, kind: CallKind::Open }
    }

    /// The route of a request's path, `/product.v1.ProductService/GetProduct`; `None` where nothing answers.
    pub fn find(path: &str) -> Option<&'static Self> {
        let (name, method) = path.strip_prefix('/')?.split_once('/')?;
        if !is_method(method) {
            return None;
        }
        let of_service = || ROUTES.iter().filter(|route| route.service_name() == name);
        let exact = of_service().find(|route| route.method() == method);
        exact.or_else(|| of_service().find(|route| route.kind == CallKind::Open))
    }

    /// All routes.
    pub fn all() -> &'static [Self] {
        &ROUTES
    }

    /// The gRPC service by which `service` is called; `None` where it has none.
    pub const fn name_of(service: Service) -> Option<&'static str> {
        match service {
            Service::Product => Some(PRODUCT),
            Service::Basket => Some(BASKET),
            Service::Payment => Some(PAYMENT),
            Service::Notification => None,
        }
    }

    /// The service that answers.
    pub const fn service(&self) -> Service {
        self.service
    }

    /// Service and method, for logs and metrics: `product.v1.ProductService/GetProduct`, or a star for the method.
    pub const fn template(&self) -> &'static str {
        self.template
    }

    /// What is known of the method.
    pub const fn kind(&self) -> CallKind {
        self.kind
    }

    fn service_name(&self) -> &'static str {
        self.template.split_once('/').map_or(self.template, |(name, _)| name)
    }

    fn method(&self) -> &'static str {
        self.template.split_once('/').map_or("", |(_, method)| method)
    }
}

/// As the language of `.proto` files has it; so nothing that a log or a backend could misread is passed on.
fn is_method(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    text.bytes().next().is_some_and(is_letter)
        && text.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn methods_are_found_by_the_name_of_their_service() {
        for (path, service, template, kind) in [
            (
                "/product.v1.ProductService/GetProduct",
                Service::Product,
                "product.v1.ProductService/GetProduct",
                CallKind::Read,
            ),
            (
                "/payment.v1.PaymentService/CreatePayment",
                Service::Payment,
                "payment.v1.PaymentService/CreatePayment",
                CallKind::Write,
            ),
            (
                "/basket.v1.BasketService/Watch_2",
                Service::Basket,
                "basket.v1.BasketService/*",
                CallKind::Open,
            ),
        ] {
            let route = CallRoute::find(path).unwrap();
            assert_eq!((route.service(), route.template(), route.kind()), (service, template, kind));
        }
    }

    #[test]
    fn everything_else_leads_nowhere() {
        for path in [
            "",
            "/",
            "/product.v1.ProductService",
            "/product.v1.ProductService/",
            "/product.v1.ProductService/*",
            "/product.v1.ProductService/Get/Product",
            "/product.v1.ProductService/../GetProduct",
            "/product.v1.ProductService/Get%50roduct",
            "product.v1.ProductService/GetProduct",
            "/product.v1.productservice/GetProduct",
            "/product.v2.ProductService/GetProduct",
            "/grpc.health.v1.Health/Check",
            "//GetProduct",
        ] {
            assert_eq!(CallRoute::find(path), None, "{path}");
        }
    }

    #[test]
    fn the_table_is_whole() {
        let templates: HashSet<_> = CallRoute::all().iter().map(CallRoute::template).collect();
        assert_eq!(templates.len(), CallRoute::all().len(), "no line is there twice");
        for route in CallRoute::all() {
            assert_eq!(CallRoute::name_of(route.service()), Some(route.service_name()));
        }
        let open = CallRoute::all().iter().filter(|route| route.kind() == CallKind::Open).count();
        let called = Service::ALL.into_iter().filter_map(CallRoute::name_of).count();
        assert_eq!(open, called);
    }
}
