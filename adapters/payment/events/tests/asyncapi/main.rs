//! Holds real events against `docs/asyncapi.yaml`, and the document against real events.
//!
//! A new event gets a case in `verdicts.rs` and a message in the document; each without the other fails here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod document;
mod verdicts;

use std::collections::BTreeSet;

use platform_messaging::topics;
use serde_json::{Value, json};

use crate::{document::Document, verdicts::Sent};

/// The only message of this type, or the first of several.
fn one(kind: &str) -> Value {
    verdicts::sent().into_iter().find(|sent| sent.kind == kind).unwrap().event
}

#[test]
fn real_events_are_as_described_and_say_nothing_more() {
    let document = Document::read();
    for Sent { kind, event, headers, .. } in verdicts::sent() {
        assert_eq!(document.check(&kind, &event), Ok(()), "{event:#}");
        assert_eq!(document.check_headers(&kind, &headers), Ok(()), "{headers:#}");
    }
}

#[test]
fn the_document_names_exactly_what_is_sent_and_where() {
    let real: BTreeSet<_> = verdicts::sent().into_iter().map(|sent| (sent.topic, sent.kind)).collect();
    assert_eq!(real.len(), 5);
    assert_eq!(Document::read().messages(), real);
}

#[test]
fn the_key_is_the_subject() {
    for sent in verdicts::sent() {
        assert_eq!(sent.event["subject"], json!(sent.key));
    }
}

#[test]
fn the_document_has_exactly_our_topics() {
    let document = Document::read();
    let real: BTreeSet<_> = topics::ALL.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(document.topics(), real);
    let live: BTreeSet<_> = verdicts::sent().into_iter().map(|sent| sent.topic).collect();
    let origins = document.topics_with_dead_letters();
    assert_eq!(origins, live);
    let dead = origins.iter().map(|topic| topics::dead_letters_of(topic));
    let names: BTreeSet<_> = real.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, live.into_iter().chain(dead).collect());
}

#[test]
fn examples_are_right_too() {
    let document = Document::read();
    let examples = document.examples();
    assert_eq!(examples.len(), 5);
    for (kind, event) in examples {
        assert_eq!(document.check(&kind, &event), Ok(()), "{event:#}");
    }
}

#[test]
fn a_missing_field_is_refused() {
    let document = Document::read();
    for kind in document.messages().into_iter().map(|(_, kind)| kind) {
        let whole = one(&kind);
        for pointer in ["", "/data"] {
            let fields = whole.pointer(pointer).unwrap().as_object().unwrap();
            // The one field a client may leave out.
            for field in fields
                .keys()
                .filter(|field| (kind.as_str(), field.as_str()) != ("payment.refunded.v1", "reason"))
            {
                let mut event = whole.clone();
                event.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(field);
                assert!(document.check(&kind, &event).is_err(), "{kind} without {pointer}/{field}");
            }
        }
    }
}

#[test]
fn money_that_is_no_decimal_string_is_refused() {
    let document = Document::read();
    for (kind, pointer) in [
        ("payment.completed.v1", "/data/amount"),
        ("payment.completed.v1", "/data/items/0/price"),
        ("payment.completed.v1", "/data/items/0/subtotal"),
        ("payment.failed.v1", "/data/amount"),
        ("payment.refunded.v1", "/data/refund_amount"),
        ("payment.refunded.v1", "/data/remaining"),
    ] {
        for wrong in [json!(30.0), json!(30), json!("30"), json!("30.0"), json!("3e1"), Value::Null] {
            let mut event = one(kind);
            *event.pointer_mut(pointer).unwrap() = wrong.clone();
            assert!(document.check(kind, &event).is_err(), "{kind} with {pointer} = {wrong}");
        }
    }
}

#[test]
fn a_field_nobody_described_is_found_however_deep() {
    let document = Document::read();
    for pointer in ["", "/data", "/data/items/0"] {
        let mut event = one("payment.completed.v1");
        event.pointer_mut(pointer).unwrap()["secret"] = json!(1);
        assert!(document.check("payment.completed.v1", &event).is_err(), "{pointer}/secret");
    }
}
