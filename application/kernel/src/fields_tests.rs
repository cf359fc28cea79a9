//! Fields as they come, change and go.

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
    assert_eq!(fields, [("host", "a"), ("accept", ""), ("etag", "1"), ("vary", "3")].into_iter().collect());
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
