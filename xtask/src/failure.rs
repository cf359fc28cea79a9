//! What went wrong, in words for the person at the terminal: it says what to do next where that is known.

use std::fmt;

/// What every verb returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// What a check found that did not fail, in words for the table of `ci`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All that it promises was checked.
    Held(String),
    /// A part could not be checked, and this says which and why.
    Partial(String),
}

/// A message for the terminal.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Puts what was being done in front of an error.
pub(crate) trait Context<T> {
    fn context(self, doing: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, doing: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| Failure(format!("{}: {error}", doing())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_comes_first() {
        let outcome: Outcome = Err("no such file").context(|| "reading x".to_owned());
        assert_eq!(outcome.unwrap_err().to_string(), "reading x: no such file");
    }
}
