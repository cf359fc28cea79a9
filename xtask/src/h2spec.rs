//! `cargo xtask h2spec`: holds a running gateway's HTTP/2 against the specification, by the tool of that name.

use crate::catalogue;
use crate::failure::{Context, Failure, Outcome, Verdict};
use crate::paint::{Colour, paint, say};
use crate::{shell, tools, workspace};
use std::fs;
use std::process::{Command, Stdio};

/// The path that is asked for: its answer needs no token and no backend.
const PATH: &str = "/health/live";
/// A port without TLS speaks HTTP/1 as well, and takes an invalid preface for a bad request, which it answers before it
/// closes. The tool wants it closed without a word.
const KNOWN: &str = "http2/3.5/2";
const EXCUSE: &str =
    ", all but http2/3.5/2: without TLS the port speaks HTTP/1, too, and answers an invalid preface";
/// A few tests race with the answer: it may have left before the frame that makes it wrong arrives. So what failed is
/// asked again, alone.
const TRIES: usize = 5;

/// Test the HTTP/2 of a running gateway with h2spec; needs Go
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Where the gateway listens on this machine [default: that of run-all]
    #[arg(long)]
    port: Option<u16>,
    /// Over TLS, whatever the certificate
    #[arg(long)]
    tls: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let gateway = || catalogue::addresses(&[]).into_iter().find(|address| address.service.name == "gateway");
    let port = args.port.or_else(|| gateway().map(|gateway| gateway.http));
    let port = port.ok_or_else(|| Failure::new("there is no gateway; name its port with --port"))?;
    let held = check(port, args.tls)?;
    say!("{} h2spec: {held}", paint(Colour::Green, "✓"));
    Ok(())
}

/// For continuous integration: nothing can be said where the tool cannot be had.
pub(crate) fn of_run_all() -> Outcome<Verdict> {
    if shell::which("go").is_none() {
        return Ok(Verdict::Partial("not run: Go is not installed".to_owned()));
    }
    if let Err(failure) = tools::h2spec() {
        return Ok(Verdict::Partial(format!("not run: {failure}")));
    }
    let gateway = catalogue::addresses(&[]).into_iter().find(|address| address.service.name == "gateway");
    let gateway = gateway.ok_or_else(|| Failure::new("there is no gateway"))?;
    check(gateway.http, false).map(Verdict::Held)
}

fn check(port: u16, tls: bool) -> Outcome<String> {
    let report = ask(port, tls, &[])?;
    if report.total == 0 {
        return Err(ran_no_test(port));
    }
    let known = |test: &&String| !tls && *test == KNOWN;
    let suspects = report.failed.iter().filter(|test| !known(test));
    let mut failed = Vec::new();
    for test in suspects {
        if !again(port, tls, test)? {
            failed.push(test.as_str());
        }
    }
    if failed.is_empty() {
        let excused = report.failed.iter().filter(known).count();
        let why = if excused > 0 { EXCUSE } else { "" };
        return Ok(format!("{} of {} tests{why}", report.total - excused, report.total));
    }
    Err(Failure::new(format!("h2spec: {} failed; for more: h2spec -p {port} -P {PATH}", failed.join(", "))))
}

/// Whether it passes when it is asked again.
fn again(port: u16, tls: bool, test: &str) -> Outcome<bool> {
    for _ in 0..TRIES {
        if ask(port, tls, &[test])?.failed.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    total: usize,
    /// As the tool takes them: `http2/5.1/8`.
    failed: Vec<String>,
}

fn ask(port: u16, tls: bool, tests: &[&str]) -> Outcome<Report> {
    let program = tools::h2spec()?;
    let file = workspace::target().join("h2spec.xml");
    drop(fs::remove_file(&file));
    let mut command = Command::new(program);
    command.args(tests).args(["-h", "127.0.0.1", "-P", PATH, "-p", &port.to_string(), "-j"]).arg(&file);
    if tls {
        command.args(["-t", "-k"]);
    }
    // Its exit code says that a test failed, which is what the report is for.
    command.stdin(Stdio::null()).stdout(Stdio::null()).status().context(|| "starting h2spec".to_owned())?;
    // It writes none where nobody listens.
    if !file.exists() {
        return Err(ran_no_test(port));
    }
    let xml = fs::read_to_string(&file).context(|| format!("reading {}", file.display()))?;
    Ok(read(&xml))
}

fn ran_no_test(port: u16) -> Failure {
    Failure::new(format!(
        "h2spec ran no test: does a gateway listen on port {port}? `cargo xtask run-all` starts one"
    ))
}

/// The report has a line for each suite and each test; what is wrong with a test stands on lines of its own.
fn read(xml: &str) -> Report {
    let (mut report, mut suite, mut number) = (Report::default(), String::new(), 0);
    for line in xml.lines().map(str::trim_start) {
        if line.starts_with("<testsuite ") {
            attribute(line, "package").unwrap_or_default().clone_into(&mut suite);
            number = 0;
        } else if line.starts_with("<testcase ") {
            report.total += 1;
            number += 1;
        } else if line.starts_with("<error") || line.starts_with("<failure") {
            report.failed.push(format!("{suite}/{number}"));
        }
    }
    report
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_found_by_their_place() {
        let xml = r#"<testsuites>
  <testsuite name="5.1. Stream States" package="http2/5.1" id="5.1" tests="3" skipped="0" failures="0" errors="1">
    <testcase package="http2/5.1" classname="idle: Sends a DATA frame" time="0.0012"></testcase>
    <testcase package="http2/5.1" classname="closed: Sends a DATA frame" time="2.0020">
      <error>GOAWAY Frame (Error Code: STREAM_CLOSED)
Connection closed</error>
    </testcase>
    <testcase package="http2/5.1" classname="other" time="0.1"></testcase>
  </testsuite>
  <testsuite name="6.1. DATA" package="http2/6.1" id="6.1" tests="1" skipped="0" failures="0" errors="0">
    <testcase package="http2/6.1" classname="one" time="0.1"></testcase>
  </testsuite>
</testsuites>"#;
        assert_eq!(read(xml), Report { total: 4, failed: vec!["http2/5.1/2".to_owned()] });
        assert_eq!(read("").total, 0);
    }
}
