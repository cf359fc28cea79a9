//! The worker that looks and tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};
use gateway_application::{Settings, commands::adopt_backends::AdoptBackends};
use gateway_domain::fleet::{Fleet, Source};
use kernel_application::{CallContext, Caller, CommandHandler, TraceContext};
use slog::{Logger, error, info, o, warn};
use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

use crate::{
    DiscoveryMetrics, FileError, Resolver, WatchedFile,
    file::Lists,
    lookups::{Lookups, News},
    resolver::{Answer, LookupError},
};

/// How often is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// At the file.
    pub file: Duration,
    /// At a name, at most; and again after a lookup that failed.
    pub least: Duration,
    /// At a name, at least, whatever its time to live is.
    pub most: Duration,
}

/// What is configured: for HTTP, and for gRPC where that is served.
pub type Configured<'a> = (&'a Settings, Option<&'a Settings>);

/// An answer that is waited for.
type Asking = BoxFuture<'static, (Source, Result<Answer, LookupError>)>;

/// Finds the backends of all services.
pub struct Discovery {
    configured: Lists,
    listed: Lists,
    /// Those that have had a whole list.
    complete: BTreeSet<Fleet>,
    file: Option<WatchedFile>,
    file_due: Instant,
    resolver: Arc<Resolver>,
    lookups: Lookups,
    /// One for each name that is being looked up, so that none waits for another.
    asking: FuturesUnordered<Asking>,
    pace: Pace,
    metrics: DiscoveryMetrics,
    logger: Logger,
}

impl Discovery {
    /// Reads the file, where there is one. At the start a file that is wrong is an error: there is no older list yet.
    pub fn open(
        configured: Configured<'_>,
        file: Option<WatchedFile>,
        resolver: Resolver,
        pace: Pace,
        metrics: DiscoveryMetrics,
        logger: Logger,
    ) -> Result<Self, FileError> {
        let now = Instant::now();
        let mut discovery = Self {
            configured: Fleet::ALL.map(|fleet| (fleet, sources(configured, fleet).to_vec())).into(),
            listed: BTreeMap::new(),
            complete: BTreeSet::new(),
            file,
            file_due: now + pace.file,
            resolver: Arc::new(resolver),
            lookups: Lookups::default(),
            asking: FuturesUnordered::new(),
            pace,
            metrics,
            logger,
        };
        if let Some(found) = discovery.file.as_mut().and_then(WatchedFile::look) {
            discovery.listed = found?;
            discovery.metrics.taken(&discovery.file_name());
        }
        discovery.follow(now);
        Ok(discovery)
    }

    /// Whether any of these settings need a worker: names in DNS, or a file.
    pub fn is_needed(configured: Configured<'_>, file: Option<&Path>) -> bool {
        let is_name = |source: &Source| source.fixed().is_none();
        file.is_some() || Fleet::ALL.iter().any(|fleet| sources(configured, *fleet).iter().any(is_name))
    }

