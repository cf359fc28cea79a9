//! An entry of a list of backends.

use std::fmt;

use kernel_domain::{Violation, Violations};

use crate::{
    Backend, ServerName, Weight, backend::refused, parameters::Parameters, server_name::is_dns_name,
};

/// A backend, or a name that stands for as many as there are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `http://a:8080;weight=3`.
    Fixed(Backend),
    /// `dns://products.internal:8080;weight=3`: every address of the name, each with this weight.
    Addresses {
        /// The name.
        host: String,
        /// The port of all of them.
        port: u16,
        /// The weight of each.
        weight: Weight,
        /// The name that their certificates are for (`dns+https://`); in the clear, none.
        server_name: Option<ServerName>,
    },
    /// `srv://_http._tcp.products.internal`: every target of the record, with its port and weight.
    Services {
        /// The record's name.
        name: String,
        /// The name that their certificates are for (`srv+https://`); in the clear, none.
        server_name: Option<ServerName>,
    },
}

impl Source {
    /// Reads one entry.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let text = text.trim();
        match text.split_once("://") {
            Some(("dns", _)) => addresses(text, false),
            Some(("dns+https", _)) => addresses(text, true),
            Some(("srv", _)) => services(text, false),
            Some(("srv+https", _)) => services(text, true),
            _ => Backend::parse(text).map(Self::Fixed),
        }
    }

    /// The backend, where the entry names it itself.
    pub const fn fixed(&self) -> Option<&Backend> {
        match self {
            Self::Fixed(backend) => Some(backend),
            Self::Addresses { .. } | Self::Services { .. } => None,
        }
    }

    /// Whether both mean the same, weights aside.
    fn repeats(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixed(a), Self::Fixed(b)) => a.id() == b.id(),
            (
                Self::Addresses { host: a, port: at, server_name: asked, .. },
                Self::Addresses { host: b, port: bt, server_name: besides, .. },
            ) => (a, at, asked) == (b, bt, besides),
            (Self::Services { .. }, Self::Services { .. }) => self == other,
            _ => false,
        }
    }
}

/// As it is read, the weight always named, and the server's name where nobody would guess it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secure = |name: &Option<ServerName>| if name.is_some() { "+https" } else { "" };
        let (usual, server_name) = match self {
            Self::Fixed(backend) => return write!(f, "{backend};weight={}", backend.weight().get()),
            Self::Addresses { host, port, weight, server_name } => {
                write!(f, "dns{}://{host}:{port};weight={}", secure(server_name), weight.get())?;
                (host.as_str(), server_name)
            }
            Self::Services { name, server_name } => {
                write!(f, "srv{}://{name}", secure(server_name))?;
                (domain_of(name), server_name)
            }
        };
        match server_name.as_ref().filter(|name| name.as_str() != whole(usual)) {
            Some(name) => write!(f, ";server_name={name}"),
            None => Ok(()),
        }
    }
}

/// Reads entries and names everything that is wrong with them; at least one, none twice.
pub fn parse_sources<'a>(list: impl IntoIterator<Item = &'a str>) -> Result<Vec<Source>, Violations> {
    let mut violations = Violations::default();
    let mut sources: Vec<Source> = Vec::new();
    for text in list.into_iter().map(str::trim) {
        let Some(source) = violations.check(Source::parse(text)) else { continue };
        if sources.iter().any(|other| other.repeats(&source)) {
            violations.check::<()>(Err(refused(text, "is listed twice")));
        }
        sources.push(source);
    }
    violations.into_result()?;
    if sources.is_empty() {
        return Err(Violation::new("backend", "missing", "there must be one at least").into());
    }
    Ok(sources)
}

fn addresses(text: &str, secure: bool) -> Result<Source, Violation> {
    let (target, Parameters { weight, server_name }) = target(text)?;
    let (host, port) = target.rsplit_once(':').unwrap_or((target, ""));
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(port) if digits && port > 0 && is_dns_name(host) => {
            let server_name = certified(secure, server_name, host)?;
            let weight = weight.unwrap_or_default();
            Ok(Source::Addresses { host: host.to_ascii_lowercase(), port, weight, server_name })
        }
        _ => Err(refused(text, "must be like dns://name:8080 or dns+https://name:8443")),
    }
}

fn services(text: &str, secure: bool) -> Result<Source, Violation> {
    let (name, Parameters { weight, server_name }) = target(text)?;
    // Two labels that begin with an underscore say service and protocol.
    let labels = name.split('.').take_while(|label| label.len() > 1 && label.starts_with('_')).count();
    if labels == 2 && is_dns_name(name) && name.split('.').count() > 2 && weight.is_none() {
        let server_name = certified(secure, server_name, domain_of(name))?;
        return Ok(Source::Services { name: name.to_ascii_lowercase(), server_name });
    }
    let why = "must be like srv://_http._tcp.name or srv+https://_https._tcp.name, without weight: the record has one";
    Err(refused(text, why))
}

