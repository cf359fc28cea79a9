//! What is measured.

/// An operation of a port.
#[derive(Clone, Debug)]
pub struct Subject {
    pub(super) port: &'static str,
    pub(super) operation: String,
    pub(super) class: Class,
}

/// What kind of work it is; `cargo xtask bench stores` knows what is aimed at for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Finds one thing by its key.
    PointRead,
    /// Loads one aggregate and saves it.
    Command,
    /// Several aggregates or several transactions.
    Process,
    /// The first page of a list.
    FirstPage,
    /// A page far behind the first.
    DeepPage,
    /// Events into a log or out of it.
    Stream,
    /// Events from an outbox to a log.
    Relay,
}

impl Class {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::PointRead => "point_read",
            Self::Command => "command",
            Self::Process => "process",
            Self::FirstPage => "first_page",
            Self::DeepPage => "deep_page",
            Self::Stream => "stream",
            Self::Relay => "relay",
        }
    }
}

impl Subject {
    /// `operation` of `port`. The pages of one list have the same name: their classes tell them apart.
    pub fn new(class: Class, port: &'static str, operation: impl Into<String>) -> Self {
        Self { port, operation: operation.into(), class }
    }
}
