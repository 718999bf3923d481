//! End-to-end tests of the real binary with real plugin libraries, one module a subject.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here is the failure of a test")]

mod access_lines;
mod auth;
mod bodies;
mod cli;
mod config_faults;
mod configuring;
mod crash;
mod credentials;
mod documents;
mod guide;
mod guide_quick_start;
mod http2;
mod inspecting;
mod isolation;
mod jira;
mod limits;
mod loading;
mod logs;
mod metrics;
mod operations;
mod overload;
mod panics;
mod prometheus;
mod proxies;
mod readme;
mod request_ids;
mod resolving;
mod scaffold;
mod secrets;
mod serving;
mod shutdown;
mod skew;
mod streaming;
mod systemd;
mod tls;
