//! `MariaDB`: a data folder of its own, a user with all rights, no log of statements.

use super::kind::Kind;
use super::process::{Launch, User};
use super::record::{Node, Record};
use super::site::{self, Site};
use super::{ports, postgres, secret};
use crate::failure::{Context, Failure, Outcome};
use crate::shell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const USER: &str = "test";

pub(super) struct Programs {
    server: PathBuf,
    install: PathBuf,
    pub(super) version: String,
}

pub(super) fn find() -> Option<Programs> {
    let server = shell::which("mariadbd").or_else(|| program("/usr/sbin/mariadbd"))?;
    let install = shell::which("mariadb-install-db").or_else(|| program("/usr/bin/mariadb-install-db"))?;
    client()?;
    let version = site::version(&server)?;
    site::at_least(&version, [10, 11]).then_some(Programs { server, install, version })
}

fn client() -> Option<PathBuf> {
    shell::which("mariadb").or_else(|| program("/usr/bin/mariadb"))
}

fn program(path: &str) -> Option<PathBuf> {
    Some(PathBuf::from(path)).filter(|path| path.is_file())
}

pub(super) fn prepare(site: &Site, programs: Programs) -> Outcome<Record> {
    let user = User::instead_of_root(&["mysql"]);
    let folder = site.folder(Kind::MariaDb, user)?;
    let password = secret::password()?;
    initialize(&programs, &folder, user)?;
    site::private(&folder.join("users.sql"), &users(&password), user)?;
    let certificate = site.keystore(&folder, user)?;
    let port = ports::reserve(&site.instance, 1)?[0];
    let launch = Launch {
        program: programs.server,
        arguments: arguments(site, &folder, port, &certificate),
        variables: BTreeMap::new(),
        log: site.instance.join("mariadb.log"),
        folder,
        user,
    };
    let node = Node {
        name: Kind::MariaDb.name().to_owned(),
        port,
        tls_port: None,
        peer_port: None,
        launch,
        process: None,
    };
    Ok(Record {
        kind: Kind::MariaDb,
        version: programs.version,
        user: USER.to_owned(),
        password,
        classpath: None,
        nodes: vec![node],
        owners: BTreeMap::new(),
    })
}

fn initialize(programs: &Programs, folder: &Path, user: Option<User>) -> Outcome {
    let mut install = Command::new(&programs.install);
    install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
    install.args(["--skip-name-resolve", "--skip-log-bin", "--loose-innodb-flush-method=nosync"]);
    install.arg(format!("--datadir={}", folder.join("data").display()));
    site::set_up(install.current_dir(folder), user).map(drop)
}

/// Run at every start: one user that may do everything, and no way in without a password.
fn users(password: &str) -> String {
    [
        format!("CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{password}';"),
        format!("GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%' WITH GRANT OPTION;"),
        "DROP USER IF EXISTS root@'127.0.0.1', root@'::1', ''@'localhost';".to_owned(),
        format!("ALTER USER IF EXISTS root@localhost IDENTIFIED BY '{password}';"),
        String::new(),
    ]
    .join("\n")
}

fn arguments(site: &Site, folder: &Path, port: u16, certificate: &Path) -> Vec<String> {
    let certificate = certificate.display();
    let mut arguments = vec![
        "--no-defaults".to_owned(),
        format!("--datadir={}", folder.join("data").display()),
        format!("--init-file={}", folder.join("users.sql").display()),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--port={port}"),
        // Relative to the data folder: the path of a socket has a limit.
        "--socket=server.sock".to_owned(),
        "--pid-file=server.pid".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--skip-log-bin".to_owned(),
        "--character-set-server=utf8mb4".to_owned(),
        "--max-connections=500".to_owned(),
        "--max-connect-errors=1000000".to_owned(),
        "--innodb-buffer-pool-size=256M".to_owned(),
        format!("--ssl-cert={certificate}"),
        format!("--ssl-key={certificate}"),
    ];
    if !site.durable {
        let fast = [
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=0",
            "--loose-innodb-flush-method=nosync",
        ];
        arguments.extend(fast.map(str::to_owned));
    }
    arguments
}

/// The client, as the user with all rights; the password is in the environment and on no command line.
pub(super) fn shell_of(record: &Record) -> Outcome<Command> {
    let missing = || Failure::new("the client `mariadb` is not on the path");
    let mut command = Command::new(client().ok_or_else(missing)?);
    // Its own files could name another server.
    command.args(["--no-defaults", "--protocol=TCP", "-h", "127.0.0.1", "-P", &record.port().to_string()]);
    command.args(["-u", &record.user]).env("MYSQL_PWD", &record.password);
    Ok(command)
}

/// A database and a user for it, made where they are not there yet; the user can enter no other.
pub(super) fn provide_database(record: &Record, name: &str, owner: &str, password: &str) -> Outcome {
    let script = owned(name, owner, password);
    postgres::feed(&mut shell_of(record)?, &script).context(|| format!("making the database {name}"))
}

/// In a grant, an underscore of the name stands for any letter unless it is escaped.
fn owned(name: &str, owner: &str, password: &str) -> String {
    let pattern = name.replace('_', "\\_");
    format!(
        "CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4;\n\
         CREATE USER IF NOT EXISTS '{owner}'@'%' IDENTIFIED BY '{password}';\n\
         ALTER USER '{owner}'@'%' IDENTIFIED BY '{password}';\n\
         REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{owner}'@'%';\n\
         GRANT ALL PRIVILEGES ON `{pattern}`.* TO '{owner}'@'%';\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_rights_on_one_database() {
        let script = owned("shop_service", "shop", "secret");
        assert!(script.contains("ALTER USER 'shop'@'%' IDENTIFIED BY 'secret'"), "{script}");
        let (_, granted) = script.split_once("REVOKE ALL PRIVILEGES").unwrap();
        assert!(granted.contains("GRANT ALL PRIVILEGES ON `shop\\_service`.* TO 'shop'@'%'"), "{script}");
        assert_eq!(script.matches("GRANT ALL").count(), 1, "{script}");
    }
}
