//! What is measured, one subject each.

pub(crate) mod creators;
pub(crate) mod flood;
pub(crate) mod growth;
pub(crate) mod hook;
pub(crate) mod isolation;
pub(crate) mod jira;
pub(crate) mod list;
pub(crate) mod memory;
pub(crate) mod operations;
pub(crate) mod small;
pub(crate) mod start;
