//! The whole service on port 0, over its real store, log and channels.

#![cfg(test)]

mod access;
mod channels;
mod events;
mod http;
mod support;
