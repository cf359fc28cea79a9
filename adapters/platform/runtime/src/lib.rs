//! What every binary does: configuration, command line, clock, ids, shutdown.
