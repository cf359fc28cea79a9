//! Test helpers: polling probes, free ports, data folders.
