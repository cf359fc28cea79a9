//! Event plumbing: CloudEvents, topics, relay and consumers.
