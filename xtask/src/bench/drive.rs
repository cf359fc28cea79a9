//! Customers: a mix of requests at an even rate, however slow the answers are.

use crate::failure::{Failure, Outcome};
use crate::http::Client;
use crate::identity::Development;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many requests may be under way at once.
const CUSTOMERS: u32 = 32;
/// Whose baskets are filled.
const USERS: u64 = 500;
/// Enough for every basket of a run.
const STOCK: u32 = 100_000_000;

/// How the requests of a run went.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) sent: u64,
    /// Answers other than success, and than a conflict between two customers who are the same user.
    pub(super) failed: u64,
    /// What the first of them said.
    pub(super) failure: Option<String>,
    pub(super) per_second: f64,
    pub(super) p99: Duration,
}

/// Sends `rate` requests a second to the gateway for as long as `time`, each with a token of its user.
pub(super) fn drive(gateway: &str, issuer: &Development, rate: u32, time: Duration) -> Outcome<Drive> {
    let ttl = time + Duration::from_hours(1);
    let bearer =
        |user: &str, roles: &[&str]| issuer.token(user, roles, ttl).map(|token| format!("Bearer {token}"));
    let product = product(gateway, &bearer("bench", &["admin"])?)?;
    let bearers = (0..USERS).map(|user| bearer(&name(user), &[])).collect::<Outcome<Vec<String>>>()?;
    let begun = Instant::now();
    let turn = AtomicU64::new(0);
    let logs: Vec<Log> = thread::scope(|scope| {
        let customer = |_| {
            scope.spawn(|| {
                let client = Client::new(gateway, Duration::from_secs(10));
                let shop = Shop { client, product, bearers: &bearers };
                shop.visit(&turn, begun, rate, time)
            })
        };
        let customers: Vec<_> = (0..CUSTOMERS).map(customer).collect();
        customers.into_iter().filter_map(|customer| customer.join().ok()).collect()
    });
    Ok(sum(logs, begun.elapsed()))
}

/// What one customer saw.
#[derive(Default)]
struct Log {
    latencies: Vec<Duration>,
    failures: Vec<String>,
}

struct Shop<'a> {
    client: Client,
    product: i64,
    /// What each user has to show.
    bearers: &'a [String],
}

/// A user, and what they have to show.
#[derive(Clone, Copy)]
struct User<'a> {
    name: &'a str,
    bearer: &'a str,
}

fn name(user: u64) -> String {
    format!("bench-{user}")
}

impl Shop<'_> {
    /// Takes the next turn of the run as soon as it is due: a slow answer leaves the next ones to other customers.
    fn visit(&self, turn: &AtomicU64, begun: Instant, rate: u32, time: Duration) -> Log {
        let mut log = Log::default();
        loop {
            let number = turn.fetch_add(1, Ordering::Relaxed);
            let due = Duration::from_nanos(number.saturating_mul(1_000_000_000 / u64::from(rate.max(1))));
            if due >= time {
                return log;
            }
            thread::sleep(due.saturating_sub(begun.elapsed()));
            let called = Instant::now();
            match self.ask(number) {
                Ok(()) => log.latencies.push(called.elapsed()),
                Err(failure) => log.failures.push(failure.to_string()),
            }
        }
    }

    /// Much looking, some buying.
    fn ask(&self, number: u64) -> Outcome {
        let place = number.wrapping_mul(7_919) % USERS;
        let name = name(place);
        let bearer = usize::try_from(place).ok().and_then(|place| self.bearers.get(place));
        let user = User { name: &name, bearer: bearer.map_or("", String::as_str) };
        match number % 100 {
            0..40 => self.get(user, &format!("/products/{}", self.product)),
            40..60 => self.get(user, "/products?limit=20&sort=price"),
            60..75 => self.get(user, &format!("/baskets/{name}")),
            75..90 => self.add(user),
            90..94 => self.get(user, &format!("/payments?user_id={name}")),
            94..98 => self.get(user, &format!("/notifications?user_id={name}")),
            _ => self.check_out(user, number),
        }
    }

    fn get(&self, user: User<'_>, path: &str) -> Outcome {
        let reply = self.client.get_with(&format!("/api{path}"), &[("authorization", user.bearer)])?;
        // A basket that was paid, or never filled, is not there.
        if reply.status < 400 || reply.status == 404 {
            Ok(())
        } else {
            Err(refused(path, reply.status, &reply.text))
        }
    }

    fn add(&self, user: User<'_>) -> Outcome {
        let item = json!({ "product_id": self.product, "quantity": 1 });
        self.post(user, &format!("/baskets/{}/items", user.name), &item).map(drop)
    }

    fn check_out(&self, user: User<'_>, number: u64) -> Outcome {
        self.add(user)?;
        let description = format!("bench {number}");
        let order = json!({ "user_id": user.name, "method": "credit_card", "description": description });
        let payment = self.post(user, "/payments", &order)?;
        match payment["id"].as_str() {
            Some(id) => self.post(user, &format!("/payments/{id}/process"), &json!({})).map(drop),
            None => Ok(()),
        }
    }

    fn post(&self, user: User<'_>, path: &str, body: &Value) -> Outcome<Value> {
        let signed = [("authorization", user.bearer)];
        let reply = self.client.post(&format!("/api{path}"), &signed, body)?;
        if reply.status < 400 || reply.status == 409 {
            return Ok(reply.body);
        }
        Err(refused(path, reply.status, &reply.text))
    }
}

