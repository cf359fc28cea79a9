//! The header fields of a message.

/// Header fields in the order in which they came, each name in lower case.
///
/// They are one text, as they go over the wire: a gateway reads a message's fields once or twice, changes a few and passes
/// on the rest, for which a map of single strings costs more than it saves.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// A line for each field that was ever added: `name: value`, with its line break.
    text: Vec<u8>,
    places: Vec<Place>,
    /// The [marks](mark) of all names that were ever added: most names that are looked for are not there.
    marks: u64,
}

/// Where a field is in the text.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    /// Where its name ends.
    name: usize,
    /// Where its value ends.
    end: usize,
}

const COLON: &[u8] = b": ";
const LINE_BREAK: &[u8] = b"\r\n";
/// As long as a name and what stands around it are on average.
const NAME: usize = 20;

impl Fields {
    /// No fields, with room for so many and for values of so many bytes together.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        let text = Vec::with_capacity(fields.saturating_mul(NAME).saturating_add(bytes));
        Self { text, places: Vec::with_capacity(fields), marks: 0 }
    }

    /// Adds a field behind all others. Neither name nor value may have a line break.
    pub fn push(&mut self, name: impl AsRef<[u8]>, value: &[u8]) {
        self.push_if(name.as_ref(), value, |_| true);
    }

    /// The same, where the name, a token, is to be kept once it is in lower case.
    pub fn push_if(&mut self, name: &[u8], value: &[u8], keep: impl FnOnce(&[u8]) -> bool) {
        let start = self.begin(name, value);
        let added = &mut self.text[start..];
        added.make_ascii_lowercase();
        if keep(added) { self.end(start, value) } else { self.text.truncate(start) }
    }

    /// The same, where the name is in lower case already.
    pub fn add(&mut self, name: &str, value: &[u8]) {
        let start = self.begin(name.as_bytes(), value);
        self.end(start, value);
    }

    /// Adds all fields of another message.
    pub fn add_all(&mut self, others: &Self) {
        let start = self.text.len();
        self.text.extend_from_slice(&others.text);
        self.places.extend(others.places.iter().map(|place| place.behind(start)));
        self.marks |= others.marks;
    }

    /// Makes this the only field of its name, which is in lower case.
    pub fn set(&mut self, name: &str, value: &[u8]) {
        self.remove(name);
        self.add(name, value);
    }

    /// Takes out all fields of a name, which is in lower case.
    pub fn remove(&mut self, name: &str) {
        if self.marks & mark(name.as_bytes()) != 0 {
            let Self { text, places, .. } = self;
            places.retain(|place| !place.is(name, text));
        }
    }

    /// Takes out all fields whose names are not to be kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8]) -> bool) {
        let Self { text, places, .. } = self;
        places.retain(|place| keep(place.name(text)));
    }

    /// Whether there is a field of the name, which is in lower case.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The value of the first field of the name, which is in lower case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The same, where it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(text)
    }

    /// The values of all fields of the name that are texts.
    pub fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.all(name).filter_map(text)
    }

    /// The values of all fields of the name, which is in lower case.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let known = if self.marks & mark(name.as_bytes()) == 0 { &[] } else { &*self.places };
        known.iter().filter(move |place| place.is(name, &self.text)).map(|place| place.value(&self.text))
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let name = |place: &Place| std::str::from_utf8(place.name(&self.text)).unwrap_or_default();
        self.places.iter().map(move |place| (name(place), place.value(&self.text)))
    }

    /// Writes the fields whose names are to be kept as they go over the wire, a line for each.
    pub fn write(&self, out: &mut Vec<u8>, mut keep: impl FnMut(&[u8]) -> bool) {
        // Lines that stand together go together.
        let mut run = 0..0;
        for place in self.places.iter().filter(|place| keep(place.name(&self.text))) {
            if run.end != place.start {
                out.extend_from_slice(&self.text[run]);
                run = place.start..place.start;
            }
            run.end = place.end + LINE_BREAK.len();
        }
        out.extend_from_slice(&self.text[run]);
    }

    /// Begins a line with a name; where it begins.
    fn begin(&mut self, name: &[u8], value: &[u8]) -> usize {
        let start = self.text.len();
        self.text.reserve(name.len() + value.len() + COLON.len() + LINE_BREAK.len());
        self.text.extend_from_slice(name);
        start
    }

    /// Ends a line that has a name already.
    fn end(&mut self, start: usize, value: &[u8]) {
        let name = self.text.len();
        self.marks |= mark(&self.text[start..]);
        self.text.extend_from_slice(COLON);
        self.text.extend_from_slice(value);
        let end = self.text.len();
        self.text.extend_from_slice(LINE_BREAK);
        self.places.push(Place { start, name, end });
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How long all names and values are together.
    pub fn bytes(&self) -> usize {
        self.places.iter().map(|place| place.end - place.start - COLON.len()).sum()
    }
}

/// One of 64 bits. Names that differ have mostly different ones.
fn mark(name: &[u8]) -> u64 {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return 1 };
    let length = u32::try_from(name.len()).unwrap_or_default();
    1_u64.rotate_left(u32::from(*first) * 3 + u32::from(*last) * 7 + length)
}

