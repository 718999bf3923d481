//! What Jira has, as far as defects need it.

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Project {
    /// Jira's own number, as text.
    pub(crate) id: String,
    /// Such as `SHOP`: the beginning of its issues' keys.
    pub(crate) key: String,
    /// As test-management tools see it: `Shop App (SHOP)`.
    pub(crate) name: String,
}

/// Which of the two Jira is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By REST v3: rich text as documents, users by account id.
    Cloud,
    /// By REST v2: text as text, users by name. Older than 8.4: all issue types' fields in one answer.
    DataCenter { before_8_4: bool },
}

/// An issue type of a project.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IssueType {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Its fields, when they came along.
    pub(crate) fields: Option<std::sync::Arc<crate::mapping::Fields>>,
}
