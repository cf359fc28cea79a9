//! What a request asks of its connection.

use http::{Method, Version};
use kernel_application::Fields;

use crate::{Follows, RequestHead};

/// What a request asks of its connection, and how it can be answered.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, and any of them may go together"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asks {
    pub(super) follows: Follows,
    /// The answer has no body.
    pub(super) is_head: bool,
    /// The client knows no chunks.
    pub(super) is_old: bool,
    /// The connection is to go on with the next request.
    pub(super) persists: bool,
    /// The client sends its body once it is told to.
    pub(super) expects_continue: bool,
}

impl Asks {
    pub(super) fn of(head: &RequestHead, follows: Follows) -> Self {
        let is_old = head.version == Version::HTTP_10;
        let persists = !has(&head.fields, "close") && (!is_old || has(&head.fields, "keep-alive"));
        Self {
            follows,
            is_head: head.method == Method::HEAD,
            is_old,
            persists: persists && follows != Follows::Tunnel,
            expects_continue: follows == Follows::Body && !is_old && expects_continue(&head.fields),
        }
    }
}

/// Whether `Connection` has the option.
fn has(fields: &Fields, option: &str) -> bool {
    let mut options = fields.texts("connection").flat_map(|value| value.split(','));
    options.any(|known| known.trim().eq_ignore_ascii_case(option))
}

fn expects_continue(fields: &Fields) -> bool {
    fields.all("expect").any(|value| value.trim_ascii().eq_ignore_ascii_case(b"100-continue"))
}

#[cfg(test)]
mod tests {
    use http::uri::PathAndQuery;

    use super::*;

    fn asks(version: Version, fields: &[(&str, &str)], follows: Follows) -> Asks {
        let fields = fields.iter().copied().collect();
        let head = RequestHead::new(Method::POST, PathAndQuery::from_static("/"), fields);
        Asks::of(&RequestHead { version, ..head }, follows)
    }

    #[test]
    fn a_connection_goes_on_as_its_version_has_it() {
        for (version, connection, expected) in [
            (Version::HTTP_11, "", true),
            (Version::HTTP_11, "upgrade, Close", false),
            (Version::HTTP_11, "closed", true),
            (Version::HTTP_10, "", false),
            (Version::HTTP_10, "te, Keep-Alive", true),
            (Version::HTTP_10, "keep-alive, close", false),
        ] {
            let asked = asks(version, &[("connection", connection)], Follows::Nothing);
            assert_eq!(asked.persists, expected, "{version:?} {connection}");
        }
        let tunnel = asks(Version::HTTP_11, &[("connection", "upgrade")], Follows::Tunnel);
        assert!(!tunnel.persists, "whatever its answer is");
    }

    #[test]
    fn only_a_body_is_waited_for() {
        for (version, expect, follows, expected) in [
            (Version::HTTP_11, "100-Continue", Follows::Body, true),
            (Version::HTTP_11, "100-continue", Follows::Nothing, false),
            (Version::HTTP_11, "tea", Follows::Body, false),
            (Version::HTTP_10, "100-continue", Follows::Body, false),
        ] {
            assert_eq!(asks(version, &[("expect", expect)], follows).expects_continue, expected, "{expect}");
        }
    }
}
