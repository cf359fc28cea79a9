//! What a binary answers when it is asked for its dead letters: `--dlq-list` and `--dlq-replay`.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use kernel_application::BoxError;
use platform_messaging::{DeadLetter, DeadLetters, Replayed};
use platform_runtime::{Configuration, JobArgument, Program};
use slog::Logger;

/// The word that stands for all topics of a consumer.
const ALL_TOPICS: &str = "--all";

/// Gives `program` the jobs that list the dead letters of its consumer and send them once more; `open` opens them.
pub fn jobs<C, F, Fut>(program: Program<C>, open: F) -> Program<C>
where
    C: Configuration + 'static,
    F: Fn(C, Logger) -> Fut + Copy + 'static,
    Fut: Future<Output = Result<DeadLetters, BoxError>> + 'static,
{
    program
        .job(
            "--dlq-list",
            JobArgument::Optional("TOPIC"),
            "shows what could not be processed, and why",
            move |config, logger, topic: Option<String>| async move {
                list(&open(config, logger).await?, topic.as_deref()).await
            },
        )
        .job(
            "--dlq-replay",
            JobArgument::Required("TOPIC|--all"),
            "sends what could not be processed once more",
            move |config, logger, topic: Option<String>| async move {
                replay(&open(config, logger).await?, topic.as_deref()).await
            },
        )
}

/// This consumer's dead letters as text, of one topic or of all that it reads.
pub async fn list(letters: &DeadLetters, topic: Option<&str>) -> Result<String, BoxError> {
    let own = letters.list(topic).await?;
    let mut text = format!("{} dead letter(s) of consumer {}", own.len(), letters.consumer);
    for letter in own {
        text.push('\n');
        text.push_str(&line(&letter));
    }
    Ok(text)
}

/// Sends this consumer's dead letters of a topic, or of `--all`, once more, and says how many went.
pub async fn replay(letters: &DeadLetters, topic: Option<&str>) -> Result<String, BoxError> {
    let Replayed { replayed, expired, cut, .. } =
        letters.replay(topic.filter(|topic| *topic != ALL_TOPICS)).await?;
    let mut text = format!("{replayed} dead letter(s) of consumer {} sent once more", letters.consumer);
    // Writing to a `String` cannot fail.
    if expired > 0 {
        let _ = write!(text, "; {expired} had left the log before");
    }
    if cut > 0 {
        let _ = write!(text, "; {cut} not, for they were too large to be kept whole");
    }
    Ok(text)
}

fn line(letter: &DeadLetter) -> String {
    let DeadLetter { topic, key, reason, parked_at, cut_from, .. } = letter;
    let number = |number: Option<i64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    let place = format!("{topic}/{}@{}", number(letter.partition.map(i64::from)), number(letter.offset));
    let what = letter.kind.as_deref().unwrap_or("no event");
    let id = letter.event_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let at = parked_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let cut =
        cut_from.map_or_else(String::new, |bytes| format!(" (cut from {bytes} bytes, cannot be replayed)"));
    format!("{at}  {place}  {what}  id {id}  key {key}{cut}\n    {reason}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernel_application::messaging::{EventLog, Inbox, OutboundMessage};
    use kernel_domain::EventId;
    use platform_messaging::topics;
    use platform_runtime::UuidV7Generator;
    use platform_sqlite::{Database, SqliteEventLog, SqliteInbox};

    use super::*;

    async fn bench(folder: &std::path::Path) -> (Arc<SqliteEventLog>, DeadLetters) {
        let log = Arc::new(SqliteEventLog::open(&folder.join("events.db"), &topics::ALL).await.unwrap());
        let db = Database::open_messaging(&folder.join("shop.db"), "shop store").await.unwrap();
        let letters = DeadLetters {
            consumer: "shop",
            topics: vec![topics::STOCK_EVENTS],
            log: Arc::clone(&log) as Arc<dyn EventLog>,
            inbox: Arc::new(SqliteInbox::new(db)) as Arc<dyn Inbox>,
            ids: Arc::new(UuidV7Generator),
            owner: "test".to_owned(),
        };
        (log, letters)
    }

    fn parked(consumer: &str) -> OutboundMessage {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        OutboundMessage {
            event_id: EventId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
            topic: "stock-events.dlq".to_owned(),
            key: "7".to_owned(),
            aggregate_version: 0,
            payload: b"{}".to_vec(),
            headers: vec![
                header("dlq-reason", "no sense in it"),
                header("dlq-consumer", consumer),
                header("dlq-topic", topics::STOCK_EVENTS),
                header("dlq-partition", "3"),
                header("dlq-offset", "17"),
            ],
        }
    }

    #[tokio::test]
    async fn own_letters_are_listed_and_sent_once_more() {
        let folder = platform_testkit::data_dir().unwrap();
        let (log, letters) = bench(folder.path()).await;
        assert_eq!(list(&letters, None).await.unwrap(), "0 dead letter(s) of consumer shop");
        log.append("stock-events.dlq", 0, &[parked("shop"), parked("another")]).await.unwrap();

        let text = list(&letters, Some(topics::STOCK_EVENTS)).await.unwrap();
        assert!(text.starts_with("1 dead letter(s)") && text.contains("stock-events/3@17"), "{text}");
        assert!(text.ends_with("key 7\n    no sense in it"), "{text}");

        let sent = |text: &str| text.split(' ').next().map(str::to_owned);
        assert_eq!(sent(&replay(&letters, Some(ALL_TOPICS)).await.unwrap()).as_deref(), Some("1"));
        let partition = log.partition_of(topics::STOCK_EVENTS, "7").await.unwrap();
        let bounds = log.bounds(topics::STOCK_EVENTS, partition).await.unwrap();
        assert_eq!(bounds, 0..1, "it is in its topic again");
        assert_eq!(sent(&replay(&letters, Some(ALL_TOPICS)).await.unwrap()).as_deref(), Some("0"));
        assert!(list(&letters, Some("payment-events")).await.is_err(), "another's topic");
    }

    #[tokio::test]
    async fn what_was_cut_is_listed_and_said_not_to_have_gone() {
        let folder = platform_testkit::data_dir().unwrap();
        let (log, letters) = bench(folder.path()).await;
        let mut cut = parked("shop");
        cut.headers.push(("dlq-cut".to_owned(), "1000000".to_owned()));
        log.append("stock-events.dlq", 0, &[cut]).await.unwrap();
        let text = list(&letters, None).await.unwrap();
        assert!(text.contains("key 7 (cut from 1000000 bytes, cannot be replayed)\n"), "{text}");
        let text = replay(&letters, None).await.unwrap();
        assert_eq!(
            text,
            "0 dead letter(s) of consumer shop sent once more; 1 not, for they were too large to be kept whole"
        );
    }
}
