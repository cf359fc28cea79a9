//! The jars of Kafka: from an installation that `KAFKA_HOME` names, or from Maven by `ops/kafka/pom.xml`.

use super::java_program;
use crate::failure::{Context, Failure, Outcome};
use crate::servers::{ports, site};
use crate::{shell, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(in crate::servers) struct Programs {
    pub(super) java: PathBuf,
    jars: Jars,
    pub(in crate::servers) version: String,
}

enum Jars {
    /// The folder is there.
    AtHand(PathBuf),
    /// Maven can bring them into this folder.
    ByMaven(PathBuf),
}

/// Java 17 or later, and jars or somebody to bring them.
pub(in crate::servers) fn find() -> Option<Programs> {
    let java = java_program()?;
    let version = site::version(&java)?;
    if !site::at_least(&version, [17, 0]) {
        return None;
    }
    if let Some(folder) = installed() {
        let version = version_of(&folder)?;
        return Some(Programs { java, jars: Jars::AtHand(folder), version });
    }
    let version = pinned()?;
    let folder = workspace::target().join(format!("servers/kafka-{version}"));
    let jars = if folder.is_dir() {
        Jars::AtHand(folder)
    } else if shell::which("mvn").is_some() {
        Jars::ByMaven(folder)
    } else {
        return None;
    };
    Some(Programs { java, jars, version })
}

impl Programs {
    /// Brings the jars first where that is still to be done.
    pub(super) fn classpath(&self) -> Outcome<String> {
        let (Jars::AtHand(folder) | Jars::ByMaven(folder)) = &self.jars;
        if matches!(self.jars, Jars::ByMaven(_)) {
            bring(folder)?;
        }
        Ok(format!("{}/*", folder.display()))
    }
}

fn installed() -> Option<PathBuf> {
    let home = std::env::var_os("KAFKA_HOME")?;
    Some(PathBuf::from(home).join("libs")).filter(|folder| folder.is_dir())
}

/// From the name of a jar, `kafka-server-4.1.1.jar`.
fn version_of(folder: &Path) -> Option<String> {
    let names = fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let version = |name: String| Some(name.strip_prefix("kafka-server-")?.strip_suffix(".jar")?.to_owned());
    names.filter_map(version).find(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

fn pinned() -> Option<String> {
    version_in(&fs::read_to_string(pom()).ok()?).map(str::to_owned)
}

fn version_in(pom: &str) -> Option<&str> {
    let (_, rest) = pom.split_once("<kafka.version>")?;
    rest.split_once("</kafka.version>").map(|(version, _)| version)
}

fn pom() -> PathBuf {
    workspace::root().join("ops/kafka/pom.xml")
}

/// Into a folder beside, so that a download that was cut short leaves nothing that looks complete.
fn bring(folder: &Path) -> Outcome {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).context(|| format!("creating {}", parent.display()))?;
    let _turn = ports::lock(&parent.join("maven.lock"))?;
    if folder.is_dir() {
        return Ok(());
    }
    let draft = folder.with_extension("draft");
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-f"]).arg(pom()).arg("dependency:copy-dependencies");
    maven.arg(format!("-DoutputDirectory={}", draft.display()));
    let hint = |failure| {
        Failure::new(format!(
            "{failure}\n  Maven could not bring Apache Kafka; is the network there, and the mirror in \
             ~/.m2/settings.xml right?"
        ))
    };
    shell::output(&mut maven).map_err(hint)?;
    fs::rename(&draft, folder).context(|| format!("moving {}", draft.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_pinned_in_the_project() {
        let version = pinned().unwrap();
        assert!(site::at_least(&version, [4, 0]), "{version}");
    }

    #[test]
    fn an_installation_says_its_version_by_a_jar() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["kafka-server-common-4.0.9.jar", "kafka-server-4.0.1.jar", "kafka-clients-4.0.1.jar"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(version_of(folder.path()).as_deref(), Some("4.0.1"));
    }
}
