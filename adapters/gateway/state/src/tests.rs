use std::{error::Error, sync::Mutex};

use gateway_application::testing::state_store::{every_change, keeps_what_was_saved_last};
use platform_telemetry::silent;
use platform_testkit::data_dir;
use slog::{Drain, Never, OwnedKVList, Record, o};

use super::*;

/// What an operator would read: the error with its causes.
fn told(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

async fn refused(content: &str) -> String {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    fs::write(&path, content).unwrap();
    let error = StateFile::open(&path, silent()).unwrap().load().await.unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), content, "what cannot be understood stays as it is");
    told(&error)
}

#[tokio::test]
async fn it_is_a_state_store() {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    keeps_what_was_saved_last(|| StateFile::open(&path, silent()).unwrap()).await;
}

#[tokio::test]
async fn older_gateways_read_what_has_no_name_in_it() {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    let file = StateFile::open(&path, silent()).unwrap();
    for (overrides, format) in [(Overrides::none(1), "\"format\": 1,"), (every_change(2), "\"format\": 2,")] {
        file.save(&overrides).await.unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(format), "{text}");
        assert_eq!(file.load().await.unwrap(), Some(overrides));
    }
}

#[tokio::test]
async fn a_crash_in_the_middle_leaves_the_old_state() {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    let file = StateFile::open(&path, silent()).unwrap();
    file.save(&every_change(1)).await.unwrap();
    // Killed after half of the new state was written.
    let whole = fs::read(&path).unwrap();
    fs::write(beside(&path, "new"), &whole[..whole.len() / 2]).unwrap();
    drop(file);
    let file = StateFile::open(&path, silent()).unwrap();
    assert_eq!(file.load().await.unwrap(), Some(every_change(1)));
    file.save(&every_change(2)).await.unwrap();
    assert_eq!(file.load().await.unwrap(), Some(every_change(2)));
    assert!(!beside(&path, "new").exists(), "nothing is left lying about");
}

#[tokio::test]
async fn a_state_that_cannot_be_written_leaves_the_old_one() {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    let file = StateFile::open(&path, silent()).unwrap();
    file.save(&every_change(1)).await.unwrap();
    // A folder where the new state would go: even root cannot write there.
    fs::create_dir(beside(&path, "new")).unwrap();
    let error = file.save(&every_change(2)).await.unwrap_err();
    assert!(told(&error).contains("state.json cannot be written"), "{error}");
    assert_eq!(file.load().await.unwrap(), Some(every_change(1)));
}

/// What was told.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Drain for Lines {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), Never> {
        let line = format!("{} {}", record.level().as_short_str(), record.msg());
        self.0.lock().unwrap().push(line);
        Ok(())
    }
}

#[tokio::test]
async fn a_state_that_has_taken_its_place_is_kept_whatever_its_folder_says() {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    let log = Lines::default();
    let logger = Logger::root(log.clone(), o!());
    let broken = |_: &File| Err(io::Error::other("no disk"));
    let file = StateFile { sync: broken, ..StateFile::open(&path, logger).unwrap() };
    file.save(&every_change(1)).await.unwrap();
    assert_eq!(file.load().await.unwrap(), Some(every_change(1)), "what was answered is what is there");
    assert_eq!(*log.0.lock().unwrap(), ["ERRO state is written, but perhaps not on disk yet"]);
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_with_what_to_do() {
    for (content, part) in [
        ("", "line 1"),
        ("{\"format\": 1, \"version\": 3", "line 1"),
        ("{\"format\": 3, \"anything\": []}", "format 3 is newer than 2"),
        (r#"{"format": 1, "version": 1, "colour": "red"}"#, "unknown field `colour`"),
        (r#"{"format": 1, "version": 1, "services": {"shop": {}}}"#, "services.shop: no such service"),
        (
            r#"{"format": 1, "version": 1, "services": {"product": {"strategy": "random"}}}"#,
            "no such strategy",
        ),
        (
            r#"{"format": 1, "version": 1, "services": {"product": {"backends": [{"url": "a"}]}}}"#,
            "services.product.backends a: `a` must be like",
        ),
        (
            r#"{"format": 1, "version": 1, "services": {"product": {"backends": [{"url": "http://a", "weight": 0}]}}}"#,
            "must be 1 to 1000",
        ),
    ] {
        let told = refused(content).await;
        assert!(told.contains("move it away to start with what is configured"), "{told}");
        assert!(told.contains(part), "{told}");
    }
}

#[tokio::test]
async fn one_gateway_has_it() {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    let first = StateFile::open(&path, silent()).unwrap();
    let error = StateFile::open(&path, silent()).unwrap_err();
    assert!(error.to_string().contains("is used by another gateway"), "{error}");
    drop(first);
    StateFile::open(&path, silent()).unwrap();
    let nowhere = StateFile::open(&dir.path().join("missing/state.json"), silent()).unwrap_err();
    assert!(nowhere.to_string().contains("its folder must exist"), "{nowhere}");
}