/// What is looked at and bought.
fn product(gateway: &str, bearer: &str) -> Outcome<i64> {
    let body = json!({
        "name": "Coffee grinder", "description": "Made for a bench", "price": "129.90", "stock_quantity": STOCK,
        "category": "bench",
    });
    let signed = [("authorization", bearer)];
    let reply = Client::new(gateway, Duration::from_secs(10)).post("/api/products", &signed, &body)?;
    reply.body["id"].as_i64().ok_or_else(|| refused("/products", reply.status, &reply.text))
}

fn refused(path: &str, status: u16, text: &str) -> Failure {
    Failure::new(format!("{path}: {status} {text}"))
}

fn sum(logs: Vec<Log>, took: Duration) -> Drive {
    let (mut latencies, mut failures) = (Vec::new(), Vec::new());
    for log in logs {
        latencies.extend(log.latencies);
        failures.extend(log.failures);
    }
    latencies.sort_unstable();
    let p99 =
        latencies.get((latencies.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default();
    let (sent, failed) = (latencies.len() as u64 + failures.len() as u64, failures.len() as u64);
    #[expect(clippy::cast_precision_loss, reason = "no run sends 2^52 requests")]
    let per_second = sent as f64 / took.as_secs_f64();
    Drive { sent, failed, failure: failures.into_iter().next(), per_second, p99 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write as _};
    use std::net::TcpListener;

    /// Answers every request of every connection in the same way.
    fn gateway(status: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || answer(&stream, status));
            }
        });
        url
    }

    fn answer(mut stream: &std::net::TcpStream, status: &str) {
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                let mut body = vec![0; std::mem::take(&mut length)];
                std::io::Read::read_exact(&mut lines, &mut body).unwrap();
                let body = r#"{"id":7}"#;
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
    }

    fn issuer() -> Development {
        Development::provide(tempfile::tempdir().unwrap().path()).unwrap()
    }

    #[test]
    fn the_rate_is_kept() {
        let drive = drive(&gateway("200 OK"), &issuer(), 400, Duration::from_millis(500)).unwrap();
        assert_eq!((drive.sent, drive.failed), (200, 0));
        assert!(drive.per_second <= 410.0, "{drive:?}");
    }

    #[test]
    fn a_failing_shop_is_noticed() {
        let drive =
            drive(&gateway("503 Service Unavailable"), &issuer(), 100, Duration::from_millis(100)).unwrap();
        assert_eq!(drive.failed, drive.sent);
        assert!(drive.failure.unwrap().contains("503"));
    }
}
