//! Who calls: bearer tokens, verified with the keys of their issuer.
//!
//! The edges of a service hand the `Authorization` header of each call to its [`Authenticator`] and put the
//! [`Caller`](kernel_application::Caller) that comes back into the call's context:
//!
//! ```text
//! let identity = IdentitySettings::declare(settings, common.environment);   // in the binary's configuration
//! let authenticator = identity.authenticator(&logger)?;                     // once, where there is a runtime
//! let caller = authenticator.authenticate(authorization(values)).await?;    // for each call
//! ```
//!
//! A token is a JWT signed with RS256, ES256 or `EdDSA`; `sub`, `iss`, `aud` and `exp` are required, `nbf` is honoured,
//! and `roles` says what else the subject may do. The algorithm is the key's, whatever the token says of itself. A new
//! algorithm is an arm in `key_set`, `header` and `crypto`; a new place to have keys from implements `source::Source`.
//! Keys come from a file or a URL and are followed by a task of their own, so that they rotate without a restart;
//! while their source is away, the last good ones stay.
//!
//! A service that calls others proves who it is with a [`ServiceToken`]. What goes on for longer than a token is good asks
//! [`Caller::lasts`](kernel_application::Caller::lasts), as who calls is found out once. Tests make tokens, good and bad, with
//! `testing::TestIssuer` (feature `testing`).

mod age;
mod authenticator;
mod bearer;
mod cache;
mod claims;
mod crypto;
mod header;
mod key_set;
mod keys;
mod rejected;
mod service_token;
mod settings;
mod source;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod verifier;

pub use authenticator::Authenticator;
pub use bearer::authorization;
pub use rejected::Rejected;
pub use service_token::ServiceToken;
pub use settings::{BuildError, IdentitySettings};
