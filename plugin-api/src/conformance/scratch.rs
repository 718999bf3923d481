//! What the author says about the project that the checks run in.

use std::collections::BTreeMap;

use super::check::Check;
use crate::model::Login;
use crate::operation::Operation;

/// A project of the tracker that the checks may write to, and what the tracker cannot do.
///
/// Only the name is needed. A tracker that takes no arbitrary values or cannot keep everything says so
/// here, each time with a reason; what it is exempted from is in the report as skipped, never as passed:
///
/// ```
/// use defect_plugin_api::Operation;
/// use defect_plugin_api::conformance::{Check, Field, Precision, ScratchProject};
///
/// let scratch = ScratchProject::new("Scratch (SCR)")
///     .status("To Do", "In Progress")
///     .classification("Bug", "Task")
///     .priority("High", "Low")
///     .user_defined_field("Severity", "Major", "Minor")
///     .text_field("Environment")
///     .precision(Precision::Milliseconds, "the tracker's REST API has no more digits")
///     .does_not_keep(Field::Principal, "the tracker shows its own users")
///     .lacks(Operation::DeleteDefect, "only administrators may delete an issue")
///     .skip(Check::LargeTexts, "a text holds 32,767 characters");
/// ```
#[derive(Debug, Clone)]
pub struct ScratchProject {
    pub(super) project: String,
    pub(super) unknown_project: String,
    pub(super) unknown_id: String,
    pub(super) status: Option<[String; 2]>,
    pub(super) classification: Option<[String; 2]>,
    pub(super) priority: Option<[String; 2]>,
    pub(super) reporter: [String; 2],
    pub(super) references: [Vec<String>; 2],
    pub(super) user_defined_fields: Vec<(String, [String; 2])>,
    pub(super) text_fields: Vec<String>,
    pub(super) principal: Option<Login>,
    pub(super) precision: Precision,
    exemptions: BTreeMap<Exempted, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Exempted {
    Check(Check),
    Field(Field),
    Precision,
    /// By name.
    Operation(&'static str),
}

/// A part of a defect that a tracker keeps as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Field {
    /// [`Defect::title`](crate::model::Defect::title)
    Title,
    /// [`Defect::description`](crate::model::Defect::description)
    Description,
    /// [`Defect::reporter`](crate::model::Defect::reporter)
    Reporter,
    /// [`Defect::status`](crate::model::Defect::status)
    Status,
    /// [`Defect::classification`](crate::model::Defect::classification)
    Classification,
    /// [`Defect::priority`](crate::model::Defect::priority)
    Priority,
    /// [`Defect::user_defined_fields`](crate::model::Defect::user_defined_fields): name and value of
    /// those that were sent; others may be there too.
    UserDefinedFields,
    /// [`Defect::last_edited`](crate::model::Defect::last_edited): the instant, in any offset.
    LastEdited,
    /// [`Defect::references`](crate::model::Defect::references): those that were sent, in their order;
    /// others may be there too.
    References,
    /// [`Login::username`](crate::model::Login::username) of the principal. The password never comes back.
    Principal,
}

impl Field {
    pub(super) const ALL: [Self; 10] = [
        Self::Title,
        Self::Description,
        Self::Reporter,
        Self::Status,
        Self::Classification,
        Self::Priority,
        Self::UserDefinedFields,
        Self::LastEdited,
        Self::References,
        Self::Principal,
    ];

    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Reporter => "reporter",
            Self::Status => "status",
            Self::Classification => "classification",
            Self::Priority => "priority",
            Self::UserDefinedFields => "userDefinedFields",
            Self::LastEdited => "lastEdited",
            Self::References => "references",
            Self::Principal => "principal.username",
        }
    }
}

/// How exactly a tracker keeps an instant: what is finer is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// As the API wants it.
    Microseconds,
    /// Three digits behind the second.
    Milliseconds,
    /// Whole seconds.
    Seconds,
    /// Whole minutes.
    Minutes,
}

impl Precision {
    pub(super) fn in_microseconds(self) -> i64 {
        match self {
            Self::Microseconds => 1,
            Self::Milliseconds => 1_000,
            Self::Seconds => 1_000_000,
            Self::Minutes => 60_000_000,
        }
    }
}

