//! Keeps the processes alive: shows what they say, starts again what crashed, stops all in order.

use super::backoff::Backoff;
use super::child::{Child, Recipe};
use super::journal::Journal;
use super::readiness::{self, Goal};
use super::session::Session;
use crate::catalogue::{self, Address};
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::identity::Development;
use crate::interrupt::Interrupt;
use crate::paint::{Colour, paint, say};
use crate::workspace;
use std::process::ExitStatus;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

/// What reaches the supervisor from other threads. A place is an index into its services.
#[derive(Debug)]
pub(super) enum Event {
    Line { place: usize, line: String },
    Health { place: usize, health: Health },
    Rebuilt { names: Vec<&'static str>, because: String },
}

/// What a service answered when asked how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Good,
    Bad(String),
}

/// What is the same for all services of a run.
pub(super) struct Options {
    pub(super) release: bool,
    pub(super) goal: Goal,
}

/// For threads that have something to tell, and must end when asked.
#[derive(Clone)]
pub(super) struct Handle {
    pub(super) events: Sender<Event>,
    pub(super) interrupt: Interrupt,
}

pub(super) struct Supervisor {
    services: Vec<Service>,
    incoming: Receiver<Event>,
    handle: Handle,
}

pub(super) struct Service {
    pub(super) address: Address,
    pub(super) health: Option<Health>,
    goal: Goal,
    /// Somebody asks for its health until the answer is good.
    asked: bool,
    recipe: Recipe,
    journal: Journal,
    backoff: Backoff,
    state: State,
}

enum State {
    Down,
    Up(Child),
    Paused { until: Instant },
}

impl Supervisor {
    /// Longer than the services' own time for finishing what they are at.
    const PATIENCE: Duration = Duration::from_secs(35);
    /// How long the next waits for the one before it.
    const TURN: Duration = Duration::from_secs(5);

    pub(super) fn new(
        chosen: &[Address],
        all: &[Address],
        session: &Session,
        home: &Home,
        issuer: &Development,
        options: &Options,
        interrupt: Interrupt,
    ) -> Outcome<Self> {
        let (events, incoming) = mpsc::channel();
        let service = |address: &Address| {
            let program = workspace::binaries(options.release).join(address.service.binary);
            if !program.is_file() {
                let shown = program.display();
                return Err(Failure::new(format!("{shown} is not there; run without --no-build")));
            }
            let variables = catalogue::environment(address, all, session.folder(), home, issuer);
            let journal = Journal::open(address, &session.logs())?;
            let recipe = Recipe { program, variables };
            Ok(Service {
                address: *address,
                health: None,
                goal: options.goal,
                asked: false,
                recipe,
                journal,
                backoff: Backoff::default(),
                state: State::Down,
            })
        };
        let services = chosen.iter().map(service).collect::<Outcome<Vec<Service>>>()?;
        // All replicas of a service do the same: one of them answers for it.
        let first = services.iter().filter(|service| service.address.replica == 1);
        session.keep_recipes(first.map(|service| (service.address.service.name, &service.recipe)))?;
        Ok(Self { services, incoming, handle: Handle { events, interrupt } })
    }

    pub(super) fn start(&mut self) -> Outcome {
        let events = &self.handle.events;
        self.services.iter_mut().enumerate().try_for_each(|(place, service)| service.start(place, events))
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    pub(super) fn services(&self) -> &[Service] {
        &self.services
    }

    pub(super) fn last_lines(&self, name: &str) -> String {
        let service = self.services.iter().find(|service| service.address.name() == name);
        service.map(|service| service.journal.last_lines()).unwrap_or_default()
    }

    /// Until we are asked to stop.
    pub(super) fn supervise(&mut self) {
        while !self.handle.interrupt.requested() {
            self.turn(Duration::from_millis(200), true);
        }
    }

    /// Takes in what happened within that time, and starts again what is due.
    pub(super) fn turn(&mut self, time: Duration, show: bool) {
        self.listen(Instant::now() + time, show);
        for (place, service) in self.services.iter_mut().enumerate() {
            service.look_after(place, &self.handle.events);
        }
    }

    /// Callers before those they call; whoever does not end in time is killed, as are all when we are asked twice.
    pub(super) fn stop(&mut self) {
        say!();
        say!("{}", paint(Colour::Dim, "stopping …"));
        let begun = Instant::now();
        for place in (0..self.services.len()).rev() {
            self.services[place].ask_to_stop();
            let turn = Instant::now() + Self::TURN;
            self.wait_for_end(place..=place, turn.min(begun + Self::PATIENCE));
        }
        self.wait_for_end(0..=self.services.len().saturating_sub(1), begun + Self::PATIENCE);
        let killed = self.services.iter_mut().map(Service::kill).filter(|forced| *forced).count();
        // What they said last is still on its way.
        self.listen(Instant::now() + Duration::from_millis(50), true);
        let seconds = begun.elapsed().as_secs_f32();
        let how = if killed == 0 { String::new() } else { format!(", {killed} of them by force") };
        say!("{} {} stopped in {seconds:.1} s{how}", paint(Colour::Green, "✓"), plural(self.services.len()));
    }

    fn wait_for_end(&mut self, places: std::ops::RangeInclusive<usize>, until: Instant) {
        while Instant::now() < until && !self.handle.interrupt.insisted() {
            if self.services[places.clone()].iter_mut().all(Service::is_down) {
                return;
            }
            self.listen((Instant::now() + Duration::from_millis(20)).min(until), true);
        }
    }

    fn listen(&mut self, until: Instant, show: bool) {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.incoming.recv_timeout(left) {
                Ok(event) => self.take_in(event, show),
                Err(_) => return,
            }
        }
    }

