//! The worker that looks and tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use gateway_application::{Settings, commands::adopt_backends::AdoptBackends};
use gateway_domain::{Service, fleet::Source};
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

/// Finds the backends of all services.
pub struct Discovery {
    configured: Lists,
    listed: Lists,
    /// The services that have had a whole list.
    complete: BTreeSet<Service>,
    file: Option<WatchedFile>,
    file_due: Instant,
    resolver: Resolver,
    lookups: Lookups,
    pace: Pace,
    metrics: DiscoveryMetrics,
    logger: Logger,
}

impl Discovery {
    /// Reads the file, where there is one. At the start a file that is wrong is an error: there is no older list yet.
    pub fn open(
        settings: &Settings,
        file: Option<WatchedFile>,
        resolver: Resolver,
        pace: Pace,
        metrics: DiscoveryMetrics,
        logger: Logger,
    ) -> Result<Self, FileError> {
        let now = Instant::now();
        let configured =
            Service::ALL.map(|service| (service, settings.of(service).backends.sources().to_vec())).into();
        let mut discovery = Self {
            configured,
            listed: BTreeMap::new(),
            complete: BTreeSet::new(),
            file,
            file_due: now + pace.file,
            resolver,
            lookups: Lookups::default(),
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
    pub fn is_needed(settings: &Settings, file: Option<&Path>) -> bool {
        let fixed = |source: &Source| source.fixed().is_some();
        let names =
            Service::ALL.iter().any(|service| !settings.of(*service).backends.sources().iter().all(fixed));
        file.is_some() || names
    }

    /// Looks, and hands over what is new, until `stop` turns true or its sender is gone.
    pub async fn run(
        mut self,
        adopt: Arc<dyn CommandHandler<AdoptBackends>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let working = async {
            loop {
                tokio::time::sleep_until(self.due()).await;
                if self.look(Instant::now()).await {
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
        for service in Service::ALL {
            let sources = of(&self.listed, &self.configured, service);
            let complete = self.lookups.have_all(sources);
            if complete || !self.complete.contains(&service) {
                found.push((service, self.lookups.expand(sources)));
            }
            if complete {
                self.complete.insert(service);
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

    /// Whether anything is new.
    async fn look(&mut self, now: Instant) -> bool {
        let mut new = false;
        if self.file.is_some() && now >= self.file_due {
            self.file_due = now + self.pace.file;
            new |= self.look_at_file(now);
        }
        let due = self.lookups.due(now);
        let answers = join_all(due.iter().map(|source| self.resolver.resolve(source))).await;
        for (source, answer) in due.iter().zip(answers) {
            new |= self.answered(source, answer);
        }
        new
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
        let all = Service::ALL.into_iter().flat_map(|service| of(&self.listed, &self.configured, service));
        for gone in self.lookups.follow(all, now) {
            self.metrics.forget(&gone.to_string());
        }
    }

    fn file_name(&self) -> String {
        self.file.as_ref().map(|file| file.path().display().to_string()).unwrap_or_default()
    }
}

/// What the file says counts before what is configured.
fn of<'a>(listed: &'a Lists, configured: &'a Lists, service: Service) -> &'a [Source] {
    listed.get(&service).or_else(|| configured.get(&service)).map(Vec::as_slice).unwrap_or_default()
}
