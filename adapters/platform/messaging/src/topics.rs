//! The topics, once for all services and both homes.
//!
//! Operators create them from `ops/kafka/topics.toml`, which says besides how they are replicated and kept; a test of
//! `platform-kafka` holds the two against each other.

/// Verdicts on payments, keyed by payment id.
pub const PAYMENT_EVENTS: &str = "payment-events";
/// Movements of stock, keyed by product id.
pub const STOCK_EVENTS: &str = "stock-events";
/// What leaves a basket, keyed by user id.
pub const BASKET_EVENTS: &str = "basket-events";

/// Partitions of each topic. Fixed for good: another count would send a key elsewhere and lose its order.
pub const PARTITIONS: u32 = 6;

/// Every topic with its number of partitions, dead letters included.
pub const ALL: [(&str, u32); 6] = [
    (PAYMENT_EVENTS, PARTITIONS),
    (STOCK_EVENTS, PARTITIONS),
    (BASKET_EVENTS, PARTITIONS),
    ("payment-events.dlq", 1),
    ("stock-events.dlq", 1),
    ("basket-events.dlq", 1),
];

/// Where records of `topic` go that cannot be processed.
pub fn dead_letters_of(topic: &str) -> String {
    format!("{topic}.dlq")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_its_dead_letters() {
        for topic in [PAYMENT_EVENTS, STOCK_EVENTS, BASKET_EVENTS] {
            assert!(ALL.iter().any(|(name, _)| *name == dead_letters_of(topic)), "{topic}");
        }
    }
}
