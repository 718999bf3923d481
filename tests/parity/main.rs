//! The Python service and ours side by side: the same requests over copies of one data set have the
//! same meaning, but for a short list of intended differences.

#![expect(clippy::unwrap_used, reason = "what fails here is the failure of the test that called it")]

mod both;
mod data;
mod differences;
mod directories;
mod guide;
mod jira;
mod jira_oauth1;
mod meaning;
mod passwords;
mod same_answers;
mod schemathesis;
