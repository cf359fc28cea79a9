//! A real process: how it starts, stops and ends. Without a harness, as the process under test is this very program,
//! started again with `CHILD` set.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, ExitCode, Output, Stdio},
};

use kernel_application::BoxError;
use platform_runtime::{About, CommonConfig, Configuration, JobArgument, Program, Running, Settings};
use rustix::process::{Pid, Signal, kill_process};
use slog::{Logger, info};

const ABOUT: About = About { name: "test-service", version: "1.2.3", description: "Stops" };

struct Config(CommonConfig, String);

impl Configuration for Config {
    fn declare(settings: &mut Settings) -> Self {
        let common = CommonConfig::declare(settings, 0);
        Self(common, settings.text("WORKER", "good", "how the worker behaves"))
    }

    fn common(&self) -> &CommonConfig {
        &self.0
    }
}

async fn start(Config(_, worker): Config, logger: Logger) -> Result<Running, BoxError> {
    if worker == "refuses" {
        return Err("cannot open the store".into());
    }
    Ok(Running::new().worker("worker", move |mut stop| async move {
        assert_ne!(worker, "panics", "on purpose");
        info!(logger, "at work");
        let _ = stop.wait_for(|stop| *stop).await;
    }))
}

async fn greet(Config(_, worker): Config, _: Logger, name: Option<String>) -> Result<String, BoxError> {
    if worker == "refuses" {
        return Err("is not in the mood".into());
    }
    Ok(format!("hello, {}", name.unwrap_or_default()))
}

type Check = fn() -> Result<(), BoxError>;

fn main() -> ExitCode {
    if std::env::var_os("CHILD").is_some() {
        return Program::new(ABOUT, start)
            .job("--greet", JobArgument::Required("NAME"), "says hello", greet)
            .main();
    }
    let checks: [(&str, Check); 6] = [
        ("a signal ends it well", a_signal_ends_it_well),
        ("the end of its parent ends it well", the_end_of_its_parent_ends_it_well),
        ("failures end it with 1", failures_end_it_with_1),
        ("wrong use ends it with 2", wrong_use_ends_it_with_2),
        ("flags print", flags_print),
        ("a job answers and ends", a_job_answers_and_ends),
    ];
    let mut outcome = ExitCode::SUCCESS;
    for (name, check) in checks {
        match check() {
            Ok(()) => println!("test {name} ... ok"),
            Err(error) => {
                println!("test {name} ... FAILED: {error}");
                outcome = ExitCode::FAILURE;
            }
        }
    }
    outcome
}

fn a_signal_ends_it_well() -> Result<(), BoxError> {
    for signal in [Signal::TERM, Signal::INT] {
        let (mut child, _input) = at_work(&[])?;
        let id = Pid::from_raw(i32::try_from(child.id())?).ok_or("no such process")?;
        kill_process(id, signal)?;
        expect(child.wait()?.code(), Some(0))?;
    }
    Ok(())
}

fn the_end_of_its_parent_ends_it_well() -> Result<(), BoxError> {
    let (mut child, input) = at_work(&[("EXIT_WITH_PARENT", "1")])?;
    drop(input);
    expect(child.wait()?.code(), Some(0))
}

fn failures_end_it_with_1() -> Result<(), BoxError> {
    let refused = run(&[("WORKER", "refuses")], &[])?;
    expect(refused.status.code(), Some(1))?;
    contains(&refused.stdout, "cannot open the store")?;
    let panicked = run(&[("WORKER", "panics")], &[])?;
    expect(panicked.status.code(), Some(1))?;
    contains(&panicked.stdout, "on purpose")?;
    contains(&panicked.stdout, "worker ended by itself")
}

fn wrong_use_ends_it_with_2() -> Result<(), BoxError> {
    let flag = run(&[], &["--verbose"])?;
    expect(flag.status.code(), Some(2))?;
    contains(&flag.stderr, "--verbose")?;
    let environment = run(&[("PORT", "many"), ("LOG_LEVEL", "loud")], &[])?;
    expect(environment.status.code(), Some(2))?;
    contains(&environment.stderr, "PORT (\"many\"): must be a whole number from 0 to 65535")?;
    contains(&environment.stderr, "LOG_LEVEL (\"loud\")")
}

fn flags_print() -> Result<(), BoxError> {
    for (flag, text) in
        [("--help", "SHUTDOWN_TIMEOUT"), ("--version", "1.2.3"), ("--config-schema", "\"variables\"")]
    {
        let printed = run(&[("PORT", "wrong, but nobody serves")], &[flag])?;
        expect(printed.status.code(), Some(0))?;
        contains(&printed.stdout, text)?;
    }
    Ok(())
}

fn a_job_answers_and_ends() -> Result<(), BoxError> {
    let done = run(&[], &["--greet", "ada"])?;
    expect(done.status.code(), Some(0))?;
    if done.stdout != b"hello, ada\n" {
        return Err(format!("more than the answer: {}", String::from_utf8_lossy(&done.stdout)).into());
    }
    let failed = run(&[("WORKER", "refuses")], &["--greet", "ada"])?;
    expect(failed.status.code(), Some(1))?;
    contains(&failed.stdout, "is not in the mood")?;
    expect(run(&[("PORT", "many")], &["--greet", "ada"])?.status.code(), Some(2))
}

/// A child whose worker is at work, and its standard input.
fn at_work(variables: &[(&str, &str)]) -> Result<(Child, ChildStdin), BoxError> {
    let mut child = command(variables)?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let input = child.stdin.take().ok_or("no input")?;
    let output = child.stdout.take().ok_or("no output")?;
    for line in BufReader::new(output).lines() {
        if line?.contains("at work") {
            return Ok((child, input));
        }
    }
    Err("ended before it was at work".into())
}

fn run(variables: &[(&str, &str)], arguments: &[&str]) -> Result<Output, BoxError> {
    Ok(command(variables)?.args(arguments).stdin(Stdio::null()).output()?)
}

fn command(variables: &[(&str, &str)]) -> Result<Command, BoxError> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env("CHILD", "1").envs(variables.iter().copied());
    Ok(command)
}

fn expect(code: Option<i32>, expected: Option<i32>) -> Result<(), BoxError> {
    if code == expected { Ok(()) } else { Err(format!("exit code {code:?}, expected {expected:?}").into()) }
}

fn contains(output: &[u8], text: &str) -> Result<(), BoxError> {
    let output = String::from_utf8_lossy(output);
    if output.contains(text) { Ok(()) } else { Err(format!("`{text}` is missing in\n{output}").into()) }
}
