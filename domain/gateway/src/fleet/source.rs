//! An entry of a list of backends.

use std::fmt;

use kernel_domain::{Violation, Violations};

use crate::{Backend, Weight};

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
    },
    /// `srv://_http._tcp.products.internal`: every target of the record, with its port and weight.
    Services {
        /// The record's name.
        name: String,
    },
}

impl Source {
    /// Reads one entry.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        match text.trim().split_once("://") {
            Some(("dns", rest)) => addresses(text, rest),
            Some(("srv", rest)) => services(text, rest),
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
            (Self::Fixed(a), Self::Fixed(b)) => a.authority() == b.authority(),
            (Self::Addresses { host: a, port: at, .. }, Self::Addresses { host: b, port: bt, .. }) => {
                (a, at) == (b, bt)
            }
            (Self::Services { name: a }, Self::Services { name: b }) => a == b,
            _ => false,
        }
    }
}

/// As it is read, the weight always named.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(backend) => write!(f, "{backend};weight={}", backend.weight().get()),
            Self::Addresses { host, port, weight } => {
                write!(f, "dns://{host}:{port};weight={}", weight.get())
            }
            Self::Services { name } => write!(f, "srv://{name}"),
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

fn addresses(text: &str, rest: &str) -> Result<Source, Violation> {
    let (target, weight) = match rest.split_once(';') {
        Some((target, parameter)) => (target, Some(parameter.trim())),
        None => (rest, None),
    };
    let weight = match weight.map(|parameter| parameter.strip_prefix("weight=")) {
        None => Weight::default(),
        Some(Some(shares)) => weight_of(text, shares)?,
        Some(None) => return Err(refused(text, "has a parameter other than one `weight`")),
    };
    let (host, port) = target.trim().rsplit_once(':').unwrap_or((target, ""));
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(port) if digits && port > 0 && is_name(host) => {
            Ok(Source::Addresses { host: host.to_ascii_lowercase(), port, weight })
        }
        _ => Err(refused(text, "must be like dns://name:8080")),
    }
}

fn services(text: &str, name: &str) -> Result<Source, Violation> {
    // Two labels that begin with an underscore say service and protocol.
    let labels = name.split('.').take_while(|label| label.len() > 1 && label.starts_with('_')).count();
    if labels == 2 && is_name(name) && name.split('.').count() > 2 {
        return Ok(Source::Services { name: name.to_ascii_lowercase() });
    }
    Err(refused(text, "must be like srv://_http._tcp.name, without weight: the record has one"))
}

fn weight_of(text: &str, shares: &str) -> Result<Weight, Violation> {
    let shares = shares.parse().map_err(|_| refused(text, "must have a weight of 1 to 1000"))?;
    Weight::new(shares)
}

/// A name as DNS has it: at most 253 characters, labels of at most 63.
fn is_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.len() <= 253
        && name.split('.').all(|label| (1..=63).contains(&label.len()) && label.bytes().all(legal))
}

fn refused(text: &str, why: &str) -> Violation {
    Violation::new("backend", "invalid_backend", format!("`{text}` {why}"))
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
            long.as_str(),
        ] {
            assert!(Source::parse(bad).is_err(), "{bad}");
        }
    }
}
