//! What `deny.toml` says about licences and sources. A part of it that would change the verdict and is not read here
//! is refused, so that this and cargo-deny cannot disagree in silence.

use crate::failure::{Context, Failure, Outcome};
use std::collections::{HashMap, HashSet};
use toml::{Table, Value};

const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";
/// The keys that are read, or that have no say in a licence expression or a source.
const KEYS: [(&str, &[&str]); 2] = [
    ("licenses", &["allow", "confidence-threshold", "exceptions", "private"]),
    ("sources", &["allow-git", "allow-registry", "unknown-git", "unknown-registry"]),
];

#[derive(Debug)]
pub(super) struct Policy {
    licences: HashSet<String>,
    /// Crate, and what it alone may have.
    exceptions: HashMap<String, Vec<String>>,
    registries: Vec<String>,
    repositories: Vec<String>,
}

impl Policy {
    pub(super) fn read(text: &str) -> Outcome<Self> {
        let document: Table = text.parse().context(|| "not TOML".to_owned())?;
        let section = |name: &str| document.get(name).and_then(Value::as_table).cloned().unwrap_or_default();
        let (licenses, sources) = (section("licenses"), section("sources"));
        for (name, known) in KEYS {
            if let Some(key) = section(name).keys().find(|key| !known.contains(&key.as_str())) {
                return Err(Failure::new(format!("`{name}.{key}` is not understood by `cargo xtask lint`")));
            }
        }
        let mut registries = strings(&sources, "allow-registry")?;
        if !sources.contains_key("allow-registry") {
            registries.push(CRATES_IO.to_owned());
        }
        Ok(Self {
            licences: strings(&licenses, "allow")?.into_iter().collect(),
            exceptions: exceptions(&licenses, text)?,
            registries,
            repositories: strings(&sources, "allow-git")?,
        })
    }

    pub(super) fn allows(&self, package: &str, licence: &str) -> bool {
        let excepted =
            || self.exceptions.get(package).is_some_and(|some| some.iter().any(|one| one == licence));
        self.licences.contains(licence) || excepted()
    }

    /// `source` as in `Cargo.lock`: `registry+URL`, `sparse+URL` or `git+URL?rev=…#…`.
    pub(super) fn knows(&self, source: &str) -> bool {
        match source.split_once('+') {
            Some(("registry", url)) => self.registries.iter().any(|known| known == url),
            Some(("sparse", _)) => self.registries.iter().any(|known| known == source),
            Some(("git", url)) => {
                let repository = url.split(['?', '#']).next().unwrap_or(url);
                self.repositories.iter().any(|known| known == repository)
            }
            _ => false,
        }
    }
}

fn exceptions(licenses: &Table, text: &str) -> Outcome<HashMap<String, Vec<String>>> {
    let listed = licenses.get("exceptions").and_then(Value::as_array).cloned().unwrap_or_default();
    let exception = |entry: Value| {
        let table = entry.as_table().cloned().unwrap_or_default();
        let name = table.get("crate").and_then(Value::as_str).unwrap_or_default().to_owned();
        if name.is_empty() || !reasoned(text, &name) {
            let rule = "an exception is one line with `crate` and `allow`, and a comment with the reason";
            return Err(Failure::new(format!("{rule}; `{name}` is not")));
        }
        Ok((name, strings(&table, "allow")?))
    };
    listed.into_iter().map(exception).collect()
}

/// cargo-deny has no field for the reason of an exception, so that it is a comment on its line or above it.
fn reasoned(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let Some(place) =
        lines.iter().position(|line| line.starts_with('{') && line.contains(&format!("crate = \"{name}\"")))
    else {
        return false;
    };
    let above = place.checked_sub(1).and_then(|above| lines.get(above));
    let reason = |comment: &str| comment.trim_matches(['#', ' ']).len() > 3;
    let after = lines[place].split_once('#').is_some_and(|(_, comment)| reason(comment));
    after || above.is_some_and(|line| line.starts_with('#') && reason(line))
}

fn strings(table: &Table, key: &str) -> Outcome<Vec<String>> {
    let Some(value) = table.get(key) else { return Ok(Vec::new()) };
    let wrong = || Failure::new(format!("`{key}` is not a list of strings"));
    let items = value.as_array().ok_or_else(wrong)?;
    items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Policy::read(text).unwrap_err().to_string()
    }

    #[test]
    fn an_exception_needs_its_reason() {
        let with = |above: &str, after: &str| {
            let line = "{ crate = \"lib\", allow = [\"GPL-3.0-only\"] },";
            Policy::read(&format!("[licenses]\nexceptions = [\n{above}\n{line}{after}\n]\n"))
        };
        assert!(with("# Used at build time only.", "").unwrap().allows("lib", "GPL-3.0-only"));
        assert!(with("", " # used at build time only").unwrap().allows("lib", "GPL-3.0-only"));
        assert!(!with("# Used at build time only.", "").unwrap().allows("other", "GPL-3.0-only"));
        for (above, after) in [("", ""), ("#", ""), ("", " #")] {
            let failure = with(above, after).unwrap_err().to_string();
            assert!(failure.contains("comment with the reason"), "{failure}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(refused("[licenses]\nclarify = []").contains("`licenses.clarify` is not understood"));
        assert!(refused("[sources]\nprivate = []").contains("`sources.private` is not understood"));
        assert!(refused("[licenses]\nallow = \"MIT\"").contains("not a list of strings"));
        assert!(refused("[licenses").contains("not TOML"));
    }

    #[test]
    fn sources_are_crates_io_and_those_listed() {
        let usual = Policy::read("").unwrap();
        assert!(usual.knows("registry+https://github.com/rust-lang/crates.io-index"));
        assert!(!usual.knows("sparse+https://crates.test/") && !usual.knows("git+https://git.test/lib#1"));
        let text = "[sources]\nallow-registry = [\"sparse+https://crates.test/\"]\nallow-git = [\"https://git.test/lib\"]";
        let listed = Policy::read(text).unwrap();
        assert!(
            listed.knows("sparse+https://crates.test/") && listed.knows("git+https://git.test/lib?rev=1#1")
        );
        assert!(!listed.knows("git+https://git.test/library#1"));
        assert!(!listed.knows("registry+https://github.com/rust-lang/crates.io-index"));
    }
}
