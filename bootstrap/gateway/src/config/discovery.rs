//! Where backends are found.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use gateway_discovery::{Pace, WatchedFile};
use platform_runtime::Settings;

use super::time;

/// What the gateway is told of discovery.
#[derive(Clone, Debug)]
pub struct Discovering {
    /// The watched file.
    pub file: Option<PathBuf>,
    /// How often is looked.
    pub pace: Pace,
    /// Who is asked for names; whom the machine asks where nobody is named.
    pub servers: Vec<SocketAddr>,
}

pub(super) fn declare(settings: &mut Settings) -> Discovering {
    let about = "file of services with their backends, JSON or TOML; it counts before the lists of variables";
    let file = settings.optional("DISCOVERY_FILE", about).map(PathBuf::from);
    if let Some(error) = file.as_deref().map(Path::new).and_then(|path| WatchedFile::at(path).err()) {
        settings.refuse("DISCOVERY_FILE", error);
    }
    let about = "between two looks at the file";
    let look = time(settings, "DISCOVERY_FILE_INTERVAL", "1s", about);
    let about = "between two lookups of a name, at least";
    let least = time(settings, "DISCOVERY_DNS_MIN_INTERVAL", "5s", about);
    let about = "between two lookups of a name, at most, whatever its time to live is";
    let most = time(settings, "DISCOVERY_DNS_MAX_INTERVAL", "1m", about);
    if most < least {
        settings.refuse("DISCOVERY_DNS_MAX_INTERVAL", "must not be shorter than DISCOVERY_DNS_MIN_INTERVAL");
    }
    let rule = "addresses with ports such as 10.0.0.2:53, separated by commas";
    let about = "DNS servers; those that the machine is configured with where it is not set";
    let servers = settings.parsed::<Servers>("DISCOVERY_DNS_SERVERS", "", rule, about);
    let pace = Pace { file: look, least, most: most.max(least) };
    Discovering { file, pace, servers: servers.unwrap_or_default().0 }
}

#[derive(Default)]
struct Servers(Vec<SocketAddr>);

impl FromStr for Servers {
    type Err = std::net::AddrParseError;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Discovering, String> {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let discovering = declare(&mut settings);
        settings.finish().map(|()| discovering).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_looked_up_within_bounds() {
        let discovering = read(&[("DISCOVERY_DNS_SERVERS", "127.0.0.1:53, [::1]:5353")]).unwrap();
        assert_eq!(discovering.servers.len(), 2);
        assert_eq!(
            (discovering.pace.least, discovering.pace.most),
            (Duration::from_secs(5), Duration::from_mins(1))
        );
        assert!(discovering.file.is_none());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (name, value) in [
            ("DISCOVERY_FILE", "backends.yaml"),
            ("DISCOVERY_DNS_MAX_INTERVAL", "4s"),
            ("DISCOVERY_DNS_MIN_INTERVAL", "0s"),
            ("DISCOVERY_DNS_SERVERS", "localhost"),
            ("DISCOVERY_FILE_INTERVAL", "0ms"),
        ] {
            let problems = read(&[(name, value)]).unwrap_err();
            assert!(problems.contains(name), "{problems}");
        }
    }
}
