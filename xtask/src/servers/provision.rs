//! Brings servers up: finds or installs programs, sets them up, starts all at once, and shows how far each is.

use super::find::{self, Availability};
use super::instance::{About, Instance};
use super::kind::Kind;
use super::process::Process;
use super::record::Record;
use super::site::Site;
use super::tls::Certificates;
use super::{control, variables};
use crate::failure::{Context, Failure, Outcome};
use crate::paint::say;
use crate::run_all::board::{Board, Row};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// What to bring up.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) brokers: u16,
    pub(crate) durable: bool,
    pub(crate) owner: Option<Process>,
    pub(crate) env_file: Option<PathBuf>,
}

/// A kind that cannot be had, and what would help.
pub(crate) type Missing = (Kind, String);

/// Starts what can be had and is not up yet. Where one fails to start, none of this order is left.
pub(crate) fn up(instance: &Instance, order: &Order) -> Outcome<Vec<Missing>> {
    let (kinds, missing) = installed(&order.kinds)?;
    let fresh = !instance.exists();
    let site = Site {
        instance: instance.folder.clone(),
        durable: order.durable,
        brokers: order.brokers,
        certificates: describe(instance, order)?,
    };
    let outcome = start_all(instance, &site, &kinds);
    if outcome.is_err() && fresh {
        drop(instance.down());
    }
    outcome.map(|()| missing)
}

/// Those that can be started, installed where that is needed. One after the other: packages are installed under a lock
/// anyway.
pub(crate) fn installed(kinds: &[Kind]) -> Outcome<(Vec<Kind>, Vec<Missing>)> {
    let (mut here, mut missing) = (Vec::new(), Vec::new());
    for kind in kinds {
        if find::availability(*kind) == Availability::Installable {
            say!("  installing {} …", kind.packages().join(" "));
        }
        match find::provide(*kind)? {
            Availability::Missing(why) => missing.push((*kind, why)),
            Availability::Here(_) | Availability::Installable => here.push(*kind),
        }
    }
    Ok((here, missing))
}

fn describe(instance: &Instance, order: &Order) -> Outcome<Certificates> {
    let Order { durable, owner, env_file, .. } = order.clone();
    let guarded = owner.is_some();
    instance.describe(&About { durable, owner, env_file })?;
    let program = variables::program(instance);
    let this = std::env::current_exe().context(|| "finding this program".to_owned())?;
    if this != program {
        // Under another name first: a copy that runs already cannot be written to.
        let draft = program.with_extension("draft");
        fs::copy(&this, &draft).context(|| format!("copying {}", this.display()))?;
        fs::rename(&draft, &program).context(|| format!("writing {}", program.display()))?;
    }
    if guarded {
        guard(instance)?;
    }
    Certificates::provide(&instance.folder)
}

/// A process that ends the servers when their owner is gone, however that ended.
fn guard(instance: &Instance) -> Outcome {
    let mut command = Command::new(variables::program(instance));
    command.args(["servers", "guard"]).arg(&instance.folder).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop).context(|| "starting the guard of the servers".to_owned())
}

/// What threads tell about a server.
enum News {
    Doing(&'static str),
    Done(Outcome<Record>),
}

fn start_all(instance: &Instance, site: &Site, kinds: &[Kind]) -> Outcome {
    let (sender, news) = mpsc::channel();
    let mut lines: Vec<Line> = kinds.iter().map(|kind| Line::new(*kind)).collect();
    let mut failures = Vec::new();
    let mut board = Board::default();
    thread::scope(|scope| {
        for (place, kind) in kinds.iter().enumerate() {
            let sender = sender.clone();
            scope.spawn(move || {
                let done = start(instance, site, *kind, place, &sender);
                drop(sender.send((place, News::Done(done))));
            });
        }
        drop(sender);
        loop {
            match news.recv_timeout(Duration::from_millis(120)) {
                Ok((place, News::Doing(what))) => what.clone_into(&mut lines[place].text),
                Ok((place, News::Done(Ok(record)))) => lines[place].done(&record),
                Ok((place, News::Done(Err(failure)))) => {
                    "failed".clone_into(&mut lines[place].text);
                    failures.push(failure.to_string());
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            board.draw(lines.iter().map(Line::row).collect());
        }
    });
    if failures.is_empty() { Ok(()) } else { Err(Failure::new(failures.join("\n"))) }
}

fn start(
    instance: &Instance,
    site: &Site,
    kind: Kind,
    place: usize,
    news: &Sender<(usize, News)>,
) -> Outcome<Record> {
    let tell = |what| drop(news.send((place, News::Doing(what))));
    let _turn = instance.lock(kind)?;
    let mut record = if let Some(record) = instance.record(kind) {
        record
    } else {
        let record = find::prepare(kind, site)?;
        instance.keep(&record)?;
        record
    };
    tell("starting");
    control::start(instance, &mut record, None)?;
    Ok(record)
}

/// One server on the board.
struct Line {
    kind: Kind,
    begun: Instant,
    ready: bool,
    text: String,
}

impl Line {
    fn new(kind: Kind) -> Self {
        Self { kind, begun: Instant::now(), ready: false, text: "setting up".to_owned() }
    }

    fn done(&mut self, record: &Record) {
        let took = self.begun.elapsed().as_secs_f32();
        self.text = format!("{:<10} {}  in {took:.1} s", record.version, record.addresses());
        self.ready = true;
    }

    fn row(&self) -> Row {
        let name = self.kind.name();
        Row { service: name, name: name.to_owned(), ready: self.ready, text: self.text.clone() }
    }
}
