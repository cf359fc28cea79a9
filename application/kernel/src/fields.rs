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
#[path = "fields_tests.rs"]
mod tests;
