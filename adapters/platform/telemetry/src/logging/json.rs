//! One JSON object a line, written straight into the line's bytes.

use std::{
    cell::Cell,
    fmt, io, mem,
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use slog::{KV, Key, Level, OwnedKVList, Record, Serializer};

use super::decimal;

/// Writes lines of one root logger. Clones are the same.
#[derive(Clone)]
pub(super) struct Json {
    /// What all of them have, written once.
    common: Arc<[u8]>,
}

impl Json {
    pub(super) fn new(service: &str, version: &str) -> Self {
        let mut common = Vec::new();
        let mut fields = Fields::behind(&mut common);
        // Nothing fails that is written to memory.
        let _ = fields.emit_str("service", service).and_then(|()| fields.emit_str("version", version));
        Self { common: common.into() }
    }

    /// Appends the line of a record, without its end.
    pub(super) fn write(
        &self,
        line: &mut Vec<u8>,
        record: &Record<'_>,
        values: &OwnedKVList,
    ) -> slog::Result {
        line.extend_from_slice(b"{\"ts\":\"");
        stamp(line, SystemTime::now())?;
        line.extend_from_slice(name(record.level()));
        line.extend_from_slice(&self.common);
        let mut fields = Fields::behind(line);
        fields.emit_arguments("msg", record.msg())?;
        values.serialize(record, &mut fields)?;
        record.kv().serialize(record, &mut fields)?;
        line.push(b'}');
        Ok(())
    }
}

/// From the end of the moment to that of the level.
fn name(level: Level) -> &'static [u8] {
    match level {
        Level::Critical => b"\",\"level\":\"critical\"",
        Level::Error => b"\",\"level\":\"error\"",
        Level::Warning => b"\",\"level\":\"warn\"",
        Level::Info => b"\",\"level\":\"info\"",
        Level::Debug => b"\",\"level\":\"debug\"",
        Level::Trace => b"\",\"level\":\"trace\"",
    }
}

/// A moment to the second, `2026-02-28T23:59:59`.
type Second = [u8; 19];

thread_local! {
    /// The last second that was written: a busy thread writes many lines in each.
    static SECOND: Cell<(u64, Second)> = const { Cell::new((0, *b"1970-01-01T00:00:00")) };
}

/// `2026-02-28T23:59:59.000001Z`.
fn stamp(line: &mut Vec<u8>, now: SystemTime) -> io::Result<()> {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (mut second, mut text) = SECOND.get();
    if second != since.as_secs() {
        second = since.as_secs();
        let now = DateTime::<Utc>::from(now);
        io::Write::write_fmt(&mut &mut text[..], format_args!("{}", now.format("%Y-%m-%dT%H:%M:%S")))?;
        SECOND.set((second, text));
    }
    line.extend_from_slice(&text);
    let (mut micros, mut fraction) = (since.subsec_micros(), *b".000000Z");
    for digit in fraction[1..7].iter_mut().rev() {
        *digit = b"0123456789"[micros as usize % 10];
        micros /= 10;
    }
    line.extend_from_slice(&fraction);
    Ok(())
}

/// The fields of an object that has one already.
struct Fields<'a> {
    line: &'a mut Vec<u8>,
    /// Whether it is told which part of the service speaks. The nearest logger comes first, and knows best.
    placed: bool,
}

const COMPONENT: &str = "component";

impl<'a> Fields<'a> {
    const fn behind(line: &'a mut Vec<u8>) -> Self {
        Self { line, placed: false }
    }

    fn put(&mut self, key: Key, value: impl Serialize) -> slog::Result {
        self.begin(key, b"\":");
        serde_json::to_writer(&mut *self.line, &value).map_err(io::Error::from)?;
        Ok(())
    }

    /// Everything up to what is between the key and its value.
    fn begin<const LENGTH: usize>(&mut self, key: Key, between: &[u8; LENGTH]) {
        // Keys are words of this program, not of anybody who sends something.
        debug_assert!(is_plain(key.as_bytes()), "the key {key:?} needs escapes");
        self.line.extend_from_slice(b",\"");
        self.line.extend_from_slice(key.as_bytes());
        self.line.extend_from_slice(between);
    }
}

/// Whether no byte needs an escape, eight of them at a time.
fn is_plain(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else {
        return text.iter().all(|byte| !matches!(byte, 0..=0x1f | b'"' | b'\\'));
    };
    // What is left over by whole words is in the last eight bytes.
    let (words, _) = text.as_chunks();
    words.iter().all(|word| !has_special(*word)) && !has_special(*last)
}

/// Whether any byte of the word is a control character, a quotation mark or a backslash. The byte beside one may look
/// like another, which changes nothing, and no byte hides one; those above ASCII never look like any.
const fn has_special(word: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_ne_bytes(word);
    let (quote, backslash) = (word ^ (ONES * b'"' as u64), word ^ (ONES * b'\\' as u64));
    let marked = word.wrapping_sub(ONES * 0x20) | quote.wrapping_sub(ONES) | backslash.wrapping_sub(ONES);
    marked & !word & HIGH != 0
}

