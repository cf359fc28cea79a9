//! The header fields of a message.

use bytes::Bytes;

/// Header fields in the order in which they came, each name in lower case.
///
/// All names are one text and all values another: a gateway reads a message's fields once or twice, changes a few and
/// passes on the rest, for which a map of single strings costs more than it saves.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    names: String,
    values: Vec<u8>,
    places: Vec<Place>,
}

/// Where a field's name and value are.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: (usize, usize),
    value: (usize, usize),
}

impl Fields {
    /// No fields, with room for so many and for values of so many bytes together.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        // As long as names are on average.
        const NAME: usize = 16;
        Self {
            names: String::with_capacity(fields * NAME),
            values: Vec::with_capacity(bytes),
            places: Vec::with_capacity(fields),
        }
    }

    /// Adds a field behind all others.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        self.push_if(name, value, |_| true);
    }

    /// The same, where the name is to be kept once it is in lower case.
    pub fn push_if(&mut self, name: &str, value: &[u8], keep: impl FnOnce(&str) -> bool) {
        let (name_at, value_at) = (self.names.len(), self.values.len());
        self.names.push_str(name);
        if let Some(name) = self.names.get_mut(name_at..) {
            name.make_ascii_lowercase();
            if !keep(name) {
                self.names.truncate(name_at);
                return;
            }
        }
        self.values.extend_from_slice(value);
        let place = Place { name: (name_at, self.names.len()), value: (value_at, self.values.len()) };
        self.places.push(place);
    }

    /// Makes this the only field of its name, which is in lower case.
    pub fn set(&mut self, name: &str, value: &[u8]) {
        self.remove(name);
        self.push(name, value);
    }

    /// Takes out all fields of a name, which is in lower case.
    pub fn remove(&mut self, name: &str) {
        self.retain(|other| other != name);
    }

    /// Takes out all fields whose names are not to be kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        let Self { names, places, .. } = self;
        places.retain(|place| keep(part(names, place.name)));
    }

    /// Whether there is a field of the name, which is in lower case.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The value of the first field of the name, which is in lower case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.places(name).next().map(|place| self.value(place))
    }

    /// The same, where it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(text)
    }

    /// The values of all fields of the name that are texts.
    pub fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.places(name).filter_map(|place| text(self.value(place)))
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.places.iter().map(|place| (part(&self.names, place.name), self.value(place)))
    }

    /// Gives away all fields, with values that share their memory.
    pub fn give(self, mut take: impl FnMut(&str, Bytes)) {
        let values = Bytes::from(self.values);
        for Place { name, value: (start, end) } in self.places {
            take(part(&self.names, name), values.slice(start..end));
        }
    }

    fn places(&self, name: &str) -> impl Iterator<Item = &Place> {
        // Most names are told apart by their length already.
        let alike = move |(start, end): (usize, usize)| {
            end - start == name.len() && part(&self.names, (start, end)) == name
        };
        self.places.iter().filter(move |place| alike(place.name))
    }

    fn value(&self, place: &Place) -> &[u8] {
        let (start, end) = place.value;
        self.values.get(start..end).unwrap_or_default()
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How long all names and values were together that were ever added.
    pub fn bytes(&self) -> usize {
        self.names.len() + self.values.len()
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

fn part(names: &str, (start, end): (usize, usize)) -> &str {
    names.get(start..end).unwrap_or_default()
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
        fields.retain(|name| name != "via");
        fields.push_if("Connection", b"close", |name| name != "connection");
        assert_eq!(shown(&fields), [("host", &b"a"[..]), ("x-a", b"3")]);
        assert_eq!(
            fields,
            [("host", "a"), ("x-a", "3")].into_iter().collect(),
            "what has gone makes no difference"
        );
        assert_ne!(fields, [("x-a", "3"), ("host", "a")].into_iter().collect());
        let mut given = Vec::new();
        fields.give(|name, value| given.push((name.to_owned(), value)));
        assert_eq!(given, [("host".to_owned(), Bytes::from("a")), ("x-a".to_owned(), Bytes::from("3"))]);
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
