//! What the log tells of changes.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use kernel_application::testing::context_of;
use slog::{Drain, KV, Key, Logger, OwnedKVList, Record, Serializer, o};

use super::{Administration, PRODUCT, Parts, adjust, backend, parts, settings};

/// Keeps the names of all fields that are logged.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Vec<String>>>);

impl Drain for Names {
    type Ok = ();
    type Err = slog::Error;

    fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> slog::Result {
        KV::serialize(&record.kv(), record, &mut self.clone())
    }
}

impl Serializer for Names {
    fn emit_arguments(&mut self, key: Key, _: &fmt::Arguments<'_>) -> slog::Result {
        self.0.lock().unwrap().push(key.to_string());
        Ok(())
    }
}

/// `service` and `version` are the process's own in every line: what has two of them is read in two ways.
#[tokio::test]
async fn no_name_is_twice_in_the_line_of_a_change() {
    let (settings, names) = (settings("http://a:1"), Names::default());
    let logger = Logger::root(names.clone().fuse(), o!());
    let administration = Administration::open(&settings, Parts { logger, ..parts(&settings) }).await.unwrap();
    administration.make(&context_of("ada"), adjust("a:1", Some(7), None), None).await.unwrap();
    administration.adopt(vec![(PRODUCT, vec![backend("http://b:1")])]).await;
    let names = names.0.lock().unwrap().clone();
    for own in ["ts", "level", "msg", "service", "version", "component"] {
        assert!(!names.contains(&own.to_owned()), "{names:?}");
    }
    assert!(names.contains(&"state_version".to_owned()), "{names:?}");
}