/// What stands between scheme and parameters.
fn target(text: &str) -> Result<(&str, Parameters), Violation> {
    let (url, parameters) = Parameters::split(text)?;
    Ok((url.split_once("://").map_or(url, |(_, target)| target), parameters))
}

/// The name that certificates are to be for, where there are any: the one that is given, or else the one that was asked
/// for. It is never one that DNS has answered with, for whoever can change an answer could name a server of their own.
fn certified(secure: bool, given: Option<ServerName>, asked: &str) -> Result<Option<ServerName>, Violation> {
    match (secure, given) {
        (true, None) => ServerName::parse(whole(asked)).map(Some),
        (false, Some(_)) => Err(ServerName::needs_tls()),
        (_, given) => Ok(given),
    }
}

/// The name without its service and protocol.
fn domain_of(service: &str) -> &str {
    service.splitn(3, '.').nth(2).unwrap_or(service)
}

/// The dot at the end says that a name is whole, and is no part of it.
fn whole(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_each_kind_are_read() {
        let list = "http://a:8080;weight=3, http://B.example/ ,dns://Products.internal:8080;weight=2,\
                    dns://b:1,srv://_http._tcp.products.internal";
        let sources = parse_sources(list.split(',')).unwrap();
        let read: Vec<_> = sources.iter().map(ToString::to_string).collect();
        assert_eq!(
            read,
            [
                "http://a:8080;weight=3",
                "http://b.example;weight=1",
                "dns://products.internal:8080;weight=2",
                "dns://b:1;weight=1",
                "srv://_http._tcp.products.internal",
            ]
        );
        for (text, source) in read.iter().zip(&sources) {
            assert_eq!(Source::parse(text).as_ref(), Ok(source));
        }
        assert_eq!(sources.iter().filter_map(Source::fixed).count(), 2);
    }

    #[test]
    fn names_stand_for_backends_over_tls_as_well() {
        for (text, shown, name) in [
            (
                "dns+https://Products.internal:8443",
                "dns+https://products.internal:8443;weight=1",
                "products.internal",
            ),
            (
                "dns+https://a.:1;server_name=products.internal;weight=2",
                "dns+https://a.:1;weight=2;server_name=products.internal",
                "products.internal",
            ),
            ("dns+https://a.:1;server_name=a", "dns+https://a.:1;weight=1", "a"),
            (
                "srv+https://_https._tcp.Products.internal.",
                "srv+https://_https._tcp.products.internal.",
                "products.internal",
            ),
            ("srv+https://_h._tcp.a;server_name=b", "srv+https://_h._tcp.a;server_name=b", "b"),
        ] {
            let source = Source::parse(text).unwrap();
            let (Source::Addresses { server_name, .. } | Source::Services { server_name, .. }) = &source
            else {
                panic!("{text} is a name");
            };
            assert_eq!((source.to_string().as_str(), server_name.as_ref().unwrap().as_str()), (shown, name));
            assert_eq!(Source::parse(shown), Ok(source));
        }
        // One address may answer under several names.
        let list =
            "dns://a:1,dns+https://a:1,dns+https://a:1;server_name=b,https://c:1,https://c:1;server_name=d";
        assert_eq!(parse_sources(list.split(',')).unwrap().len(), 5);
        for twice in [
            "dns+https://a:1,dns+https://a:1;weight=2;server_name=a",
            "srv+https://_h._tcp.a,srv+https://_h._tcp.A",
        ] {
            let refused = parse_sources(twice.split(',')).unwrap_err().to_string();
            assert!(refused.contains("is listed twice"), "{refused}");
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let list = "http://a;weight=0,ftp://b,http://c,http://c,dns://d,dns://e:1,dns://e:1;weight=2";
        let text = parse_sources(list.split(',')).unwrap_err().to_string();
        for part in
            ["weight", "ftp://b", "`http://c` is listed twice", "dns://d", "`dns://e:1;weight=2` is listed"]
        {
            assert!(text.contains(part), "{text}");
        }
        assert!(parse_sources([""]).is_err() && parse_sources([]).is_err());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = format!("dns://{}:1", "a.".repeat(128));
        for bad in [
            "dns://a",
            "dns://:80",
            "dns://a:0",
            "dns://a:+1",
            "dns://a:70000",
            "dns://a..b:1",
            "dns://a/b:1",
            "dns://[::1]:80",
            "dns://a:1;weight=0",
            "dns://a:1;wight=1",
            "dns://a:1;weight=1;weight=1",
            "srv://products.internal",
            "srv://_http.products",
            "srv://_http._tcp",
            "srv://_http._tcp.a;weight=1",
            "srv://_http._tcp.a:80",
            "dns://a:1;server_name=b",
            "srv://_http._tcp.a;server_name=b",
            "dns+http://a:1",
            "dns+https://a",
            "dns+https://10.0.0.7:8443",
            "dns+https://a:1;server_name=b;server_name=b",
            "srv+https://_https._tcp.a;weight=1",
            "srv+https://_https._tcp.10.0.0.7",
            long.as_str(),
        ] {
            assert!(Source::parse(bad).is_err(), "{bad}");
        }
    }
}
