//! What is done to headers on their way through: [`ToBackend`] writes a client's, [`FromBackend`] takes a backend's.

mod from_backend;
mod lines;
mod named;
mod to_backend;

pub(crate) use from_backend::FromBackend;
pub(crate) use to_backend::ToBackend;

/// How this gateway appears in `Via`: the protocol it was asked in, and its pseudonym.
const VIA_ENTRY: &str = "1.1 gateway";

#[cfg(test)]
mod tests {
    use super::VIA_ENTRY;

    #[test]
    fn loops_are_found_by_the_name_that_is_left() {
        assert!(gateway_domain::message::came_through([VIA_ENTRY], gateway_domain::message::PSEUDONYM));
    }
}
