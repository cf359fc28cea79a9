//! What a crate is, told from its path.

/// A place in the house. The texts are the context and, for adapters, the technology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room<'a> {
    Domain(&'a str),
    Application(&'a str),
    Adapter(&'a str, &'a str),
    Platform(&'a str),
    Bootstrap(&'a str),
    /// `bootstrap/system`: tests of the whole, and nothing else.
    System,
    Proto,
    Xtask,
}

/// The room a path belongs to, or none when the house has no such place.
pub(super) fn room(path: &str) -> Option<Room<'_>> {
    let parts: Vec<&str> = path.split('/').collect();
    match *parts.as_slice() {
        ["domain", context] => Some(Room::Domain(context)),
        ["application", context] => Some(Room::Application(context)),
        ["adapters", "platform", technology] => Some(Room::Platform(technology)),
        ["adapters", context, technology] => Some(Room::Adapter(context, technology)),
        ["bootstrap", "system"] => Some(Room::System),
        ["bootstrap", context] => Some(Room::Bootstrap(context)),
        ["proto"] => Some(Room::Proto),
        ["xtask"] => Some(Room::Xtask),
        _ => None,
    }
}

impl Room<'_> {
    /// The context, where the room belongs to one.
    pub(super) fn context(&self) -> Option<&str> {
        match self {
            Self::Domain(context)
            | Self::Application(context)
            | Self::Adapter(context, _)
            | Self::Bootstrap(context) => Some(*context).filter(|context| *context != "kernel"),
            Self::Platform(_) | Self::System | Self::Proto | Self::Xtask => None,
        }
    }

    /// The crate name the path predicts.
    pub(super) fn crate_name(&self) -> String {
        match self {
            Self::Domain(context) => format!("{context}-domain"),
            Self::Application(context) => format!("{context}-application"),
            Self::Adapter(context, technology) => format!("{context}-{technology}"),
            Self::Platform(technology) => format!("platform-{technology}"),
            Self::Bootstrap(context) => format!("{context}-service"),
            Self::System => "system-tests".to_owned(),
            Self::Proto => "proto".to_owned(),
            Self::Xtask => "xtask".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_rooms() {
        assert_eq!(room("domain/product"), Some(Room::Domain("product")));
        assert_eq!(room("application/kernel"), Some(Room::Application("kernel")));
        assert_eq!(room("adapters/platform/http"), Some(Room::Platform("http")));
        assert_eq!(room("adapters/basket/grpc"), Some(Room::Adapter("basket", "grpc")));
        assert_eq!(room("bootstrap/payment"), Some(Room::Bootstrap("payment")));
        assert_eq!(room("bootstrap/system"), Some(Room::System));
        assert_eq!(room("proto"), Some(Room::Proto));
        assert_eq!(room("xtask"), Some(Room::Xtask));
    }

    #[test]
    fn the_house_has_no_other_places() {
        for path in ["", "common", "domain", "domain/product/money", "adapters/http", "src/domain/product"] {
            assert_eq!(room(path), None, "{path}");
        }
    }

    #[test]
    fn rooms_predict_names() {
        for (path, name) in [
            ("domain/kernel", "kernel-domain"),
            ("application/product", "product-application"),
            ("adapters/platform/sqlite", "platform-sqlite"),
            ("adapters/payment/provider", "payment-provider"),
            ("bootstrap/provider", "provider-service"),
        ] {
            assert_eq!(room(path).unwrap().crate_name(), name);
        }
    }
}
