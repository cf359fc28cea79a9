//! The lines of a head, as they are written.

/// Writes the lines of a head.
pub(super) struct Lines<'a>(pub(super) &'a mut Vec<u8>);

impl Lines<'_> {
    /// Begins a line with a name and what follows it.
    pub(super) fn begin(&mut self, name: &'static str) -> &mut Self {
        self.push(name.as_bytes())
    }

    /// What is the value of a header already.
    pub(super) fn push(&mut self, value: &[u8]) -> &mut Self {
        self.0.extend_from_slice(value);
        self
    }

    /// Any text, without what cannot stand in a header.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let sound = |byte: u8| matches!(byte, b' '..=b'~');
        if text.bytes().all(sound) {
            return self.push(text.as_bytes());
        }
        self.0.extend(text.bytes().filter(|byte| sound(*byte)));
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        let mut text = itoa::Buffer::new();
        self.push(text.format(number).as_bytes())
    }

    /// Begins a list with all values that there are.
    pub(super) fn list<'a>(&mut self, known: impl Iterator<Item = &'a str>) -> &mut Self {
        for line in known.map(str::trim).filter(|line| !line.is_empty()) {
            self.push(line.as_bytes()).push(b", ");
        }
        self
    }

    pub(super) fn end(&mut self) {
        self.push(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_line() {
        let mut line = Vec::new();
        Lines(&mut line).begin("via: ").text("a\r\nb: c\0\u{e9}").end();
        assert_eq!(line, b"via: ab: c\r\n");
    }

    #[test]
    fn a_list_has_what_there_is() {
        let mut line = Vec::new();
        Lines(&mut line).list(["a", " ", "b, c "].into_iter()).number(7);
        assert_eq!(line, b"a, b, c, 7");
    }
}
