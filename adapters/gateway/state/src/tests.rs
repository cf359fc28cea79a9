use std::error::Error;

use gateway_application::testing::state_store::{every_change, keeps_what_was_saved_last};
use platform_testkit::data_dir;

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
    let error = StateFile::open(&path).unwrap().load().await.unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), content, "what cannot be understood stays as it is");
    told(&error)
}

#[tokio::test]
async fn it_is_a_state_store() {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    keeps_what_was_saved_last(|| StateFile::open(&path).unwrap()).await;
}

#[tokio::test]
async fn a_crash_in_the_middle_leaves_the_old_state() {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    let file = StateFile::open(&path).unwrap();
    file.save(&every_change(1)).await.unwrap();
    // Killed after half of the new state was written.
    let whole = fs::read(&path).unwrap();
    fs::write(beside(&path, "new"), &whole[..whole.len() / 2]).unwrap();
    drop(file);
    let file = StateFile::open(&path).unwrap();
    assert_eq!(file.load().await.unwrap(), Some(every_change(1)));
    file.save(&every_change(2)).await.unwrap();
    assert_eq!(file.load().await.unwrap(), Some(every_change(2)));
    assert!(!beside(&path, "new").exists(), "nothing is left lying about");
}

#[tokio::test]
async fn a_state_that_cannot_be_written_leaves_the_old_one() {
    let dir = data_dir().unwrap();
    let path = dir.path().join("state.json");
    let file = StateFile::open(&path).unwrap();
    file.save(&every_change(1)).await.unwrap();
    // A folder where the new state would go: even root cannot write there.
    fs::create_dir(beside(&path, "new")).unwrap();
    let error = file.save(&every_change(2)).await.unwrap_err();
    assert!(told(&error).contains("state.json cannot be written"), "{error}");
    assert_eq!(file.load().await.unwrap(), Some(every_change(1)));
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_with_what_to_do() {
    for (content, part) in [
        ("", "line 1"),
        ("{\"format\": 1, \"version\": 3", "line 1"),
        ("{\"format\": 2, \"anything\": []}", "format 2 is not 1"),
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
    let first = StateFile::open(&path).unwrap();
    let error = StateFile::open(&path).unwrap_err();
    assert!(error.to_string().contains("is used by another gateway"), "{error}");
    drop(first);
    StateFile::open(&path).unwrap();
    let nowhere = StateFile::open(&dir.path().join("missing/state.json")).unwrap_err();
    assert!(nowhere.to_string().contains("its folder must exist"), "{nowhere}");
}
