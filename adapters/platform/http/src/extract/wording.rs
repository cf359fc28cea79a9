//! serde's complaints in the client's words. They are never passed on: they name Rust types.
//!
//! A type of our own says what it wants in `Visitor::expecting`, as in "a whole number"; a new wording of serde or of a
//! format is a new line in one of the two tables. What is in neither "is not valid", and no more.

const TYPE: &str = "invalid_type";
const VALUE: &str = "invalid_value";
const WHOLE: &str = "must be a whole number";
const NUMBER: &str = "must be a number";
const SIZE: &str = "is too large or too small";

/// The code and the rule behind a message.
pub(super) fn of(message: &str) -> (&'static str, String) {
    if let Some((code, rule)) = of_text(message).or_else(|| of_path(message)) {
        return (code, rule.to_owned());
    }
    // A client's own text may hold the word as well, but it comes first.
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
    let expected = expected.or_else(|| message.strip_prefix("expected ")).unwrap_or_default();
    if message.starts_with("unknown variant ") {
        return ("unknown_value", variants(expected));
    }
    let rule = rule(expected);
    if message.starts_with("invalid type: ") || message.starts_with("expected ") {
        return (TYPE, rule);
    }
    // Only a number that does not fit its type is a wrong value of the right kind.
    let size = rule == WHOLE && message.starts_with("invalid value: integer ");
    (VALUE, if size { SIZE.to_owned() } else { rule })
}

/// What the standard library, `serde_json` and `uuid` say when they read text.
fn of_text(message: &str) -> Option<(&'static str, &'static str)> {
    let table = [
        ("invalid digit found in string", TYPE, WHOLE),
        ("cannot parse integer from empty string", TYPE, WHOLE),
        ("number too large to fit", VALUE, SIZE),
        ("number too small to fit", VALUE, SIZE),
        ("number would be zero", VALUE, "must not be 0"),
        ("number out of range", VALUE, SIZE),
        ("invalid float literal", TYPE, NUMBER),
        ("cannot parse float from empty string", TYPE, NUMBER),
        ("provided string was not `true` or `false`", TYPE, "must be true or false"),
        ("UUID parsing failed", VALUE, "must be a UUID"),
        ("invalid length ", VALUE, "has the wrong number of items"),
        ("recursion limit exceeded", VALUE, "is nested too deeply"),
    ];
    let line = table.into_iter().find(|(start, ..)| message.starts_with(start));
    line.map(|(_, code, rule)| (code, rule))
}

/// What the router says: `can not parse "abc" to a i64`.
fn of_path(message: &str) -> Option<(&'static str, &'static str)> {
    let (value, wanted) = message.strip_prefix("can not parse ")?.rsplit_once(" to a ")?;
    let digits = value.trim_matches('"');
    let digits = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    Some(match known(wanted) {
        Some(WHOLE) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            (VALUE, SIZE)
        }
        Some(rule) => (TYPE, rule),
        None => (TYPE, "is not valid"),
    })
}

/// What is expected, as a rule.
fn rule(expected: &str) -> String {
    match known(expected) {
        Some(rule) => rule.to_owned(),
        None if is_prose(expected) => format!("must be {expected}"),
        None => "is not valid".to_owned(),
    }
}

/// The words of serde and of the formats for what they expect.
fn known(expected: &str) -> Option<&'static str> {
    let first = expected.split(' ').next().unwrap_or_default();
    Some(match expected {
        "a boolean" | "bool" => "must be true or false",
        "a string" | "a borrowed string" | "a character" | "string" | "str" | "char" | "string or map"
        | "variant identifier" => "must be text",
        "a sequence" => "must be a list",
        "a map" => "must be an object",
        "a formatted UUID string" => "must be a UUID",
        _ if expected.starts_with("a nonzero ") => "must be a whole number other than 0",
        _ if expected.starts_with("a tuple ") || expected.starts_with("an array ") => "must be a list",
        _ if expected.starts_with("tuple ") => "must be a list",
        _ => match first {
            "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128"
            | "usize" => WHOLE,
            "f32" | "f64" => NUMBER,
            "struct" => "must be an object",
            _ => return None,
        },
    })
}

