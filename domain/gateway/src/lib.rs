//! Routes, backends and how a request is sent to one.
