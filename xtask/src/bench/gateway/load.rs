//! Drives a proxy: `wrk` for HTTP/1.1, `h2load` for HTTP/2.

use super::cases::{Case, Protocol};
use crate::failure::{Context, Failure, Outcome};
use crate::{servers, shell, workspace};
use serde::{Deserialize, Serialize};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// What a client saw.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
pub(super) struct Load {
    /// Answered with success.
    pub(super) requests: u64,
    /// Not answered, or not with success.
    pub(super) errors: u64,
    pub(super) seconds: f64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) p999_us: u64,
}

/// Makes `wrk` print one line of JSON.
const SCRIPT: &str = r#"
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"errors":%d,"seconds":%.6f,"p50_us":%d,"p99_us":%d,"p999_us":%d}\n',
    summary.requests - e.status, e.connect + e.read + e.write + e.timeout + e.status, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"#;

/// Requests under way on each connection of HTTP/2.
const STREAMS: u32 = 4;

/// Installs the tools where they are missing and we may.
pub(super) fn provide() -> Outcome {
    servers::tools(&[("wrk", "wrk"), ("h2load", "nghttp2-client")])
}

/// As much as fits into `time`.
pub(super) fn drive(case: Case, url: &str, time: Duration) -> Outcome<Load> {
    match case.protocol {
        Protocol::Http1 | Protocol::Tls => wrk(case, url, time),
        Protocol::Http2 => h2load(case, url, time),
    }
}

fn wrk(case: Case, url: &str, time: Duration) -> Outcome<Load> {
    let script = workspace::target().join("bench/gateway/wrk.lua");
    fs::write(&script, SCRIPT).context(|| format!("writing {}", script.display()))?;
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", "1", "--timeout", "10s", "--latency"])
        .args(["--connections", &case.connections.to_string()])
        .args(["--duration", &format!("{}s", time.as_secs())])
        .args(super::rivals::headers().iter().flat_map(|header| ["--header".to_owned(), header.clone()]))
        .arg("--script")
        .arg(&script)
        .arg(url);
    let printed = shell::output(&mut wrk)?;
    let line = printed.lines().find(|line| line.starts_with('{'));
    let line = line.ok_or_else(|| Failure::new(format!("wrk printed no figures: {printed}")))?;
    serde_json::from_str(line).context(|| "reading the figures of wrk".to_owned())
}

fn h2load(case: Case, url: &str, time: Duration) -> Outcome<Load> {
    let log = workspace::target().join("bench/gateway/h2load.tsv");
    drop(fs::remove_file(&log));
    let mut h2load = Command::new("h2load");
    h2load
        .args(["--threads", "1", "--max-concurrent-streams", &STREAMS.to_string()])
        .args(["--clients", &case.connections.to_string()])
        .args(["--duration", &time.as_secs().to_string()])
        .args(super::rivals::headers().iter().flat_map(|header| ["--header".to_owned(), header.clone()]))
        .arg(format!("--log-file={}", log.display()))
        .arg(url);
    shell::output(&mut h2load)?;
    let text = fs::read_to_string(&log).context(|| format!("reading {}", log.display()))?;
    Ok(read(&text, time))
}

/// A line per request: when it began, the status, how many microseconds it took.
fn read(log: &str, time: Duration) -> Load {
    let request = |line: &str| {
        let mut fields = line.split('\t').skip(1);
        Some((fields.next()?.parse::<i32>().ok()?, fields.next()?.parse::<u64>().ok()?))
    };
    let requests: Vec<_> = log.lines().filter_map(request).collect();
    let mut times: Vec<_> =
        requests.iter().filter(|(status, _)| *status == 200).map(|(_, took)| *took).collect();
    times.sort_unstable();
    let at = |thousandth: usize| {
        let place = (times.len() * thousandth).div_ceil(1_000).saturating_sub(1);
        times.get(place).copied().unwrap_or_default()
    };
    Load {
        requests: times.len() as u64,
        errors: (requests.len() - times.len()) as u64,
        seconds: time.as_secs_f64(),
        p50_us: at(500),
        p99_us: at(990),
        p999_us: at(999),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_h2load_is_read() {
        let lines: Vec<_> = (1..=1_000).map(|took| format!("1700000000\t200\t{took}")).collect();
        let log = lines.join("\n") + "\n1700000000\t503\t5\nnonsense\n";
        let load = read(&log, Duration::from_secs(2));
        assert_eq!((load.requests, load.errors), (1_000, 1));
        assert_eq!((load.p50_us, load.p99_us, load.p999_us), (500, 990, 999));
        assert_eq!(read("", Duration::from_secs(1)).requests, 0);
    }

    #[test]
    fn the_line_of_wrk_is_read() {
        let line = r#"{"requests":10,"errors":1,"seconds":2.5,"p50_us":1,"p99_us":2,"p999_us":3}"#;
        let load: Load = serde_json::from_str(line).unwrap();
        assert_eq!((load.requests, load.errors, load.p999_us), (10, 1, 3));
    }
}