    /// Looks, and hands over what is new, until `stop` turns true or its sender is gone.
    pub async fn run(
        mut self,
        adopt: Arc<dyn CommandHandler<AdoptBackends>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let working = async {
            loop {
                if self.look().await {
                    self.hand_over(&*adopt).await;
                }
            }
        };
        tokio::select! {
            () = working => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Hands over what is known by now; call it before the first request, too, for the lists of the file.
    ///
    /// A list whose names have not all been found yet waits, and the one before it stays: a new name that is misspelt
    /// must not cost the backends that there were. Only at the start there is nothing to wait with.
    pub async fn hand_over(&mut self, adopt: &dyn CommandHandler<AdoptBackends>) {
        let mut found = Vec::new();
        for fleet in Fleet::ALL {
            let sources = of(&self.listed, &self.configured, fleet);
            let complete = self.lookups.have_all(sources);
            if complete || !self.complete.contains(&fleet) {
                found.push((fleet, self.lookups.expand(sources)));
            }
            if complete {
                self.complete.insert(fleet);
            }
        }
        let ctx = CallContext::new("discovery", TraceContext::start(Uuid::now_v7())).by(Caller::Trusted);
        if let Err(failure) = adopt.handle(&ctx, AdoptBackends { found }).await {
            error!(self.logger, "backends were not taken over"; "error" => %failure);
        }
    }

    fn due(&self) -> Instant {
        let file = self.file.as_ref().map(|_| self.file_due);
        let lookup = self.lookups.next();
        file.into_iter().chain(lookup).min().unwrap_or_else(|| Instant::now() + self.pace.most)
    }

    /// Waits for an answer, or for the time to look at something; whether anything is new.
    async fn look(&mut self) -> bool {
        for source in self.lookups.ask(Instant::now()) {
            let resolver = Arc::clone(&self.resolver);
            let asking = async move {
                let answer = resolver.resolve(&source).await;
                (source, answer)
            };
            self.asking.push(asking.boxed());
        }
        let due = self.due();
        tokio::select! {
            Some((source, answer)) = self.asking.next() => self.answered(&source, answer),
            () = tokio::time::sleep_until(due) => self.look_at_file_when_due(Instant::now()),
        }
    }

    fn look_at_file_when_due(&mut self, now: Instant) -> bool {
        if self.file.is_none() || now < self.file_due {
            return false;
        }
        self.file_due = now + self.pace.file;
        self.look_at_file(now)
    }

    fn look_at_file(&mut self, now: Instant) -> bool {
        let Some(found) = self.file.as_mut().and_then(WatchedFile::look) else { return false };
        let name = self.file_name();
        match found {
            Ok(lists) => {
                info!(self.logger, "discovery file taken over"; "file" => &name);
                self.metrics.taken(&name);
                self.listed = lists;
                self.follow(now);
                true
            }
            Err(failure) => {
                self.metrics.refused(&name);
                error!(self.logger, "discovery file refused, the old lists stay"; o!(
                    "file" => name, "error" => failure.to_string()));
                false
            }
        }
    }

    fn answered(&mut self, source: &Source, answer: Result<Answer, LookupError>) -> bool {
        let name = source.to_string();
        match self.lookups.answered(source, answer, &self.pace, Instant::now()) {
            News::Other => {
                self.metrics.taken(&name);
                return true;
            }
            News::Recovered => {
                info!(self.logger, "name is found again"; "source" => &name);
                self.metrics.set_failing(&name, false);
            }
            News::Failed(failure) => {
                self.metrics.refused(&name);
                warn!(self.logger, "name is not found, its last backends stay"; o!(
                    "source" => name, "error" => failure.to_string()));
            }
            News::StillFailing => self.metrics.refused(&name),
            News::Same => {}
        }
        false
    }

    fn follow(&mut self, now: Instant) {
        let all = Fleet::ALL.into_iter().flat_map(|fleet| of(&self.listed, &self.configured, fleet));
        for gone in self.lookups.follow(all, now) {
            self.metrics.forget(&gone.to_string());
        }
    }

    fn file_name(&self) -> String {
        self.file.as_ref().map(|file| file.path().display().to_string()).unwrap_or_default()
    }
}

/// What the file says counts before what is configured.
fn of<'a>(listed: &'a Lists, configured: &'a Lists, fleet: Fleet) -> &'a [Source] {
    listed.get(&fleet).or_else(|| configured.get(&fleet)).map(Vec::as_slice).unwrap_or_default()
}

fn sources((http, grpc): Configured<'_>, fleet: Fleet) -> &[Source] {
    let service = match fleet {
        Fleet::Http(service) => Some(http.of(service)),
        Fleet::Grpc(service) => grpc.map(|grpc| grpc.of(service)),
    };
    service.map(|service| service.backends.sources()).unwrap_or_default()
}
