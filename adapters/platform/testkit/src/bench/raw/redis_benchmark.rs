//! Redis and Valkey, by `redis-benchmark`.

use std::process::{Command, Stdio};

use super::{Limit, Raw, found, output, which};
use crate::bench::{BoxError, Plan};

/// One command, sent over and over without pipelining; `__rand_int__` in it stands for one of `keys` numbers.
pub struct RedisBenchmark {
    /// The host.
    pub host: String,
    /// The port.
    pub port: String,
    /// Empty where there is none.
    pub password: String,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// How many different numbers are drawn.
    pub keys: u64,
}

/// Requests of a first run, which says how many fill a round: the tool counts requests and not seconds.
const PROBE: u64 = 2_000;

impl RedisBenchmark {
    /// A command for the server of `url`, `redis://:password@host:port`.
    pub fn of(
        url: &str,
        keys: u64,
        command: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, BoxError> {
        let rest = url.strip_prefix("redis://").ok_or("a URL that begins with redis:// is needed")?;
        let (user, address) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (host, port) = address.split_once(':').ok_or("a URL with host and port is needed")?;
        let password = user.split_once(':').map_or("", |(_, password)| password);
        let [host, port, password] = [host, port, password].map(str::to_owned);
        Ok(Self { host, port, password, command: command.into_iter().map(Into::into).collect(), keys })
    }

    /// The same place, another command.
    #[must_use]
    pub fn command(&self, command: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let command = command.into_iter().map(Into::into).collect();
        let (host, port, password) = (self.host.clone(), self.port.clone(), self.password.clone());
        Self { host, port, password, command, keys: self.keys }
    }

    /// Sends the command `requests` times, whatever that takes; the rate.
    pub fn send(&self, requests: u64, clients: usize) -> Result<Limit, BoxError> {
        let Some(mut benchmark) = self.tool(clients) else { return Ok(missing()) };
        let text = output(benchmark.args(["--csv", "-n", &requests.to_string()]).args(&self.command))?;
        found("redis-benchmark", rate(&text), &text)
    }

    /// The rate of a round by so many connections.
    fn round(&self, plan: &Plan, clients: usize) -> Result<Limit, BoxError> {
        let Limit::PerSecond(rate) = self.send(PROBE, clients)? else { return Ok(missing()) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, rounded")]
        let requests = (rate * plan.window.as_secs_f64()) as u64;
        self.send(requests.max(PROBE), clients)
    }

    fn tool(&self, clients: usize) -> Option<Command> {
        let mut tool = Command::new(which("redis-benchmark").or_else(|| which("valkey-benchmark"))?);
        tool.args(["-h", &self.host, "-p", &self.port, "-r", &self.keys.to_string()]);
        tool.args(["-c", &clients.to_string()]);
        if !self.password.is_empty() {
            // It takes it in no other way; the server is one for benches, on this machine.
            tool.args(["-a", &self.password]);
        }
        Some(tool)
    }
}

impl Raw for RedisBenchmark {
    fn run(&self, plan: &Plan) -> Result<Limit, BoxError> {
        self.round(plan, plan.clients)
    }
}

/// Workers that read, write, and read again. The tool sends one command only, so one half of the connections reads while
/// the other half writes: at any time, that is what such workers do. What they write is counted.
pub struct Alternating {
    /// Reads.
    pub read: RedisBenchmark,
    /// Writes.
    pub write: RedisBenchmark,
}

impl Raw for Alternating {
    fn run(&self, plan: &Plan) -> Result<Limit, BoxError> {
        let half = (plan.clients / 2).max(1);
        let Some(mut tool) = self.read.tool(half) else { return Ok(missing()) };
        let mut readers = tool.args(["-q", "-l"]).args(&self.read.command).stdout(Stdio::null()).spawn()?;
        let limit = self.write.round(plan, half);
        readers.kill()?;
        readers.wait()?;
        limit
    }
}

fn missing() -> Limit {
    Limit::Missing("redis-benchmark: apt-get install redis-tools".to_owned())
}

fn rate(text: &str) -> Option<f64> {
    let last = text.lines().rfind(|line| line.starts_with('"'))?;
    // The command comes first and may hold commas of its own; seven figures follow it.
    last.rsplit(',').nth(6)?.trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_its_url() {
        let of = |url| RedisBenchmark::of(url, 7, ["PING"]);
        let place = of("redis://:secret@127.0.0.1:6379").unwrap();
        assert_eq!((place.host.as_str(), place.port.as_str()), ("127.0.0.1", "6379"));
        assert_eq!((place.password.as_str(), place.command[0].as_str()), ("secret", "PING"));
        assert_eq!(of("redis://127.0.0.1:6379").unwrap().password, "");
        assert!(of("127.0.0.1:6379").is_err() && of("redis://127.0.0.1").is_err());
    }

    #[test]
    fn the_rate_comes_before_six_latencies() {
        let text = "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\
                    \"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"\n\
                    \"HSET k document {\"a\":1,\"b\":2}\",\"86206.90\",\"0.081\",\"0.024\",\"0.079\",\"0.111\",\
                    \"0.151\",\"0.375\"\n";
        assert_eq!(rate(text), Some(86_206.90));
        assert_eq!(rate("ERR unknown command"), None);
    }
}
