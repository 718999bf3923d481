//! The rules for requests, against a server that plays a script.

mod answers;
mod connections;
mod retries;
pub(crate) mod server;
mod tls;
