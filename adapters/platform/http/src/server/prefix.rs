//! What a gateway took off the path of a request.

use actix_web::http::header::HeaderName;

use crate::Headers;

const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// The header as it came: few answers name the path, so few look at it.
pub(super) struct Prefix(Box<[u8]>);

impl Prefix {
    pub(super) fn of(headers: &dyn Headers) -> Option<Self> {
        headers.only(&X_FORWARDED_PREFIX).map(|value| Self(value.into()))
    }

    /// Anyone can send the header, so it counts only where it looks like a path of ours.
    pub(super) fn path(&self) -> Option<&str> {
        let prefix = std::str::from_utf8(&self.0).ok()?;
        let rest = prefix.strip_prefix('/').filter(|rest| (1..=64).contains(&rest.len()))?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-');
        // Two slashes at the start would make the path a reference to another host.
        let sound = rest.bytes().all(legal) && !prefix.contains("//");
        sound.then(|| prefix.trim_end_matches('/'))
    }
}
