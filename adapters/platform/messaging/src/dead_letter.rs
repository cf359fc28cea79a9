//! How a record that cannot be processed is marked, and made to fit: a letter that the outbox or the log refuses would
//! block its partition for good.
//!
//! Headers that begin with `dlq-` say why and whence. A payload above [`MAX_PAYLOAD`] is cut, and `dlq-cut` says how long
//! it was. Control characters, some of which a store refuses, are replaced, key and headers bounded; `dlq-mended` names
//! what was changed by that. All else stays as it was.

use std::borrow::Cow;

use kernel_application::messaging::{Header, MAX_KEY, MAX_PAYLOAD, OutboundMessage, Record};
use kernel_domain::EventId;

use crate::topics::dead_letters_of;

/// What all headers of a dead letter begin with; the others are the record's own.
const PREFIX: &str = "dlq-";
/// Why it was parked.
pub(crate) const REASON: &str = "dlq-reason";
/// Who could not process it.
pub(crate) const CONSUMER: &str = "dlq-consumer";
/// The topic it was read from, with partition and offset.
pub(crate) const TOPIC: &str = "dlq-topic";
pub(crate) const PARTITION: &str = "dlq-partition";
pub(crate) const OFFSET: &str = "dlq-offset";
/// How many bytes the payload had, where it was cut.
pub(crate) const CUT: &str = "dlq-cut";
/// What else was changed: `key`, `headers` or both.
const MENDED: &str = "dlq-mended";
/// Names the consumer that a record was sent once more for; all others pass it by.
pub(crate) const REPLAY_FOR: &str = "replay-for";

/// The most own headers of a record that are kept, and the most characters of a name and of a value. Together with a
/// payload at its cap they stay well below the megabyte that brokers take.
const HEADERS: usize = 32;
const NAME: usize = 128;
const VALUE: usize = 1_024;

/// The message that carries `record` to its dead letters.
pub(crate) fn dead_letter(record: &Record, consumer: &str, reason: &str, id: EventId) -> OutboundMessage {
    let key = fit(&record.key, MAX_KEY);
    // A record that was replayed before has lost its old marks on the way.
    let own = own_headers(&record.headers);
    let mut headers: Vec<_> = own.iter().take(HEADERS).map(fit_header).collect();
    let length = record.payload.len();
    let mended = [("key", key != record.key), ("headers", headers != own)];
    let mended: Vec<_> = mended.into_iter().filter_map(|(name, changed)| changed.then_some(name)).collect();
    headers.extend([
        (REASON.to_owned(), fit(reason, VALUE).into_owned()),
        (CONSUMER.to_owned(), consumer.to_owned()),
        (TOPIC.to_owned(), record.topic.clone()),
        (PARTITION.to_owned(), record.partition.to_string()),
        (OFFSET.to_owned(), record.offset.to_string()),
    ]);
    if length > MAX_PAYLOAD {
        headers.push((CUT.to_owned(), length.to_string()));
    }
    if !mended.is_empty() {
        headers.push((MENDED.to_owned(), mended.join(",")));
    }
    OutboundMessage {
        event_id: id,
        topic: dead_letters_of(&record.topic),
        key: key.into_owned(),
        aggregate_version: 0,
        payload: record.payload[..length.min(MAX_PAYLOAD)].to_vec(),
        headers,
    }
}

/// The headers the record had before it was parked, without what made it this consumer's own.
pub(crate) fn own_headers(headers: &[Header]) -> Vec<Header> {
    let own = |name: &str| !name.starts_with(PREFIX) && name != REPLAY_FOR;
    headers.iter().filter(|(name, _)| own(name)).cloned().collect()
}

/// Whether a record was sent once more for another consumer than `consumer`.
pub(crate) fn is_for_another(record: &Record, consumer: &str) -> bool {
    record.headers.iter().any(|(name, value)| name == REPLAY_FOR && value != consumer)
}

fn fit_header((name, value): &Header) -> Header {
    (fit(name, NAME).into_owned(), fit(value, VALUE).into_owned())
}

/// At most `longest` characters of `text`, none of them a control character: of those a line break becomes a blank, and
/// any other the character that stands for what cannot be shown.
fn fit(text: &str, longest: usize) -> Cow<'_, str> {
    let fits = text.len() <= longest && !text.contains(char::is_control);
    if fits {
        return Cow::Borrowed(text);
    }
    let mend = |character: char| match character {
        '\n' | '\r' | '\t' => ' ',
        other if other.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    };
    text.chars().map(mend).take(longest).collect()
}

