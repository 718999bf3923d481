//! x

pub mod credentials;
pub mod logging;
