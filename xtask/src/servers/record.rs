//! What is known about the servers of an instance: one file per kind, so that each can be stopped and started again.

use super::kind::Kind;
use super::process::{Launch, Process};
use super::secret;
use crate::failure::{Context, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One server, of one process or of several.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(super) kind: Kind,
    pub(super) version: String,
    /// Empty where there is none.
    pub(super) user: String,
    /// Empty where there is none.
    pub(super) password: String,
    /// The folder of jars, as a class path; Kafka only.
    #[serde(default)]
    pub(super) classpath: Option<String>,
    pub(super) nodes: Vec<Node>,
    /// The passwords of those who own a database here, by user.
    #[serde(default)]
    pub(super) owners: BTreeMap<String, String>,
}

/// One process of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Node {
    /// The kind, with a number behind it where there are several.
    pub(super) name: String,
    pub(super) port: u16,
    /// The port of encrypted connections, where that is another one.
    pub(super) tls_port: Option<u16>,
    /// The port on which nodes speak to each other.
    pub(super) peer_port: Option<u16>,
    pub(super) launch: Launch,
    pub(super) process: Option<Process>,
}

impl Record {
    /// The password of that user, made up where there is none yet.
    pub(super) fn password_of(&mut self, user: &str) -> Outcome<String> {
        if let Some(password) = self.owners.get(user) {
            return Ok(password.clone());
        }
        let password = secret::password()?;
        self.owners.insert(user.to_owned(), password.clone());
        Ok(password)
    }

    /// `host:port` of each node.
    pub(super) fn addresses(&self) -> String {
        self.nodes.iter().map(Node::address).collect::<Vec<_>>().join(",")
    }

    /// `host:port` of each node for encrypted connections.
    pub(super) fn tls_addresses(&self) -> String {
        let ports = self.nodes.iter().filter_map(|node| node.tls_port);
        ports.map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
    }

    /// Where the first node, or the only one, listens.
    pub(super) fn port(&self) -> u16 {
        self.nodes.first().map(|node| node.port).unwrap_or_default()
    }

    pub(super) fn alive(&self) -> bool {
        !self.nodes.is_empty() && self.nodes.iter().all(Node::alive)
    }

    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Readers see the file before or after, never half of it.
    pub(super) fn write(&self, path: &Path) -> Outcome {
        let doing = || format!("writing {}", path.display());
        let text = serde_json::to_string_pretty(self).context(doing)?;
        let draft = path.with_extension("draft");
        secret::write(&draft, &text)?;
        fs::rename(&draft, path).context(doing)
    }
}

impl Node {
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(super) fn alive(&self) -> bool {
        self.process.as_ref().is_some_and(Process::alive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_owner_has_a_password_of_their_own_and_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("postgres.json");
        // As earlier versions wrote it.
        fs::write(&path, r#"{"kind":"postgres","version":"15","user":"u","password":"p","nodes":[]}"#)
            .unwrap();
        let mut record = Record::read(&path).unwrap();
        let product = record.password_of("product").unwrap();
        assert!(product != record.password && product != record.password_of("notification").unwrap());
        record.write(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap().password_of("product").unwrap(), product);
    }
}
