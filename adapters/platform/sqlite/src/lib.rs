//! SQLite plumbing: connections, write transactions, outbox, inbox, event log.
