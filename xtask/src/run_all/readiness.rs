//! Waits until every service says that it is ready, and tells why when one does not get there.

use super::board::{Board, Row};
use super::gave_up;
use super::supervisor::{Event, Health, Service, Supervisor};
use crate::catalogue::Address;
use crate::failure::Outcome;
use crate::http::{Client, Reply};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

/// How far a service has to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// It answers; those it depends on may be away.
    Live,
    /// It can do its work.
    Ready,
}

/// True when all are there, false when we were asked to stop before.
pub(super) fn wait(supervisor: &mut Supervisor, goal: Goal, timeout: Duration) -> Outcome<bool> {
    let begun = Instant::now();
    let mut board = Board::default();
    let handle = supervisor.handle();
    while !handle.interrupt.requested() {
        let crashed = crashes(supervisor);
        supervisor.turn(Duration::from_millis(120), false);
        if crashes(supervisor) != crashed {
            board.start_over();
        }
        board.draw(rows(supervisor, goal, begun.elapsed()));
        if supervisor.services().iter().all(is_good) {
            return Ok(true);
        }
        if let Some(service) = lost(supervisor, begun.elapsed() > timeout) {
            let why = if service.hopeless() {
                "cannot be started".to_owned()
            } else {
                format!("was not ready within {} s", timeout.as_secs())
            };
            let health = health_text(service);
            return Err(gave_up(supervisor, &service.address.name(), &why, &health));
        }
    }
    Ok(false)
}

/// Reports the health of one service until it is good.
pub(super) fn ask_until_good(place: usize, address: &Address, goal: Goal, events: Sender<Event>) {
    let client = Client::new(&address.url(), Duration::from_secs(3));
    thread::spawn(move || {
        loop {
            let health = ask(&client, goal);
            let good = health == Health::Good;
            if events.send(Event::Health { place, health }).is_err() || good {
                return;
            }
            thread::sleep(Duration::from_millis(250));
        }
    });
}

fn ask(client: &Client, goal: Goal) -> Health {
    let path = if goal == Goal::Ready { "/health/ready" } else { "/health/live" };
    match client.get(path) {
        Ok(reply) if reply.status == 200 => Health::Good,
        Ok(reply) => Health::Bad(reason(&reply)),
        Err(_) => Health::Bad(String::new()),
    }
}

fn rows(supervisor: &Supervisor, goal: Goal, elapsed: Duration) -> Vec<Row> {
    let row = |service: &Service| {
        let ready = is_good(service);
        let text = match &service.health {
            Some(Health::Good) if goal == Goal::Ready => "ready".to_owned(),
            Some(Health::Good) => "live".to_owned(),
            Some(Health::Bad(reason)) if !reason.is_empty() => format!("waiting: {}", shortened(reason)),
            _ => "starting".to_owned(),
        };
        // The clock would be a change each second where lines cannot be redrawn.
        let clock = if ready || !crate::paint::terminal() {
            String::new()
        } else {
            format!(" ({} s)", elapsed.as_secs())
        };
        let text = format!("http://localhost:{}  {text}{clock}", service.address.http);
        Row { service: service.address.service.name, name: service.address.name(), ready, text }
    };
    supervisor.services().iter().map(row).collect()
}

fn lost(supervisor: &Supervisor, late: bool) -> Option<&Service> {
    supervisor.services().iter().find(|service| !is_good(service) && (late || service.hopeless()))
}

fn is_good(service: &Service) -> bool {
    service.health == Some(Health::Good)
}

fn crashes(supervisor: &Supervisor) -> u32 {
    supervisor.services().iter().map(Service::crashes).sum()
}

/// The dependencies that are away; without their durations, which change with each answer.
fn reason(reply: &Reply) -> String {
    let all = reply.body["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let away = all.iter().filter(|dependency| dependency["status"] != "up").map(|dependency| {
        let name = dependency["name"].as_str().unwrap_or("a dependency");
        dependency["detail"].as_str().map_or_else(|| name.to_owned(), |detail| format!("{name} ({detail})"))
    });
    let away = away.collect::<Vec<_>>().join(", ");
    if away.is_empty() { format!("{} {}", reply.status, reply.text) } else { away }
}

fn health_text(service: &Service) -> String {
    match &service.health {
        Some(Health::Bad(reason)) => reason.clone(),
        _ => String::new(),
    }
}

/// One line, short enough not to wrap where lines are redrawn in place.
fn shortened(text: &str) -> String {
    let length = if crate::paint::terminal() { 60 } else { 200 };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.char_indices().nth(length).map_or_else(|| line.clone(), |(end, _)| format!("{}…", &line[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    fn answering(status: &'static str, body: &'static str) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).unwrap() > 0);
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        });
        Client::new(&url, Duration::from_secs(5))
    }

    #[test]
    fn a_health_answer_is_good_or_says_why_not() {
        assert_eq!(ask(&answering("200 OK", "{}"), Goal::Ready), Health::Good);
        let body = r#"{"status": "down", "dependencies": [
            {"name": "store", "status": "up", "duration_ms": 1},
            {"name": "product", "status": "down", "detail": "refused", "duration_ms": 2}]}"#;
        let away = ask(&answering("503 Service Unavailable", body), Goal::Ready);
        assert_eq!(away, Health::Bad("product (refused)".to_owned()));
        let other = ask(&answering("404 Not Found", "nothing here"), Goal::Ready);
        assert_eq!(other, Health::Bad("404 nothing here".to_owned()));
    }

    #[test]
    fn no_answer_is_not_yet_a_reason() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        assert_eq!(ask(&Client::new(&url, Duration::from_secs(5)), Goal::Live), Health::Bad(String::new()));
    }

    #[test]
    fn long_reasons_are_cut() {
        assert!(shortened(&"x".repeat(500)).chars().count() <= 201);
    }
}
