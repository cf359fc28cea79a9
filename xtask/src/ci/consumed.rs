//! What the consumers did with the events of the demo: all handled, none put aside.

use crate::catalogue;
use crate::failure::{Failure, Outcome};
use crate::http::Client;
use std::time::Duration;

/// The services that consume events.
const CONSUMERS: [&str; 3] = ["product", "basket", "notification"];

/// Says how many records were applied. Fails where one went to the dead letters, and where none was applied: then
/// the figures are not what they are taken for.
pub(super) fn no_dead_letters() -> Outcome<String> {
    let mut notes = Vec::new();
    for address in catalogue::addresses(&[]) {
        let name = address.service.name;
        if CONSUMERS.contains(&name) {
            let reply = Client::new(&address.url(), Duration::from_secs(5)).get("/metrics")?;
            let applied = verdict(name, &reply.text)?;
            notes.push(format!("{name} applied {applied}"));
        }
    }
    Ok(notes.join(", "))
}

fn verdict(service: &str, metrics: &str) -> Outcome<u64> {
    let (applied, dead) = (records(metrics, "applied"), records(metrics, "dead_lettered"));
    if dead > 0 {
        return Err(Failure::new(format!("{service} put {dead} record(s) to the dead letters")));
    }
    if applied == 0 {
        return Err(Failure::new(format!("{service} shows no applied event in /metrics")));
    }
    Ok(applied)
}

/// The records with that outcome, over all topics.
fn records(metrics: &str, outcome: &str) -> u64 {
    let label = format!("outcome=\"{outcome}\"");
    let samples =
        metrics.lines().filter_map(|line| line.strip_prefix("events_consumed_total{")?.split_once('}'));
    let fitting = samples.filter(|(labels, _)| labels.split(',').any(|found| found == label));
    fitting.filter_map(|(_, value)| value.split_whitespace().next()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"# TYPE events_consumed counter
events_consumed_total{topic="payment-events",outcome="applied"} 3
events_consumed_total{topic="payment-events",outcome="ignored"} 7
events_consumed_total{topic="stock-events",outcome="applied"} 2
"#;

    #[test]
    fn applied_records_are_counted_over_all_topics() {
        assert_eq!(verdict("product", GOOD).unwrap(), 5);
    }

    #[test]
    fn a_dead_letter_is_a_failure() {
        let bad =
            format!("{GOOD}events_consumed_total{{topic=\"stock-events\",outcome=\"dead_lettered\"}} 1\n");
        let failure = verdict("product", &bad).unwrap_err().to_string();
        assert_eq!(failure, "product put 1 record(s) to the dead letters");
    }

    #[test]
    fn figures_without_any_record_prove_nothing() {
        let failure = verdict("basket", "# EOF\n").unwrap_err().to_string();
        assert_eq!(failure, "basket shows no applied event in /metrics");
    }
}