#[cfg(test)]
mod tests {
    use kernel_domain::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn record() -> Record {
        Record {
            topic: "stock-events".into(),
            partition: 3,
            offset: 17,
            key: "schlüssel/1".into(),
            payload: vec![0, 1, 0xff],
            headers: vec![("traceparent".into(), "00-ab".into()), ("dlq-reason".into(), "old".into())],
            appended_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn parked(record: &Record, reason: &str) -> OutboundMessage {
        dead_letter(record, "shop", reason, EventId::from_uuid(Uuid::from_u128(1)))
    }

    fn header<'a>(message: &'a OutboundMessage, wanted: &str) -> Option<&'a str> {
        message.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    #[test]
    fn what_fits_stays_as_it_was() {
        let letter = parked(&record(), "no such thing");
        assert_eq!((letter.key, letter.payload), (record().key, record().payload));
        let own = |name: &str| (name.to_owned(), String::new());
        let names: Vec<_> = letter.headers.iter().map(|(name, _)| own(name)).collect();
        let expected = ["traceparent", REASON, CONSUMER, TOPIC, PARTITION, OFFSET].map(own);
        assert_eq!(names, expected);
        assert_eq!(letter.headers[1].1, "no such thing", "not the reason it was parked for before");
    }

    #[test]
    fn a_payload_above_the_cap_is_cut_and_says_so() {
        let payload: Vec<u8> = (0..=u8::MAX).cycle().take(1_000_000).collect();
        let letter = parked(&Record { payload: payload.clone(), ..record() }, "too large");
        assert!(letter.check_size().is_ok() && payload.starts_with(&letter.payload));
        assert_eq!((letter.payload.len(), header(&letter, CUT)), (MAX_PAYLOAD, Some("1000000")));
        assert_eq!(header(&letter, MENDED), None);
        let whole = parked(&Record { payload: vec![7; MAX_PAYLOAD], ..record() }, "");
        assert_eq!((whole.payload.len(), header(&whole, CUT)), (MAX_PAYLOAD, None));
    }

    #[test]
    fn key_and_headers_have_no_control_characters_and_say_that_they_had() {
        let headers = vec![("a\0b".into(), "1\u{1b}\u{85}2".into()), ("fine".into(), "größer".into())];
        let letter = parked(&Record { key: "k\0\n1".into(), headers, ..record() }, "first\nsecond\0");
        assert_eq!(letter.key, "k\u{fffd} 1");
        assert_eq!(letter.headers[0], ("a\u{fffd}b".into(), "1\u{fffd}\u{fffd}2".into()));
        assert_eq!(letter.headers[1], ("fine".into(), "größer".into()));
        assert_eq!(header(&letter, REASON), Some("first second\u{fffd}"));
        assert_eq!(header(&letter, MENDED), Some("key,headers"));
    }

    #[test]
    fn whatever_it_was_a_letter_fits_a_broker() {
        let long = || "😀".repeat(9_000);
        let headers = (0..500).map(|n| (format!("{n}{}", long()), long())).collect();
        let wild = Record { key: long(), payload: vec![0; 1_000_000], headers, ..record() };
        let letter = parked(&wild, &long());
        assert_eq!((letter.key.chars().count(), letter.headers.len()), (MAX_KEY, HEADERS + 7));
        let bytes: usize = letter.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bytes + letter.key.len() + letter.payload.len() < 500_000, "{bytes} bytes of headers");
        assert_eq!(header(&letter, MENDED), Some("key,headers"));
        let short = (0..33).map(|n| (format!("h{n}"), String::new())).collect();
        let letter = parked(&Record { headers: short, ..record() }, "");
        assert_eq!(header(&letter, MENDED), Some("headers"), "one is missing");
    }

    #[test]
    fn only_a_record_that_names_another_is_passed_by() {
        let named = |name: &str| Record { headers: vec![(REPLAY_FOR.into(), name.into())], ..record() };
        assert!(!is_for_another(&record(), "shop") && !is_for_another(&named("shop"), "shop"));
        assert!(is_for_another(&named("another"), "shop"));
        assert_eq!(own_headers(&named("another").headers), [], "it is of one replay only");
    }
}
