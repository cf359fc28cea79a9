//! What a bench says about one operation, as a line of JSON.

use serde::{Deserialize, Serialize};

/// One operation of a port on one home.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Measurement {
    pub(super) port: String,
    pub(super) operation: String,
    pub(super) class: Class,
    pub(super) home: String,
    /// Workers that called it at once.
    pub(super) concurrency: u32,
    pub(super) ops: u64,
    pub(super) ops_per_s: f64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) errors: u64,
    /// The first of them.
    pub(super) error: Option<String>,
    /// What a tool got out of the same server; none where there is no server, or no tool.
    pub(super) raw_ops_per_s: Option<f64>,
    /// Why there is no limit, where a tool is missing.
    pub(super) raw_missing: Option<String>,
}

/// As in the test kit's `bench`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Class {
    PointRead,
    Command,
    Process,
    FirstPage,
    DeepPage,
    Stream,
    Relay,
}

impl Measurement {
    /// What bench targets print that is none is left to the person who reads it.
    pub(super) fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// The part of the limit that is left with the port in between.
    pub(super) fn ratio(&self) -> Option<f64> {
        self.raw_ops_per_s.map(|raw| self.ops_per_s / raw)
    }

    /// The operation in words that tell it from the others.
    pub(super) fn name(&self) -> String {
        let place = match self.class {
            Class::FirstPage => ", first page",
            Class::DeepPage => ", half way in",
            _ => "",
        };
        format!("{}{place}", self.operation)
    }
}

#[cfg(test)]
pub(super) fn measured(class: Class, ops_per_s: f64, raw_ops_per_s: Option<f64>) -> Measurement {
    Measurement {
        port: "ProductQueries".to_owned(),
        operation: "list by id".to_owned(),
        class,
        home: "postgres".to_owned(),
        concurrency: 8,
        ops: 1_000,
        ops_per_s,
        p50_us: 100,
        p99_us: 900,
        errors: 0,
        error: None,
        raw_ops_per_s,
        raw_missing: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_test_kit_is_read() {
        let line = r#"{"class":"deep_page","concurrency":8,"error":null,"errors":0,"home":"sqlite","operation":"list by
            name","ops":120,"ops_per_s":60.5,"p50_us":90,"p99_us":800,"port":"ProductQueries","raw_missing":null,
            "raw_ops_per_s":121.0}"#;
        let read = Measurement::read(&line.replace('\n', "")).unwrap();
        assert_eq!((read.class, read.ops, read.p99_us), (Class::DeepPage, 120, 800));
        assert_eq!(read.ratio(), Some(0.5));
        assert!(read.name().ends_with(", half way in"));
        assert!(Measurement::read("warming up").is_none());
    }
}
