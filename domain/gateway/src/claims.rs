//! Headers by which clients could claim to be somebody.
//!
//! Between a gateway and its services such headers are a common way to say who asks. Ours read the token again and none
//! of these; a service that is put behind this gateway one day may not. So nobody's claim gets through.

/// Names with a meaning to some server or framework, lower case, with hyphens.
const NAMES: [&str; 12] = [
    "remote-user",
    "x-remote-groups",
    "x-remote-user",
    "x-user",
    "x-username",
    "x-email",
    "x-roles",
    "x-groups",
    "x-scopes",
    "x-client-cert",
    "x-ssl-client-cert",
    "x-webauth-user",
];

/// How such names begin, where there are many.
const PREFIXES: [&str; 10] = [
    "x-auth-",
    "x-authenticated-",
    "x-consumer-",
    "x-forwarded-access-token",
    "x-forwarded-client-cert",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    "x-user-",
];

/// Whether a header claims an identity. `name` is lower case; underscores are hyphens to some servers, and here.
pub fn claims_identity(name: &[u8]) -> bool {
    let first = name.first();
    // Most headers are done with here.
    if !matches!(first, Some(b'x' | b'r')) {
        return false;
    }
    NAMES.iter().any(|known| known.len() == name.len() && begins(name, known))
        || PREFIXES.iter().any(|prefix| begins(name, prefix))
}

fn begins(name: &[u8], prefix: &str) -> bool {
    let alike = |(theirs, ours): (u8, u8)| theirs == ours || (theirs == b'_' && ours == b'-');
    name.len() >= prefix.len() && name.iter().copied().zip(prefix.bytes()).all(alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_known_however_they_are_written() {
        for name in [
            "x-user-id",
            "x_user_id",
            "x-user-roles",
            "x-user",
            "x-auth-request-email",
            "x-authenticated-userid",
            "x-forwarded-user",
            "x-forwarded-preferred-username",
            "x-forwarded-access-token",
            "x-remote-user",
            "remote-user",
            "remote_user",
            "x-client-cert",
            "x-consumer-username",
        ] {
            assert!(claims_identity(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn others_are_left_alone() {
        for name in [
            "",
            "x",
            "authorization",
            "cookie",
            "range",
            "referer",
            "x-request-id",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded-prefix",
            "x-users",
            "x-authority",
            "user-agent",
        ] {
            assert!(!claims_identity(name.as_bytes()), "{name}");
        }
    }
}
