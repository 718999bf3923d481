//! Between Jira's issues and the API's defects. Pure: nothing here asks Jira.

mod field;
mod read;
mod value;
mod write;

pub(crate) use field::{Field, Fields, Unsuitable};
pub(crate) use read::{Reading, attachment_link, issue_link, key_and_project};
pub(crate) use value::text_of;
pub(crate) use write::{IntoUnsuitable, Writing};