macro_rules! put {
    ($($name:ident: $value:ty),+ $(,)?) => {
        $(fn $name(&mut self, key: Key, value: $value) -> slog::Result {
            self.put(key, value)
        })+
    };
}

impl Serializer for Fields<'_> {
    put! {
        emit_bool: bool,
        emit_char: char,
        emit_u8: u8,
        emit_i8: i8,
        emit_u16: u16,
        emit_i16: i16,
        emit_u32: u32,
        emit_i32: i32,
        emit_f32: f32,
        emit_u64: u64,
        emit_i64: i64,
        emit_u128: u128,
        emit_i128: i128,
        emit_usize: usize,
        emit_isize: isize,
    }

    /// Nearly every text is one that needs no escapes, and is copied as it is.
    fn emit_str(&mut self, key: Key, value: &str) -> slog::Result {
        if key == COMPONENT && mem::replace(&mut self.placed, true) {
            return Ok(());
        }
        if !is_plain(value.as_bytes()) {
            return self.put(key, value);
        }
        self.begin(key, b"\":\"");
        self.line.extend_from_slice(value.as_bytes());
        self.line.push(b'"');
        Ok(())
    }

    fn emit_f64(&mut self, key: Key, value: f64) -> slog::Result {
        self.begin(key, b"\":");
        if !decimal::append(self.line, value) {
            serde_json::to_writer(&mut *self.line, &value).map_err(io::Error::from)?;
        }
        Ok(())
    }

    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        match value.as_str() {
            Some(value) => self.emit_str(key, value),
            None => self.put(key, value),
        }
    }

    fn emit_unit(&mut self, key: Key) -> slog::Result {
        self.put(key, ())
    }

    fn emit_none(&mut self, key: Key) -> slog::Result {
        self.put(key, ())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use slog::{b, o};

    use super::*;

    fn written(values: &OwnedKVList, msg: &fmt::Arguments<'_>, fields: slog::BorrowedKV<'_>) -> Value {
        let mut line = Vec::new();
        let json = Json::new("the \"shop\"", "1.2.3");
        json.write(&mut line, &slog::record!(Level::Warning, "", msg, fields), values).unwrap();
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn a_part_of_a_part_is_named_once() {
        let logger = slog::Logger::root(slog::Discard, o!("component" => "clients"));
        let nearer = logger.new(o!("component" => "identity"));
        let mut line = Vec::new();
        let json = Json::new("shop", "1");
        json.write(&mut line, &slog::record!(Level::Info, "", &format_args!("x"), b!()), nearer.list())
            .unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(line.matches(COMPONENT).count(), 1, "{line}");
        assert!(line.contains(r#""component":"identity""#), "{line}");
    }

    #[test]
    fn a_text_is_escaped_wherever_it_has_to_be() {
        for length in 0..20 {
            for place in 0..=length {
                for special in ["", "\"", "\\", "\u{0}", "\u{1f}", " ", "\u{7f}", "é", "\u{ffff}", "€\""] {
                    let hostile =
                        ["x".repeat(place), special.to_owned(), "y".repeat(length - place)].concat();
                    let mut written = Vec::new();
                    Fields::behind(&mut written).emit_str("key", &hostile).unwrap();
                    let text = serde_json::to_string(&hostile).unwrap();
                    assert_eq!(String::from_utf8(written).unwrap(), format!(",\"key\":{text}"));
                }
            }
        }
    }

    #[test]
    fn values_keep_their_kinds_and_text_is_escaped() {
        let values = o!("component" => "shelf").into();
        let hostile = "a \"quoted\"\nline\\ \u{1} é";
        let line = written(
            &values,
            &format_args!("it said {hostile}"),
            b!(
                "text" => hostile, "shown" => %hostile, "count" => 3_u64, "less" => -3_i32, "ms" => 0.25,
                "far" => 1e-7, "not_a_number" => f64::NAN, "yes" => true, "none" => None::<&str>, "unit" => (), "letter" => '"',
            ),
        );
        assert_eq!(line["msg"], format!("it said {hostile}"));
        let mut rest = line.clone();
        for known in ["ts", "msg"] {
            rest.as_object_mut().unwrap().remove(known);
        }
        assert_eq!(
            rest,
            json!({
                "level": "warn", "service": "the \"shop\"", "version": "1.2.3", "component": "shelf",
                "text": hostile, "shown": hostile, "count": 3, "less": -3, "ms": 0.25, "far": 1e-7,
                "not_a_number": null, "yes": true, "none": null, "unit": null, "letter": "\"",
            })
        );
    }

    #[test]
    fn moments_are_those_that_chrono_writes() {
        for text in [
            "1970-01-01T00:00:00.000001Z",
            "2026-02-28T23:59:59.999999Z",
            "2026-02-28T23:59:59.000001Z",
            "2026-03-01T00:00:00.000000Z",
        ] {
            let mut line = Vec::new();
            stamp(&mut line, text.parse::<DateTime<Utc>>().unwrap().into()).unwrap();
            assert_eq!(String::from_utf8(line).unwrap(), text);
        }
    }
}
