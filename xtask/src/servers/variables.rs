//! What tests are told: where each server is, and by which password and certificate it is reached.

use super::instance::{Instance, parent};
use super::kafka;
use super::kind::Kind;
use super::record::Record;
use super::tls::Certificates;
use crate::failure::{Context, Outcome};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) type Variables = Vec<(String, String)>;

/// Those of all servers of the instance.
pub(crate) fn of(instance: &Instance) -> Variables {
    let records = instance.records();
    let mut variables: Vec<(&str, String)> = records.iter().flat_map(of_record).collect();
    let tls = Certificates::of(&instance.folder);
    if tls.key.exists() {
        let files =
            [("TEST_TLS_CA", tls.authority), ("TEST_TLS_CERT", tls.certificate), ("TEST_TLS_KEY", tls.key)];
        variables.extend(files.map(|(name, path)| (name, path.display().to_string())));
    }
    let program = program(instance);
    if program.exists() {
        variables.push(("TEST_XTASK", program.display().to_string()));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn of_record(record: &Record) -> Vec<(&'static str, String)> {
    let Record { user, password, .. } = record;
    let (main, port) = (record.kind.variable(), record.port());
    match record.kind {
        Kind::Postgres => vec![(main, format!("postgres://{user}:{password}@127.0.0.1:{port}/postgres"))],
        Kind::MariaDb => vec![(main, format!("mysql://{user}:{password}@127.0.0.1:{port}"))],
        Kind::Redis => {
            let login = if password.is_empty() { String::new() } else { format!(":{password}@") };
            vec![
                (main, format!("redis://{login}127.0.0.1:{port}")),
                ("TEST_REDIS_TLS", record.tls_addresses()),
            ]
        }
        Kind::RedisCluster => vec![(main, format!("127.0.0.1:{port}"))],
        Kind::Kafka => {
            let mut variables = vec![
                (main, record.addresses()),
                ("TEST_KAFKA_SASL_BROKERS", record.tls_addresses()),
                ("TEST_KAFKA_SASL_USERNAME", user.clone()),
                ("TEST_KAFKA_SASL_PASSWORD", password.clone()),
            ];
            variables.extend(record.classpath.clone().map(|path| (kafka::JARS, path)));
            variables
        }
    }
}

/// A file that vouches for servers of others and for ours: these authorities, and the instance's own.
pub(crate) fn with_authority(instance: &Instance, theirs: &str) -> Outcome<PathBuf> {
    let authority = Certificates::of(&instance.folder).authority;
    let ours = fs::read_to_string(&authority).context(|| format!("reading {}", authority.display()))?;
    let both = authority.with_file_name("all.pem");
    fs::write(&both, format!("{}\n{ours}", theirs.trim_end()))
        .context(|| format!("writing {}", both.display()))?;
    Ok(both)
}

/// The copy of this program that tests call: cargo may replace the original under them.
pub(super) fn program(instance: &Instance) -> PathBuf {
    instance.folder.join("xtask")
}

/// The file that tests outside of `cargo xtask test` look at.
pub(super) fn usual_file() -> PathBuf {
    parent().join("env")
}

/// One `NAME=VALUE` a line.
pub(super) fn lines(variables: &Variables) -> String {
    let lines: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.join("\n") + "\n"
}

/// Readers see the file before or after, never half of it.
pub(super) fn write(path: &Path, variables: &Variables) -> Outcome {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).context(|| format!("creating {}", folder.display()))?;
    }
    let draft = path.with_extension("draft");
    super::secret::write(&draft, &lines(variables))?;
    fs::rename(&draft, path).context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::process::Launch;
    use crate::servers::record::Node;
    use std::collections::BTreeMap;

    fn record(kind: Kind, ports: &[(u16, Option<u16>)]) -> Record {
        let folder = PathBuf::from("/x");
        let launch = Launch {
            program: folder.clone(),
            arguments: Vec::new(),
            variables: BTreeMap::new(),
            folder: folder.clone(),
            user: None,
            log: folder,
        };
        let node = |(port, tls_port): &(u16, Option<u16>)| Node {
            name: kind.to_string(),
            port: *port,
            tls_port: *tls_port,
            peer_port: None,
            launch: launch.clone(),
            process: None,
        };
        Record {
            kind,
            version: "1".to_owned(),
            user: "u".to_owned(),
            password: "p".to_owned(),
            classpath: Some("/jars/*".to_owned()),
            nodes: ports.iter().map(node).collect(),
            owners: BTreeMap::new(),
        }
    }

    #[test]
    fn each_kind_says_where_it_is() {
        let first = |kind, ports: &[_]| of_record(&record(kind, ports)).remove(0).1;
        assert_eq!(first(Kind::Postgres, &[(1, None)]), "postgres://u:p@127.0.0.1:1/postgres");
        assert_eq!(first(Kind::MariaDb, &[(1, None)]), "mysql://u:p@127.0.0.1:1");
        assert_eq!(first(Kind::Redis, &[(1, Some(2))]), "redis://:p@127.0.0.1:1");
        assert_eq!(first(Kind::RedisCluster, &[(1, None), (2, None)]), "127.0.0.1:1");
        assert_eq!(first(Kind::Kafka, &[(1, Some(2)), (3, Some(4))]), "127.0.0.1:1,127.0.0.1:3");
        let all = of_record(&record(Kind::Kafka, &[(1, Some(2)), (3, Some(4))]));
        assert!(all.contains(&("TEST_KAFKA_SASL_BROKERS", "127.0.0.1:2,127.0.0.1:4".to_owned())));
        assert!(all.contains(&("TEST_KAFKA_CLASSPATH", "/jars/*".to_owned())));
    }

    #[test]
    fn another_authority_is_joined_by_ours() {
        let folder = tempfile::tempdir().unwrap();
        let instance = Instance::at(folder.path());
        Certificates::provide(folder.path()).unwrap();
        let both = fs::read_to_string(with_authority(&instance, "theirs").unwrap()).unwrap();
        assert!(both.starts_with("theirs\n-----BEGIN CERTIFICATE-----\n"), "{both}");
    }

    #[test]
    fn the_file_has_a_variable_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/env");
        write(&path, &vec![("A".to_owned(), "1".to_owned()), ("B".to_owned(), "x=y".to_owned())]).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "A=1\nB=x=y\n");
    }
}
