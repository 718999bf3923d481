//! The parts of `defect-host`, each usable and testable alone.

pub mod inspect;
pub mod resolve;
