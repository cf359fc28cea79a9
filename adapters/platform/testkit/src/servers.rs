//! Where the servers are that tests of the server home run against.
//!
//! `cargo xtask test` starts private ones and says where they are in the environment; `cargo xtask servers up` keeps some
//! for everyday work and writes the same variables to `target/servers/env`, so that a plain `cargo test` finds them, too.

use std::{env, fs, path::PathBuf};

/// A server that tests need and nobody has named.
#[derive(Debug, thiserror::Error)]
#[error(
    "this test needs a server and {variable} does not say where: run it by `cargo xtask test`, or start servers for \
     everyday work with `cargo xtask servers up`"
)]
pub struct NoServer {
    variable: &'static str,
}

/// `postgres://user:password@host:port/database`, of a user that may create databases.
pub fn postgres() -> Result<String, NoServer> {
    read("TEST_POSTGRES_URL")
}

/// `mysql://user:password@host:port`, of a user that may create databases.
pub fn mariadb() -> Result<String, NoServer> {
    read("TEST_MARIADB_URL")
}

/// `redis://:password@host:port` of a single node.
pub fn redis() -> Result<String, NoServer> {
    read("TEST_REDIS_URL")
}

/// `host:port` of a node of a cluster that has several.
pub fn redis_cluster() -> Result<String, NoServer> {
    read("TEST_REDIS_CLUSTER")
}

/// `host:port` of each broker, with commas between.
pub fn kafka() -> Result<String, NoServer> {
    read("TEST_KAFKA_BROKERS")
}

/// Any other variable of this kind, such as `TEST_TLS_CA`.
pub fn read(variable: &'static str) -> Result<String, NoServer> {
    env::var(variable).ok().or_else(|| from_file(variable)).ok_or(NoServer { variable })
}

fn from_file(variable: &str) -> Option<String> {
    let text = fs::read_to_string(target().join("servers/env")).ok()?;
    value(&text, variable)
}

fn value(text: &str, variable: &str) -> Option<String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.filter(|(name, _)| *name == variable).map(|(_, value)| value.to_owned()).next_back()
}

fn target() -> PathBuf {
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../target");
    env::var_os("CARGO_TARGET_DIR").map_or_else(usual, PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_names_and_values() {
        let text = "TEST_A=1\nTEST_B=x=y\nTEST_A=2\n";
        assert_eq!(value(text, "TEST_A").as_deref(), Some("2"));
        assert_eq!(value(text, "TEST_B").as_deref(), Some("x=y"));
        assert_eq!(value(text, "TEST_C"), None);
    }

    #[test]
    fn a_missing_server_says_what_to_do() {
        let missing = read("TEST_NOBODY_SETS_THIS").unwrap_err().to_string();
        assert!(missing.contains("TEST_NOBODY_SETS_THIS") && missing.contains("cargo xtask servers up"));
    }
}