/// Whether it was written for people: an article, and no name of a type.
fn is_prose(expected: &str) -> bool {
    let mut words = expected.split(' ');
    let article = matches!(words.next(), Some("a" | "an"));
    let mut words = words.peekable();
    article && words.peek().is_some() && words.all(|word| !is_type(word))
}

fn is_type(word: &str) -> bool {
    let inside = word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase);
    let capital = word.starts_with(char::is_uppercase) && word.chars().any(char::is_lowercase);
    inside || capital || word.contains("::") || word.contains('<') || known(word).is_some()
}

/// `expected` lists the words a client may send: `` one of `a`, `b` ``.
fn variants(expected: &str) -> String {
    if expected.contains('`') { format!("must be {expected}") } else { "is not a known value".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_in_the_words_of_clients() {
        for (message, code, rule) in [
            (r#"can not parse "abc" to a i64"#, TYPE, WHOLE),
            (r#"can not parse "" to a u32"#, TYPE, WHOLE),
            (r#"can not parse "1 to a x" to a bool"#, TYPE, "must be true or false"),
            (r#"can not parse "99999999999999999999" to a i64"#, VALUE, SIZE),
            (r#"can not parse "x" to a Odd"#, TYPE, "is not valid"),
            ("invalid type: floating point `1e+30`, expected i64", TYPE, WHOLE),
            ("invalid type: floating point `1.5`, expected a whole number", TYPE, WHOLE),
            (r#"invalid type: string "a, expected struct B", expected u8"#, TYPE, WHOLE),
            ("invalid value: integer `300`, expected u8", VALUE, SIZE),
            ("invalid value: integer `9223372036854775808`, expected a whole number", VALUE, SIZE),
            (
                "invalid value: integer `0`, expected a nonzero u64",
                VALUE,
                "must be a whole number other than 0",
            ),
            ("invalid type: null, expected f64", TYPE, NUMBER),
            ("invalid type: integer `1`, expected a string", TYPE, "must be text"),
            ("invalid type: integer `1`, expected string or map", TYPE, "must be text"),
            ("invalid type: map, expected a sequence", TYPE, "must be a list"),
            ("invalid type: string \"x\", expected struct NewThing", TYPE, "must be an object"),
            ("invalid type: integer `1`, expected a map", TYPE, "must be an object"),
            ("invalid type: integer `1`, expected struct Row with 3 elements", TYPE, "must be an object"),
            ("invalid type: integer `1`, expected tuple struct Row", TYPE, "must be a list"),
            ("invalid type: string \"x\", expected a boolean", TYPE, "must be true or false"),
            ("expected an amount such as \"1.50\"", TYPE, "must be an amount such as \"1.50\""),
            ("unknown variant `x`, expected one of `a`, `b`", "unknown_value", "must be one of `a`, `b`"),
            ("unknown variant `x`, there are no variants", "unknown_value", "is not a known value"),
            ("invalid length 1, expected a tuple of size 2", VALUE, "has the wrong number of items"),
            ("UUID parsing failed: invalid character", VALUE, "must be a UUID"),
            ("provided string was not `true` or `false`", TYPE, "must be true or false"),
        ] {
            assert_eq!(of(message), (code, rule.to_owned()), "{message}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_passed_on() {
        for message in [
            "data did not match any variant of untagged enum Shape",
            "invalid type: unit, expected internally tagged enum Shape",
            "invalid type: unit, expected a NewThing",
            "invalid type: unit, expected a Vec<u8>",
            "invalid type: unit, expected a std::time",
            "invalid type: unit, expected a list of u8",
            "invalid type: unit, expected newType",
            "something else entirely",
            "expected ",
            "",
        ] {
            assert_eq!(of(message).1, "is not valid", "{message}");
        }
    }
}
