//! x

pub mod credentials;
