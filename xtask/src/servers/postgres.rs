//! `PostgreSQL`: a cluster of its own, not run as root, which it refuses.

use super::kind::Kind;
use super::process::{Launch, User};
use super::record::{Node, Record};
use super::site::{self, Site};
use super::{ports, secret};
use crate::failure::{Context, Failure, Outcome};
use crate::shell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(super) struct Programs {
    folder: PathBuf,
    pub(super) version: String,
}

/// On the path, or where Debian keeps one folder per version and macOS its formulas.
pub(super) fn find() -> Option<Programs> {
    let named = shell::which("postgres").and_then(|program| program.canonicalize().ok());
    let named = named.and_then(|program| program.parent().map(Path::to_path_buf));
    let folders = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
    let versions =
        folders.into_iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let versions = versions.map(|entry| entry.path().join("bin"));
    named.into_iter().chain(versions).filter_map(in_folder).max_by_key(|found| major(&found.version))
}

fn in_folder(folder: PathBuf) -> Option<Programs> {
    let all = ["postgres", "initdb", "psql"].iter().all(|program| folder.join(program).is_file());
    let version = all.then(|| site::version(&folder.join("postgres"))).flatten()?;
    site::at_least(&version, [15, 0]).then_some(Programs { folder, version })
}

fn major(version: &str) -> u32 {
    version.split('.').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

pub(super) fn prepare(site: &Site, programs: Programs) -> Outcome<Record> {
    let user = User::instead_of_root(&["postgres"]);
    let folder = site.folder(Kind::Postgres, user)?;
    let password = secret::password()?;
    initialize(&programs, &folder, &password, user)?;
    let certificate = site.keystore(&folder, user)?;
    let port = ports::reserve(&site.instance, 1)?[0];
    let launch = Launch {
        program: programs.folder.join("postgres"),
        arguments: arguments(site, &folder, port, &certificate),
        variables: BTreeMap::new(),
        log: site.instance.join("postgres.log"),
        folder,
        user,
    };
    let node = Node {
        name: Kind::Postgres.name().to_owned(),
        port,
        tls_port: None,
        peer_port: None,
        launch,
        process: None,
    };
    Ok(Record {
        kind: Kind::Postgres,
        version: programs.version,
        user: "postgres".to_owned(),
        password,
        classpath: None,
        nodes: vec![node],
        owners: BTreeMap::new(),
    })
}

fn initialize(programs: &Programs, folder: &Path, password: &str, user: Option<User>) -> Outcome {
    let file = folder.join("password");
    site::private(&file, password, user)?;
    let locale = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };
    let mut initdb = Command::new(programs.folder.join("initdb"));
    initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]);
    initdb
        .arg(format!("--locale={locale}"))
        .arg("--pwfile")
        .arg(&file)
        .arg("--pgdata")
        .arg(folder.join("data"));
    site::set_up(initdb.current_dir(folder), user).map(drop)
}

/// Sockets of its own are off: their paths have a limit that a folder below `target` may pass.
fn arguments(site: &Site, folder: &Path, port: u16, certificate: &Path) -> Vec<String> {
    let certificate = certificate.display();
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        "unix_socket_directories=".to_owned(),
        "max_connections=500".to_owned(),
        "shared_buffers=128MB".to_owned(),
        "max_wal_size=2GB".to_owned(),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={certificate}"),
        format!("ssl_key_file={certificate}"),
    ];
    if !site.durable {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned));
    }
    let data = folder.join("data").display().to_string();
    ["-D".to_owned(), data]
        .into_iter()
        .chain(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]))
        .collect()
}

/// A killed server leaves its process id behind, and one that nobody waited for yet still has it: the next would refuse
/// to start. Only for a server that is known to be down.
pub(super) fn forget_killed(folder: &Path) {
    drop(fs::remove_file(folder.join("data/postmaster.pid")));
}

/// `psql` beside the server, as its superuser; the password is in the environment and on no command line.
pub(super) fn psql(record: &Record) -> Outcome<Command> {
    let missing = || Failure::new("this instance has no postgres");
    let node = record.nodes.first().ok_or_else(missing)?;
    let mut command = Command::new(node.launch.program.with_file_name("psql"));
    command.args(["-h", "127.0.0.1", "-p", &node.port.to_string(), "-U", &record.user]);
    command.env("PGPASSWORD", &record.password).env_remove("PGSERVICE");
    Ok(command)
}

/// A database and its owner, made where they are not there yet; the owner can enter no other.
pub(super) fn provide_database(record: &Record, name: &str, owner: &str, password: &str) -> Outcome {
    let mut psql = psql(record)?;
    psql.args(["-d", "postgres", "-q", "-X", "-v", "ON_ERROR_STOP=1"]);
    feed(&mut psql, &owned(name, owner, password)).context(|| format!("making the database {name}"))
}

/// Everybody may enter a new database, unless that is taken back.
fn owned(name: &str, owner: &str, password: &str) -> String {
    format!(
        "SELECT 'CREATE ROLE {owner} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{owner}') \\gexec\n\
         ALTER ROLE {owner} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD '{password}';\n\
         SELECT 'CREATE DATABASE {name} OWNER {owner}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = \
         '{name}') \\gexec\n\
         REVOKE ALL ON DATABASE {name}, postgres, template1 FROM PUBLIC;\n"
    )
}

/// Runs a client with that script as its input.
pub(super) fn feed(client: &mut Command, script: &str) -> Outcome {
    let line = shell::line(client);
    let doing = || format!("running `{line}`");
    client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = client.spawn().context(doing)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(script.as_bytes()).context(doing)?;
    }
    let output = child.wait_with_output().context(doing)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(Failure::new(said.trim())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_a_password_and_one_database() {
        let script = owned("shop_service", "shop", "secret");
        assert!(
            script.contains("ALTER ROLE shop NOSUPERUSER") && script.contains("PASSWORD 'secret'"),
            "{script}"
        );
        assert!(script.contains("CREATE DATABASE shop_service OWNER shop"), "{script}");
        assert!(
            script.contains("REVOKE ALL ON DATABASE shop_service, postgres, template1 FROM PUBLIC"),
            "{script}"
        );
    }
}
