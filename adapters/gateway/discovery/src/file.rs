//! The watched file: services with their lists, in JSON or TOML. `product` are the backends that answer HTTP,
//! `product-grpc` those that answer gRPC.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use gateway_domain::fleet::{Fleet, Source, parse_sources};
use kernel_domain::Violations;
use serde::Deserialize;

/// The sources of the fleets that the file names.
pub(crate) type Lists = BTreeMap<Fleet, Vec<Source>>;

/// A file that is read again and again. Its content is compared, because times of files lie: an editor, a copy, or a
/// mounted folder that is swapped as a whole may leave them as they were.
#[derive(Debug)]
pub struct WatchedFile {
    path: PathBuf,
    read: fn(&str) -> Result<Content, FileError>,
    /// What was found last, be it good or not.
    last: Option<Result<Vec<u8>, io::ErrorKind>>,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Its name does not say what it holds.
    #[error("the name must end with .json or .toml")]
    Ending,
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is not UTF-8.
    #[error("is not UTF-8")]
    Text,
    /// It is no JSON, or not of this shape.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// It is no TOML, or not of this shape.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// It names a service that there is not.
    #[error("there is no service `{0}`")]
    Service(String),
    /// A list is wrong.
    #[error("{service}: {violations}")]
    List {
        /// The service.
        service: Fleet,
        /// All that is wrong.
        violations: Violations,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    services: BTreeMap<String, Vec<Entry>>,
}

/// `"http://a:8080;weight=3"`, or the same with fields.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "must be a URL, or a table of `url`, `weight` and `server_name`")]
enum Entry {
    Text(String),
    Table(Table),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: String,
    weight: Option<u16>,
    server_name: Option<String>,
}

impl WatchedFile {
    /// The file at `path`; its ending says how it is read.
    pub fn at(path: &Path) -> Result<Self, FileError> {
        let read = match path.extension().and_then(|ending| ending.to_str()) {
            Some("json") => json,
            Some("toml") => toml,
            _ => return Err(FileError::Ending),
        };
        Ok(Self { path: path.to_owned(), read, last: None })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it now; `None` where that is the same as the last time, good or bad.
    pub(crate) fn look(&mut self) -> Option<Result<Lists, FileError>> {
        let found = fs::read(&self.path);
        let seen = found.as_ref().map(Clone::clone).map_err(io::Error::kind);
        if self.last.as_ref() == Some(&seen) {
            return None;
        }
        self.last = Some(seen);
        Some(found.map_err(FileError::from).and_then(|content| self.parse(&content)))
    }

    fn parse(&self, content: &[u8]) -> Result<Lists, FileError> {
        let text = str::from_utf8(content).map_err(|_| FileError::Text)?;
        (self.read)(text)?.services.into_iter().map(|(name, entries)| list(name, &entries)).collect()
    }
}

fn json(text: &str) -> Result<Content, FileError> {
    Ok(serde_json::from_str(text)?)
}

fn toml(text: &str) -> Result<Content, FileError> {
    Ok(toml::from_str(text)?)
}

fn list(name: String, entries: &[Entry]) -> Result<(Fleet, Vec<Source>), FileError> {
    let Some(service) = Fleet::named(&name) else { return Err(FileError::Service(name)) };
    let texts: Vec<_> = entries.iter().map(Entry::text).collect();
    let sources = parse_sources(texts.iter().map(String::as_str));
    Ok((service, sources.map_err(|violations| FileError::List { service, violations })?))
}

impl Entry {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Table(Table { url, weight, server_name }) => {
                let weight = weight.map(|weight| format!(";weight={weight}"));
                let name = server_name.as_ref().map(|name| format!(";server_name={name}"));
                [Some(url.clone()), weight, name].into_iter().flatten().collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use platform_testkit::data_dir;

    use super::*;

    fn shown(lists: &Lists) -> Vec<String> {
        lists
            .iter()
            .flat_map(|(service, sources)| sources.iter().map(move |source| format!("{service} {source}")))
            .collect()
    }

    #[test]
    fn both_formats_say_the_same() {
        let dir = data_dir().unwrap();
        let json = r#"{"services": {"product": ["http://a:1;weight=3", {"url": "dns://b:2", "weight": 2},
                                                {"url": "dns+https://c:3", "server_name": "d"}],
                                    "basket-grpc": ["srv://_grpc._tcp.c"]}}"#;
        let toml = "[services]\nproduct = ['http://a:1;weight=3', { url = 'dns://b:2', weight = 2 },\n\
                    { url = 'dns+https://c:3', server_name = 'd' }]\n\
                    basket-grpc = ['srv://_grpc._tcp.c']\n";
        for (name, content) in [("a.json", json), ("a.toml", toml)] {
            let path = dir.path().join(name);
            fs::write(&path, content).unwrap();
            let lists = WatchedFile::at(&path).unwrap().look().unwrap().unwrap();
            assert_eq!(
                shown(&lists),
                [
                    "product http://a:1;weight=3",
                    "product dns://b:2;weight=2",
                    "product dns+https://c:3;weight=1;server_name=d",
                    "basket-grpc srv://_grpc._tcp.c",
                ]
            );
        }
        assert!(matches!(WatchedFile::at(Path::new("a.yaml")), Err(FileError::Ending)));
    }

    #[test]
    fn it_is_told_once_what_is_in_it() {
        let dir = data_dir().unwrap();
        let path = dir.path().join("a.json");
        let mut file = WatchedFile::at(&path).unwrap();
        assert!(matches!(file.look(), Some(Err(FileError::Read(_)))));
        assert!(file.look().is_none());
        fs::write(&path, "{").unwrap();
        assert!(matches!(file.look(), Some(Err(FileError::Json(_)))));
        assert!(file.look().is_none());
        fs::write(&path, r#"{"services": {"product": ["http://a"]}}"#).unwrap();
        assert!(file.look().unwrap().is_ok() && file.look().is_none());
        fs::remove_file(&path).unwrap();
        assert!(matches!(file.look(), Some(Err(FileError::Read(_)))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let file = WatchedFile::at(Path::new("a.json")).unwrap();
        for (content, part) in [
            (r#"{"services": {"shop": ["http://a"]}}"#, "no service `shop`"),
            (r#"{"services": {"notification-grpc": ["http://a"]}}"#, "no service `notification-grpc`"),
            (r#"{"services": {"product": []}}"#, "product: backend: there must be one at least"),
            (r#"{"services": {"product": ["http://a,http://b"]}}"#, "must be like http://host:8080"),
            (r#"{"services": {"product": ["ftp://a", "http://b;weight=0"]}}"#, "`0` must be 1 to 1000"),
            (
                r#"{"services": {"product": [{"url": "http://a", "wight": 2}]}}"#,
                "a table of `url`, `weight` and `server_name`",
            ),
            (r#"{"services": {"product": ["http://a"]}, "servces": 1}"#, "unknown field `servces`"),
            ("{}", "missing field `services`"),
        ] {
            let told = file.parse(content.as_bytes()).unwrap_err().to_string();
            assert!(told.contains(part), "{told}");
        }
        assert!(matches!(file.parse(b"\xff"), Err(FileError::Text)));
    }
}
