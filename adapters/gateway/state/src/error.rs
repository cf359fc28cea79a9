//! How the file can fail, with what to do.

use std::{io, path::PathBuf};

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The folder is not there, or nothing can be written in it.
    #[error("{} cannot be used: its folder must exist and be writable", path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Another process has it.
    #[error("{} is used by another gateway: give each its own GATEWAY_STATE_FILE", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is there, and cannot be read.
    #[error("{} cannot be read: make it readable, or unset GATEWAY_STATE_FILE", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// What is in it is no state.
    #[error(
        "{} cannot be understood: put a copy back, or move it away to start with what is configured, without \
         anything that operators have changed (backends added, removed or drained among it)",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        damage: Damage,
    },
    /// It cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// What is wrong with the content.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It is no JSON, or not of this shape.
    #[error(transparent)]
    Shape(#[from] serde_json::Error),
    /// It was written by another version of the gateway.
    #[error("format {found} is newer than {known}, the newest that this version knows")]
    Format {
        /// What it says.
        found: u64,
        /// The newest that is known.
        known: u64,
    },
    /// A value is not possible.
    #[error("{place}: {rule}")]
    Value {
        /// Where.
        place: String,
        /// What is wrong with it.
        rule: String,
    },
}