impl Place {
    /// The same, behind so many bytes.
    const fn behind(self, start: usize) -> Self {
        Self { start: start + self.start, name: start + self.name, end: start + self.end }
    }

    fn name(self, text: &[u8]) -> &[u8] {
        &text[self.start..self.name]
    }

    fn value(self, text: &[u8]) -> &[u8] {
        &text[self.name + COLON.len()..self.end]
    }

    /// Most names are told apart by their length already.
    fn is(self, name: &str, text: &[u8]) -> bool {
        self.name - self.start == name.len() && self.name(text) == name.as_bytes()
    }
}

/// The same fields, whatever was taken out of either.
impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields {}

impl<'a> FromIterator<(&'a str, &'a str)> for Fields {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(fields: T) -> Self {
        let mut collected = Self::default();
        for (name, value) in fields {
            collected.push(name, value.as_bytes());
        }
        collected
    }
}

/// What can be seen, as a text.
fn text(value: &[u8]) -> Option<&str> {
    let visible = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    std::str::from_utf8(value).ok().filter(|_| value.iter().all(visible))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        [("Host", "a"), ("X-A", "1"), ("accept", ""), ("x-a", "2")].into_iter().collect()
    }

    fn shown(fields: &Fields) -> Vec<(&str, &[u8])> {
        fields.iter().collect()
    }

    #[test]
    fn fields_stay_in_order_under_lower_case_names() {
        let fields = fields();
        let expected: [(&str, &[u8]); 4] = [("host", b"a"), ("x-a", b"1"), ("accept", b""), ("x-a", b"2")];
        assert_eq!(shown(&fields), expected);
        assert_eq!((fields.get("x-a"), fields.get("accept")), (Some(&b"1"[..]), Some(&b""[..])));
        assert_eq!(fields.texts("x-a").collect::<Vec<_>>(), ["1", "2"]);
        assert!(fields.contains("host") && !fields.contains("hos") && !fields.contains("via"));
        assert_eq!((fields.len(), fields.bytes()), (4, 16 + 3));
    }

    #[test]
    fn fields_go_and_come() {
        let mut fields = fields();
        fields.set("x-a", b"3");
        fields.remove("accept");
        fields.retain(|name| name != b"via");
        fields.push_if(b"Connection", b"close", |name| name != b"connection");
        assert_eq!(shown(&fields), [("host", &b"a"[..]), ("x-a", b"3")]);
        assert_eq!(
            fields,
            [("host", "a"), ("x-a", "3")].into_iter().collect(),
            "what has gone makes no difference"
        );
        assert_ne!(fields, [("x-a", "3"), ("host", "a")].into_iter().collect());
    }

    #[test]
    fn fields_are_written_as_they_go_over_the_wire() {
        let mut fields = fields();
        let written = |fields: &Fields, keep: fn(&[u8]) -> bool| {
            let mut out = b">".to_vec();
            fields.write(&mut out, keep);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(&fields, |_| true), ">host: a\r\nx-a: 1\r\naccept: \r\nx-a: 2\r\n");
        assert_eq!(written(&fields, |name| name != b"x-a"), ">host: a\r\naccept: \r\n");
        assert_eq!(written(&fields, |name| name == b"x-a"), ">x-a: 1\r\nx-a: 2\r\n");
        assert_eq!(written(&fields, |_| false), ">");
        fields.set("host", b"b");
        fields.remove("accept");
        assert_eq!(written(&fields, |_| true), ">x-a: 1\r\nx-a: 2\r\nhost: b\r\n");
        assert_eq!(written(&Fields::default(), |_| true), ">");
    }

    #[test]
    fn fields_of_others_are_added() {
        let mut fields = fields();
        fields.remove("x-a");
        let mut others: Fields = [("etag", "1"), ("x-b", "2"), ("vary", "3")].into_iter().collect();
        others.remove("x-b");
        fields.add_all(&others);
        assert_eq!(
            fields,
            [("host", "a"), ("accept", ""), ("etag", "1"), ("vary", "3")].into_iter().collect()
        );
        assert!(fields.contains("vary") && !fields.contains("x-b"));
        let mut out = Vec::new();
        fields.write(&mut out, |_| true);
        assert_eq!(out, b"host: a\r\naccept: \r\netag: 1\r\nvary: 3\r\n");
    }

    #[test]
    fn whatever_name_was_added_is_found() {
        let names: Vec<String> = (0..200).map(|n| format!("x-{}{n}", "y".repeat(n % 7))).collect();
        let mut fields = Fields::default();
        for name in &names {
            assert!(!fields.contains(name));
            fields.add(name, name.as_bytes());
            assert_eq!(fields.text(name), Some(name.as_str()));
        }
        for name in &names {
            fields.remove(name);
            assert!(!fields.contains(name), "{name}");
        }
        assert!(fields.is_empty());
    }

    #[test]
    fn what_cannot_be_seen_is_no_text() {
        for (value, expected) in [(&b"a b\t~"[..], Some("a b\t~")), (b"\xc3\xa4", None), (b"\x7f", None)] {
            let mut fields = Fields::default();
            fields.push("a", value);
            assert_eq!((fields.get("a"), fields.text("a")), (Some(value), expected));
        }
    }
}
