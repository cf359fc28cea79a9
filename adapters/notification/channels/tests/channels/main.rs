//! The channels against real servers in this process.

#![cfg(test)]

mod email;
mod http_server;
mod slack;
mod smtp_server;
mod webhook;
