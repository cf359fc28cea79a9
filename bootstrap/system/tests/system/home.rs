//! The embedded home: files in the shop's own folder.

use std::path::Path;

/// Where a shop of this test program keeps its data.
pub(crate) struct Home;

impl Home {
    #[expect(clippy::unused_async, reason = "the server home has to wait here")]
    pub(crate) async fn new() -> Self {
        Self
    }

    /// The variables that say so to a service.
    #[expect(clippy::unused_self, reason = "the server home has something to say")]
    pub(crate) fn environment(&self, _service: &str, folder: &Path) -> Vec<(String, String)> {
        let folder = folder.display().to_string();
        let pairs = [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", &*folder)];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }
}
