//! Finds backends: in DNS, looked up again as the records' time to live says, and in a watched file.
//!
//! A service's sources are what the file says of it, or else what is configured. [`Discovery`] looks at the file
//! (`file`), looks up the names among the sources (`resolver`, remembered in `lookups`), and hands what all of them come
//! to over to the application, all services at once. Each name is asked for by itself, so that one that hangs holds
//! nobody up. What cannot be read or looked up changes nothing: the last good
//! list stays. A new kind of source is a variant of the domain's `Source` with its arm in `resolver`.

mod file;
mod lookups;
mod metrics;
mod resolver;
#[cfg(test)]
mod tests;
mod worker;

pub use file::{FileError, WatchedFile};
pub use metrics::DiscoveryMetrics;
pub use resolver::Resolver;
pub use worker::{Configured, Discovery, Pace};
