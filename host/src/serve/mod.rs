//! Serves the defect API over HTTP through a plugin's client. Knows no paths and no libraries.

mod backend;
mod body;
mod error;