impl ScratchProject {
    /// A project by its identifier, as `get_projects` gives it. Nobody else should write to it
    /// meanwhile; what is in it already stays as it is.
    pub fn new(project: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            unknown_project: "no-such-project-8c1f".to_owned(),
            unknown_id: "NO-SUCH-ID-8c1f".to_owned(),
            status: None,
            classification: None,
            priority: None,
            reporter: ["conformance".to_owned(), "conformance 2".to_owned()],
            references: [vec!["https://example.org/1".to_owned()], vec!["https://example.org/2".to_owned()]],
            user_defined_fields: Vec::new(),
            text_fields: Vec::new(),
            principal: None,
            precision: Precision::Microseconds,
            exemptions: BTreeMap::new(),
        }
    }

    /// A project that the tracker does not have. Default: a name that hardly any has.
    #[must_use]
    pub fn unknown_project(mut self, project: impl Into<String>) -> Self {
        self.unknown_project = project.into();
        self
    }

    /// An id that no defect has, in the form that the tracker's ids have. Default: one that hardly any has.
    #[must_use]
    pub fn unknown_id(mut self, id: impl Into<String>) -> Self {
        self.unknown_id = id.into();
        self
    }

    /// The status that a defect is created with, and one that it can be changed to. Default: the first
    /// two that `get_control_fields` names for `status`, else `open` and `closed`.
    #[must_use]
    pub fn status(mut self, created: impl Into<String>, changed: impl Into<String>) -> Self {
        self.status = Some([created.into(), changed.into()]);
        self
    }

    /// The same for the classification. Default: from `get_control_fields`, else `bug` and `task`.
    #[must_use]
    pub fn classification(mut self, created: impl Into<String>, changed: impl Into<String>) -> Self {
        self.classification = Some([created.into(), changed.into()]);
        self
    }

    /// The same for the priority. Default: from `get_control_fields`, else `high` and `low`.
    #[must_use]
    pub fn priority(mut self, created: impl Into<String>, changed: impl Into<String>) -> Self {
        self.priority = Some([created.into(), changed.into()]);
        self
    }

    /// The same for the reporter. Default: names that only a tracker takes that has no list of users.
    #[must_use]
    pub fn reporter(mut self, created: impl Into<String>, changed: impl Into<String>) -> Self {
        self.reporter = [created.into(), changed.into()];
        self
    }

    /// The same for the references. Default: one link each.
    #[must_use]
    pub fn references<T: Into<String>>(
        mut self,
        created: impl IntoIterator<Item = T>,
        changed: impl IntoIterator<Item = T>,
    ) -> Self {
        let texts = |list: &mut dyn Iterator<Item = T>| list.map(Into::into).collect();
        self.references = [texts(&mut created.into_iter()), texts(&mut changed.into_iter())];
        self
    }

    /// A user-defined field, the value that a defect is created with, and one that it can be changed to.
    /// Default: each of type `STRING` that `get_user_defined_attributes` names, with values that
    /// `get_control_fields` allows.
    #[must_use]
    pub fn user_defined_field(
        mut self,
        name: impl Into<String>,
        created: impl Into<String>,
        changed: impl Into<String>,
    ) -> Self {
        self.user_defined_fields.push((name.into(), [created.into(), changed.into()]));
        self
    }

    /// A user-defined field that holds any text. Default: none.
    #[must_use]
    pub fn text_field(mut self, name: impl Into<String>) -> Self {
        self.text_fields.push(name.into());
        self
    }

    /// Who defects are changed as. The report never shows the password. Default: a made-up login.
    #[must_use]
    pub fn principal(mut self, principal: Login) -> Self {
        self.principal = Some(principal);
        self
    }

    /// The tracker keeps time stamps less exactly than to the microsecond.
    #[must_use]
    pub fn precision(mut self, precision: Precision, why: impl Into<String>) -> Self {
        self.precision = precision;
        if precision == Precision::Microseconds {
            self.exemptions.remove(&Exempted::Precision);
            return self;
        }
        self.exempt(Exempted::Precision, why)
    }

    /// The tracker does not keep this part of a defect as it was sent: it makes it itself, or has no
    /// such thing.
    #[must_use]
    pub fn does_not_keep(self, field: Field, why: impl Into<String>) -> Self {
        self.exempt(Exempted::Field(field), why)
    }

    /// The tracker cannot create, update or delete, or lacks an operation that has a default in the
    /// trait, such as [`Operation::CorrectSyncResults`]. The checks that need it are skipped; without deleting, what the others create stays, and the report names it.
    #[must_use]
    pub fn lacks(self, operation: Operation, why: impl Into<String>) -> Self {
        self.exempt(Exempted::Operation(operation.name()), why)
    }

    /// Leaves out a check.
    #[must_use]
    pub fn skip(self, check: Check, why: impl Into<String>) -> Self {
        self.exempt(Exempted::Check(check), why)
    }

    fn exempt(mut self, what: Exempted, why: impl Into<String>) -> Self {
        self.exemptions.insert(what, why.into());
        self
    }

    pub(super) fn keeps(&self, field: Field) -> bool {
        !self.exemptions.contains_key(&Exempted::Field(field))
    }

    pub(super) fn can(&self, operation: Operation) -> bool {
        !self.exemptions.contains_key(&Exempted::Operation(operation.name()))
    }

    /// Why a check that needs these is left out, if it is.
    pub(super) fn why_not(&self, check: Check, operations: &[Operation], fields: &[Field]) -> Option<String> {
        let operation = operations.iter().find_map(|needed| {
            let why = self.exemptions.get(&Exempted::Operation(needed.name()))?;
            Some(format!("no `{}`: {why}", needed.name()))
        });
        let field = || {
            fields.iter().find_map(|needed| {
                let why = self.exemptions.get(&Exempted::Field(*needed))?;
                Some(format!("`{}` is not kept: {why}", needed.name()))
            })
        };
        let precision = || {
            let why = self.exemptions.get(&Exempted::Precision).filter(|_| check == Check::Microseconds)?;
            Some(format!("{:?} only: {why}", self.precision))
        };
        let own = self.exemptions.get(&Exempted::Check(check)).cloned();
        own.or(operation).or_else(field).or_else(precision)
    }
}
