//! What a message's `Connection` names, which ends at this connection, too.

use gateway_application::Fields;
use gateway_domain::{connection_options, is_hop_by_hop};

/// The headers that `Connection` names, read once. Nearly always there are none, and nothing is allocated.
pub(super) struct Named(Vec<String>);

impl Named {
    pub(super) fn by(headers: &Fields) -> Self {
        let mut named = Vec::new();
        for value in headers.all("connection") {
            named.extend(named_by(value));
        }
        Self(named)
    }

    pub(super) fn stays_behind(&self, name: &[u8]) -> bool {
        is_hop_by_hop(name) || self.0.iter().any(|named| named.as_bytes() == name)
    }
}

/// The headers that are named by a value of `Connection`, in lower case. What is no text names what is none of a header's.
pub(super) fn named_by(value: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(value);
    let options = connection_options(&text);
    let names =
        options.filter(|option| !is_hop_by_hop(option.as_bytes()) && !option.eq_ignore_ascii_case("close"));
    names.map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_no_text_names_what_it_names() {
        let mut headers = Fields::default();
        headers.push("Connection", b"\xff, X-Secret, Keep-Alive, close");
        headers.push("connection", b"x-other");
        let named = Named::by(&headers);
        for (name, stays) in [("x-secret", true), ("x-other", true), ("keep-alive", true), ("x-kept", false)]
        {
            assert_eq!(named.stays_behind(name.as_bytes()), stays, "{name}");
        }
    }
}
