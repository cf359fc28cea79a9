//! Takes out what clients say of themselves.

use gateway_domain::claims_identity;
use http::{HeaderMap, HeaderName};

/// Removes headers that claim an identity. `Authorization` stays: whoever reads it has to verify it.
pub(super) fn remove(headers: &mut HeaderMap) {
    let claims = |name: &&HeaderName| claims_identity(name.as_str());
    // Nearly always there are none, and nothing is copied.
    while let Some(name) = headers.keys().find(claims).cloned() {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn all_claims_go_and_the_token_stays() {
        let mut headers = HeaderMap::new();
        for name in ["x-user-id", "x-user-id", "x_user_roles", "x-forwarded-user", "authorization", "accept"]
        {
            headers.append(name, HeaderValue::from_static("1"));
        }
        remove(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "authorization"]);
    }
}
