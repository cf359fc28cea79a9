//! Asks DNS.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use gateway_domain::{Backend, ServerName, Weight, fleet::Source};
use hickory_resolver::{
    TokioResolver,
    config::{LookupIpStrategy, NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{RData, rdata::SRV},
};
use kernel_application::BoxError;

/// Asks DNS for backends.
pub struct Resolver(TokioResolver);

/// What a name stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// At least one, each once.
    pub(crate) backends: Vec<Backend>,
    /// For how long, as the records say; no time at all for a part.
    pub(crate) valid: Duration,
    /// Otherwise nobody has answered for some of the targets.
    pub(crate) whole: bool,
}

impl Answer {
    /// The backends from now on, where `before` were the ones before: what nobody has answered for may still be there.
    pub(crate) fn over(self, before: &[Backend]) -> Vec<Backend> {
        let Self { mut backends, whole, .. } = self;
        if !whole {
            let is_new = |known: &&Backend| backends.iter().all(|other| other.id() != known.id());
            let missing: Vec<_> = before.iter().filter(is_new).cloned().collect();
            backends.extend(missing);
        }
        backends
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    /// There is no such name, or nobody answers.
    #[error("{0}")]
    Asked(#[from] NetError),
    /// The name has no usable record.
    #[error("the answer names no backend")]
    Empty,
}

impl LookupError {
    /// Whether DNS says that there is nothing, and not that it cannot say.
    fn is_definite(&self) -> bool {
        match self {
            Self::Asked(error) => error.is_no_records_found(),
            Self::Empty => true,
        }
    }
}

/// How long one server may take; each is asked twice.
const TIMEOUT: Duration = Duration::from_secs(2);

impl Resolver {
    /// Asks these servers, or those that the machine is configured to ask where there are none.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, BoxError> {
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = servers.iter().map(|server| name_server(*server)).collect();
            let config = ResolverConfig::from_name_servers(servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        // Answers are remembered by the lookups, within bounds of their own.
        options.cache_size = 0;
        options.timeout = TIMEOUT;
        options.attempts = 2;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        Ok(Self(builder.build()?))
    }

    /// Looks a source up; one that names its backend itself is its own answer, for ever.
    pub(crate) async fn resolve(&self, source: &Source) -> Result<Answer, LookupError> {
        match source {
            Source::Fixed(backend) => {
                Ok(Answer { backends: vec![backend.clone()], valid: Duration::MAX, whole: true })
            }
            Source::Addresses { host, port, weight, server_name } => {
                let (addresses, until) = self.addresses(host).await?;
                let found = addresses.into_iter().map(|address| (address, *port, *weight));
                answer(found, server_name.as_ref(), until)
            }
            Source::Services { name, server_name } => self.services(name, server_name.as_ref()).await,
        }
    }

    async fn services(&self, name: &str, server_name: Option<&ServerName>) -> Result<Answer, LookupError> {
        let records = self.0.srv_lookup(absolute(name)).await?;
        let targets = nearest(records.answers().iter().filter_map(|record| match &record.data {
            RData::SRV(target) => Some(target),
            _ => None,
        }));
        let targets = targets.into_iter().map(|target| async move {
            let (addresses, until) = self.addresses(&target.target.to_utf8()).await?;
            let (port, weight) = (target.port, weight(target.weight));
            let backends = addresses.into_iter().map(move |address| (address, port, weight));
            Ok::<_, LookupError>((backends.collect::<Vec<_>>(), until))
        });
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for answered in join_all(targets).await {
            match answered {
                Ok(target) => found.push(target),
                Err(failure) => failures.push(failure),
            }
        }
        let until = found.iter().map(|(_, until)| *until).fold(records.valid_until(), Instant::min);
        // One target that is not found must not cost the others.
        match answer(found.into_iter().flat_map(|(backends, _)| backends), server_name, until) {
            Ok(answer) if failures.iter().all(LookupError::is_definite) => Ok(answer),
            Ok(answer) => Ok(Answer { valid: Duration::ZERO, whole: false, ..answer }),
            Err(empty) => Err(failures.into_iter().next().unwrap_or(empty)),
        }
    }

    async fn addresses(&self, host: &str) -> Result<(Vec<IpAddr>, Instant), LookupError> {
        let found = self.0.lookup_ip(absolute(host)).await?;
        Ok((found.iter().collect(), found.valid_until()))
    }
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    config
}

/// A name with dots is a whole one: the machine's search list is for names of one label.
fn absolute(name: &str) -> String {
    if name.contains('.') && !name.ends_with('.') { format!("{name}.") } else { name.to_owned() }
}

/// The targets of the most preferred priority; the others are for when none of these exists, which probes tell better
/// than DNS.
fn nearest<'a>(targets: impl Iterator<Item = &'a SRV>) -> Vec<&'a SRV> {
    let mut priorities: BTreeMap<u16, Vec<&SRV>> = BTreeMap::new();
    // A target of the root says that there is no such service.
    for target in targets.filter(|target| !target.target.is_root() && target.port > 0) {
        priorities.entry(target.priority).or_default().push(target);
    }
    priorities.into_values().next().unwrap_or_default()
}

/// Records may weigh nothing, or more than a backend can.
fn weight(weight: u16) -> Weight {
    Weight::new(weight.clamp(1, 1_000)).unwrap_or_default()
}

fn answer(
    found: impl IntoIterator<Item = (IpAddr, u16, Weight)>,
    server_name: Option<&ServerName>,
    until: Instant,
) -> Result<Answer, LookupError> {
    let mut backends: BTreeMap<SocketAddr, Backend> = BTreeMap::new();
    for (address, port, weight) in found {
        let socket = SocketAddr::new(address, port);
        backends.entry(socket).or_insert_with(|| Backend::found(socket, server_name, weight));
    }
    if backends.is_empty() {
        return Err(LookupError::Empty);
    }
    // In the order of their addresses: DNS shuffles, and the same set is no change.
    let backends = backends.into_values().collect();
    Ok(Answer { backends, valid: until.saturating_duration_since(Instant::now()), whole: true })
}
