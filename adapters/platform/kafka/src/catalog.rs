//! The topics: which are declared, which are there.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use rskafka::topic::Topic;

use crate::failure::Failure;

/// Names as the application knows them, without the prefix, and numbers of partitions.
pub(crate) struct Catalog {
    prefix: String,
    declared: BTreeMap<String, u32>,
    found: RwLock<BTreeMap<String, u32>>,
}

impl Catalog {
    pub(crate) fn new(prefix: &str, declared: &[(&str, u32)]) -> Self {
        let declared = declared.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Self { prefix: prefix.to_owned(), declared, found: RwLock::default() }
    }

    /// The name by which the brokers know a topic.
    pub(crate) fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// The topics that are declared.
    pub(crate) fn declared(&self) -> impl Iterator<Item = &str> {
        self.declared.keys().map(String::as_str)
    }

    /// Replaces what is known by what the brokers list.
    pub(crate) fn learn(&self, listed: &[Topic]) {
        let ours = |topic: &Topic| {
            let name = topic.name.strip_prefix(&self.prefix)?;
            Some((name.to_owned(), u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX)))
        };
        *self.found.write().unwrap_or_else(PoisonError::into_inner) =
            listed.iter().filter_map(ours).collect();
    }

    /// How many partitions a topic has; an error where it is missing, or not as declared: a key would go elsewhere.
    pub(crate) fn partitions(&self, topic: &str) -> Result<u32, Failure> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner).get(topic).copied();
        let found =
            found.filter(|count| *count > 0).ok_or_else(|| Failure::UnknownTopic(topic.to_owned()))?;
        match self.declared.get(topic) {
            Some(&declared) if declared != found => {
                Err(Failure::Partitions { topic: topic.to_owned(), found, declared })
            }
            _ => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_topics_as_declared_are_used() {
        let catalog = Catalog::new("blue.", &[("a", 2), ("b", 2)]);
        assert!(matches!(catalog.partitions("a"), Err(Failure::UnknownTopic(_))));
        let topic = |name: &str, count| Topic { name: name.to_owned(), partitions: (0..count).collect() };
        catalog.learn(&[topic("blue.a", 2), topic("blue.b", 3), topic("c", 1), topic("blue.d", 4)]);
        assert_eq!(catalog.partitions("a").ok(), Some(2));
        assert!(matches!(catalog.partitions("b"), Err(Failure::Partitions { found: 3, declared: 2, .. })));
        assert!(matches!(catalog.partitions("c"), Err(Failure::UnknownTopic(_))));
        assert_eq!(catalog.partitions("d").ok(), Some(4));
        assert_eq!(catalog.name("a"), "blue.a");
    }
}