    fn take_in(&mut self, event: Event, show: bool) {
        match event {
            Event::Line { place, line } => self.services[place].journal.add(line, show),
            Event::Health { place, health } => {
                if show && health == Health::Good {
                    self.services[place].journal.note(Colour::Green, "ready again");
                }
                self.services[place].asked = health != Health::Good;
                self.services[place].health = Some(health);
            }
            Event::Rebuilt { .. } if self.handle.interrupt.requested() => {}
            Event::Rebuilt { names, because } => self.restart(&names, &because),
        }
    }

    fn restart(&mut self, names: &[&'static str], because: &str) {
        for place in 0..self.services.len() {
            if names.contains(&self.services[place].address.service.name) {
                self.services[place].journal.note(Colour::Yellow, &format!("{because} changed; restarting"));
                self.services[place].ask_to_stop();
                self.wait_for_end(place..=place, Instant::now() + Self::PATIENCE);
                self.services[place].kill();
                self.services[place].state = State::Paused { until: Instant::now() };
            }
        }
    }
}

impl Service {
    /// Gives up on a service that crashed this often without ever being well.
    const HOPELESS: u32 = 4;

    pub(super) fn crashes(&self) -> u32 {
        self.backoff.crashes()
    }

    pub(super) fn hopeless(&self) -> bool {
        self.backoff.crashes() >= Self::HOPELESS
    }

    fn start(&mut self, place: usize, events: &Sender<Event>) -> Outcome {
        self.state = State::Up(Child::start(&self.recipe, place, events)?);
        if !self.asked {
            self.asked = true;
            readiness::ask_until_good(place, &self.address, self.goal, events.clone());
        }
        Ok(())
    }

    fn look_after(&mut self, place: usize, events: &Sender<Event>) {
        match &mut self.state {
            State::Up(child) => {
                if let Some(status) = child.ended() {
                    let pause = self.backoff.pause(child.age());
                    self.report_crash(status, pause);
                    self.state = State::Paused { until: Instant::now() + pause };
                }
            }
            State::Paused { until } if *until <= Instant::now() => {
                if let Err(failure) = self.start(place, events) {
                    self.journal.note(Colour::Red, &failure.to_string());
                    let pause = self.backoff.pause(Duration::ZERO);
                    self.state = State::Paused { until: Instant::now() + pause };
                }
            }
            State::Down | State::Paused { .. } => {}
        }
    }

    fn report_crash(&mut self, status: ExitStatus, pause: Duration) {
        let count = self.backoff.crashes();
        let text =
            format!("ended with {status}; starting again in {:.1} s (crash {count})", pause.as_secs_f32());
        self.journal.note(Colour::Red, &text);
        self.health = Some(Health::Bad(format!("ended with {status}")));
    }

    fn ask_to_stop(&mut self) {
        match &self.state {
            State::Up(child) => child.ask_to_stop(),
            State::Down | State::Paused { .. } => self.state = State::Down,
        }
    }

    fn is_down(&mut self) -> bool {
        if let State::Up(child) = &mut self.state
            && child.ended().is_some()
        {
            self.state = State::Down;
        }
        matches!(self.state, State::Down)
    }

    /// Whether that was necessary.
    fn kill(&mut self) -> bool {
        let running = !self.is_down();
        if let State::Up(child) = &mut self.state {
            child.kill();
        }
        self.state = State::Down;
        running
    }
}

fn plural(count: usize) -> String {
    if count == 1 { "one service".to_owned() } else { format!("{count} services") }
}
