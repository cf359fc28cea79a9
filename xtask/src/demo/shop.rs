//! The shop as a customer meets it, and a tally of what it promised.

use crate::failure::{Failure, Outcome};
use crate::http::{Client, Reply};
use crate::identity::Development;
use crate::paint::{Colour, paint, say};
use crate::run_all::session;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(super) struct Shop {
    client: Client,
    issuer: Development,
    /// Where its key is, for commands that are shown.
    data: PathBuf,
    /// Of whoever is signed in.
    authorization: String,
    /// Different in each run, so that a demo can be run again and again.
    run: String,
    kept: u32,
    broken: u32,
}

impl Shop {
    /// Events travel within milliseconds; a slow machine may need a little longer.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// The longest that a demo takes, and more.
    const TTL: Duration = Duration::from_mins(10);

    /// Fails with what to do when nobody is there.
    pub(super) fn open(gateway: &str, data: &Path) -> Outcome<Self> {
        let client = Client::new(gateway, Duration::from_secs(40));
        let hint = "start everything with `cargo xtask run-all` and leave it running";
        match client.get("/health/ready") {
            Ok(reply) if reply.status == 200 => {}
            Ok(reply) => {
                return Err(Failure::new(format!(
                    "the gateway is not ready: {} {}",
                    reply.status, reply.text
                )));
            }
            Err(failure) => return Err(Failure::new(format!("no gateway at {gateway} ({failure}); {hint}"))),
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let issuer = Development::existing(data)?;
        let (run, data) = (now.as_millis().to_string(), data.to_path_buf());
        Ok(Self { client, issuer, data, authorization: String::new(), run, kept: 0, broken: 0 })
    }

    /// From here on, requests are of this user.
    pub(super) fn sign_in(&mut self, user: &str, roles: &[&str]) -> Outcome {
        self.authorization = format!("Bearer {}", self.issuer.token(user, roles, Self::TTL)?);
        show(&format!("TOKEN=$({})", session::token_command(user, roles, &self.data)));
        Ok(())
    }

    /// A name of this run, as in `demo-1719846000000-ada`.
    pub(super) fn name(&self, what: &str) -> String {
        format!("demo-{}-{what}", self.run)
    }

    pub(super) fn get(&self, path: &str) -> Outcome<Reply> {
        show(&format!("curl -s {} {SIGNED}", self.url(path)));
        Ok(answered(self.ask(path)?))
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Outcome<Reply> {
        self.send(path, &[], body)
    }

    /// With an `Idempotency-Key`.
    pub(super) fn post_once(&self, path: &str, key: &str, body: &Value) -> Outcome<Reply> {
        self.send(path, &[("Idempotency-Key", key)], body)
    }

    /// Counts a promise, kept or broken.
    pub(super) fn check(&mut self, promise: &str, kept: bool) {
        if kept {
            self.kept += 1;
            say!("    {} {promise}", paint(Colour::Green, "✓"));
        } else {
            self.broken += 1;
            say!("    {} {promise}", paint(Colour::Red, "✗"));
        }
    }

    /// Compares one field of an answer.
    pub(super) fn check_field(&mut self, answer: &Value, field: &str, expected: &str) {
        let found = match &answer[field] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let suffix = if found == expected { String::new() } else { format!(", not {found}") };
        self.check(&format!("{field} is {expected}{suffix}"), found == expected);
    }

    /// Looks until the effect of an event is there, or for long enough to be sure that it is not.
    pub(super) fn expect(
        &mut self,
        effect: &str,
        path: &str,
        seen: impl Fn(&Reply) -> bool,
    ) -> Outcome<Reply> {
        let begun = Instant::now();
        let mut reply = self.ask(path)?;
        while !seen(&reply) && begun.elapsed() < Self::PATIENCE {
            thread::sleep(Duration::from_millis(100));
            reply = self.ask(path)?;
        }
        let there = seen(&reply);
        let after =
            if there { format!(" (after {} ms)", begun.elapsed().as_millis()) } else { String::new() };
        self.check(&format!("{} {effect}{after}", paint(Colour::Cyan, "→")), there);
        if !there {
            say!("      GET {}: {} {}", self.url(path), reply.status, shortened(&reply.text));
        }
        Ok(reply)
    }

    pub(super) const fn verdict(&self) -> (u32, u32) {
        (self.kept, self.broken)
    }

    fn ask(&self, path: &str) -> Outcome<Reply> {
        self.client.get_with(&api(path), &[("authorization", &self.authorization)])
    }

    fn send(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Outcome<Reply> {
        let shown =
            headers.iter().map(|(name, value)| format!("-H '{name}: {value}' ")).collect::<Vec<_>>().concat();
        show(&format!("curl -s {} {SIGNED} {shown}--json '{body}'", self.url(path)));
        let signed = [("authorization", self.authorization.as_str())];
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain(signed).collect();
        Ok(answered(self.client.post(&api(path), &headers, body)?))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{}", self.client.base(), api(path))
    }
}

/// How a request that is shown has its token.
const SIGNED: &str = r#"-H "authorization: Bearer $TOKEN""#;

pub(super) fn title(text: &str) {
    say!();
    say!("{}", paint(Colour::Bold, text));
}

fn show(curl: &str) {
    say!("  {}", paint(Colour::Dim, &format!("$ {curl}")));
}

fn api(path: &str) -> String {
    format!("/api{path}")
}

fn answered(reply: Reply) -> Reply {
    let replayed = if reply.replayed { " (replayed)" } else { "" };
    say!("    {}{replayed} {}", reply.status, shortened(&reply.text));
    reply
}

fn shortened(text: &str) -> String {
    const LENGTH: usize = 200;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.char_indices().nth(LENGTH).map_or_else(|| line.clone(), |(end, _)| format!("{}…", &line[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shop() -> Shop {
        let client = Client::new("http://localhost:8083/", Duration::from_secs(1));
        let data = tempfile::tempdir().unwrap();
        let issuer = Development::provide(data.path()).unwrap();
        let (authorization, data) = (String::new(), data.path().to_path_buf());
        Shop { client, issuer, data, authorization, run: "1".to_owned(), kept: 0, broken: 0 }
    }

    #[test]
    fn whoever_signs_in_is_who_asks() {
        let mut shop = shop();
        shop.sign_in("ada", &[]).unwrap();
        let first = shop.authorization.clone();
        shop.sign_in("bob", &[]).unwrap();
        assert!(first.starts_with("Bearer ey") && first != shop.authorization);
    }

    #[test]
    fn paths_get_the_prefix_of_the_gateway() {
        assert_eq!(shop().url("/products/1"), "http://localhost:8083/api/products/1");
    }

    #[test]
    fn promises_are_counted() {
        let mut shop = shop();
        shop.check_field(&json!({"status": "completed"}), "status", "completed");
        shop.check_field(&json!({"stock_quantity": 8}), "stock_quantity", "8");
        shop.check_field(&json!({}), "status", "completed");
        assert_eq!(shop.verdict(), (2, 1));
    }

    #[test]
    fn nobody_at_home_says_what_to_do() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let failure = Shop::open(&url, Path::new("/no/such/shop")).err().unwrap().to_string();
        assert!(failure.contains("cargo xtask run-all"), "{failure}");
    }
}
