//! Creating, changing and deleting issues.

use defect_plugin_api::ClientError;
use defect_plugin_api::model::{Defect, Protocol, ProtocolCode, ProtocolledString, SyncContext};
use serde_json::{Value, json};

use super::Call;
use super::attachments::Attaching;
use crate::api::{JiraError, Marker};
use crate::auth::Credentials;
use crate::mapping::{IntoUnsuitable, Unsuitable, Writing, text_of};
use crate::model::{IssueType, Project};

/// Why a field is not written.
enum NotWritten {
    Unsuitable(Unsuitable),
    Jira(JiraError),
}

impl From<Unsuitable> for NotWritten {
    fn from(error: Unsuitable) -> Self {
        Self::Unsuitable(error)
    }
}

impl IntoUnsuitable for NotWritten {
    fn into_unsuitable(self) -> Result<Unsuitable, Self> {
        match self {
            Self::Unsuitable(error) => Ok(error),
            error => Err(error),
        }
    }
}

impl From<NotWritten> for JiraError {
    fn from(error: NotWritten) -> Self {
        match error {
            NotWritten::Unsuitable(error) => Self::Refused(error.to_string()),
            NotWritten::Jira(error) => error,
        }
    }
}

/// The codes under which one kind of change is reported.
struct Codes {
    access: ProtocolCode,
    error: ProtocolCode,
    missing: ProtocolCode,
}

const CREATE: Codes = Codes {
    access: ProtocolCode::InsertAccessError,
    error: ProtocolCode::InsertError,
    missing: ProtocolCode::ProjectNotFound,
};
const UPDATE: Codes = Codes {
    access: ProtocolCode::PublishAccessError,
    error: ProtocolCode::PublishError,
    missing: ProtocolCode::DefectNotFound,
};
const DELETE: Codes = Codes {
    access: ProtocolCode::PublishAccessError,
    error: ProtocolCode::PublishError,
    missing: ProtocolCode::NoDefectFound,
};

/// What Jira says of a change, for the tester: in the protocol. That it cannot be reached is an error.
fn refused(error: JiraError, what: &str, codes: &Codes) -> Result<Protocol, ClientError> {
    let code = match error {
        JiraError::Unavailable(_) => return Err(error.into()),
        JiraError::Unauthorized(_) | JiraError::Forbidden(_) => codes.access,
        JiraError::NotFound(_) => codes.missing,
        JiraError::Refused(_) | JiraError::Unknown(_) => codes.error,
    };
    tracing::error!("{what}: {error}");
    Ok(Protocol::of_general_error(code, format!("{what}: {error}")))
}

impl Call<'_> {
    pub(super) fn create(
        &self,
        project: &Project,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<ProtocolledString, ClientError> {
        if self.config.readonly(project) {
            return Ok(ProtocolledString {
                value: None,
                protocol: read_only(project, ProtocolCode::InsertAccessError),
            });
        }
        let login = self.config.credentials_of(project, &defect.principal);
        let created = self.try_create(project, defect, context, login.as_ref());
        created.or_else(|error| {
            let protocol = refused(error, &format!("no issue was created in project `{}`", project.name), &CREATE)?;
            Ok(ProtocolledString { value: None, protocol })
        })
    }

    fn try_create(
        &self,
        project: &Project,
        defect: &Defect,
        context: &SyncContext,
        login: Option<&Credentials>,
    ) -> Result<ProtocolledString, JiraError> {
        let issue_type = self.issue_type(project, &defect.classification)?;
        let own = self.jira.fields_of(project, &issue_type)?;
        let writing = Writing { fields: &own, jira: self.jira.kind()?, context };
        let mut written = writing.new_issue(defect, &mut |name| self.user(name))?;
        written.fields.insert("project".to_owned(), json!({ "key": project.key }));
        written.fields.insert("issuetype".to_owned(), json!({ "id": issue_type.id }));
        let mut protocol = Protocol::default();
        let marker = Marker::new();
        let key = match self.jira.create(&written.fields, &marker, login) {
            // Creating it again could make a second one; one that is not found may still come: a person has to decide.
            Err(JiraError::Unknown(why)) => {
                let summary = written.fields.get("summary").map(text_of).unwrap_or_default();
                self.jira.marked(project, &marker, &summary).ok_or_else(|| {
                    JiraError::Unknown(format!(
                        "{why}. Whether the issue is there is not known, so it was not sent again: look for it in Jira \
                         first"
                    ))
                })?
            }
            Err(error @ JiraError::Refused(_)) => {
                // The fields may be others by now: they are asked for again the next time.
                self.jira.forget_metadata();
                return Err(error);
            }
            outcome => outcome?,
        };
        tracing::info!(project = project.name, key, "created an issue");
        protocol.add_success(
            &key,
            ProtocolCode::InsertSuccess,
            format!("issue `{key}` created in project `{}`", project.name),
        );
        for why in written.left_out {
            protocol.add_warning(&key, ProtocolCode::InsertWarning, why);
        }
        let attaching = Attaching {
            key: &key,
            references: &defect.references,
            attached: &Value::Null,
            last_sync: context.last_sync,
            login,
        };
        for why in self.attach(&attaching) {
            protocol.add_warning(&key, ProtocolCode::InsertWarning, why);
        }
        // The issue is there: what fails from here on is a warning about it.
        match self.move_to(&key, None, &defect.status, login) {
            Ok(None) => {}
            Ok(Some(why)) => protocol.add_warning(&key, ProtocolCode::InsertWarning, why),
            Err(error) => {
                let why = format!("the status `{}` was not set: {error}", defect.status);
                protocol.add_warning(&key, ProtocolCode::InsertWarning, why);
            }
        }
        Ok(ProtocolledString { value: Some(key), protocol })
    }

    pub(super) fn update(
        &self,
        project: &Project,
        id: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        if self.config.readonly(project) {
            return Ok(read_only(project, ProtocolCode::PublishError));
        }
        let login = self.config.credentials_of(project, &defect.principal);
        let updated = self.try_update(project, id, defect, context, login.as_ref());
        updated.or_else(|error| refused(error, &format!("the issue `{id}` was not changed"), &UPDATE))
    }

    fn try_update(
        &self,
        project: &Project,
        id: &str,
        defect: &Defect,
        context: &SyncContext,
        login: Option<&Credentials>,
    ) -> Result<Protocol, JiraError> {
        let Some(issue) = self.jira.issue(project, id, "*all", None)? else {
            return Ok(missing(project, id, ProtocolCode::DefectNotFound));
        };
        let current_type = text_of(&issue["fields"]["issuetype"]);
        let issue_type = self.issue_type(project, &defect.classification)?;
        let own = self.jira.fields_of(project, &issue_type)?;
        let writing = Writing { fields: &own, jira: self.jira.kind()?, context };
        let mut written = writing.changes(defect, &issue, &mut |name| self.user(name))?;
        if issue_type.name != current_type {
            written.fields.insert("issuetype".to_owned(), json!({ "id": issue_type.id }));
        }
        if !written.fields.is_empty() {
            let edited = self.jira.edit(id, &written.fields, login);
            if matches!(edited, Err(JiraError::Refused(_))) {
                self.jira.forget_metadata();
            }
            edited?;
        }
        let mut protocol = Protocol::of_success(
            id,
            ProtocolCode::PublishSuccess,
            format!("issue `{id}` updated in project `{}`", project.name),
        );
        for why in written.left_out {
            protocol.add_warning(id, ProtocolCode::PublishError, why);
        }
        let attaching = Attaching {
            key: id,
            references: &defect.references,
            attached: &issue["fields"]["attachment"],
            last_sync: context.last_sync,
            login,
        };
        for why in self.attach(&attaching) {
            protocol.add_warning(id, ProtocolCode::PublishError, why);
        }
        let status = text_of(&issue["fields"]["status"]);
        match self.move_to(id, Some(&status), &defect.status, login) {
            Ok(None) => {}
            Ok(Some(why)) => protocol.add_warning(id, ProtocolCode::PublishError, why),
            // Without a change of fields nothing was done at all.
            Err(error) if written.fields.is_empty() => return Err(error),
            Err(error) => {
                let why = format!("the status `{}` was not set: {error}", defect.status);
                protocol.add_warning(id, ProtocolCode::PublishError, why);
            }
        }
        Ok(protocol)
    }

    pub(super) fn delete(&self, project: &Project, id: &str, defect: &Defect) -> Result<Protocol, ClientError> {
        if self.config.readonly(project) {
            return Ok(read_only(project, ProtocolCode::PublishError));
        }
        let login = self.config.credentials_of(project, &defect.principal);
        let delete = || -> Result<Protocol, JiraError> {
            if self.jira.issue(project, id, "project", None)?.is_none() {
                return Ok(missing(project, id, ProtocolCode::NoDefectFound));
            }
            self.jira.delete(id, login.as_ref())?;
            tracing::info!(project = project.name, id, "deleted an issue");
            let message = format!("issue `{id}` deleted in project `{}`", project.name);
            Ok(Protocol::of_success(id, ProtocolCode::PublishSuccess, message))
        };
        delete().or_else(|error| refused(error, &format!("the issue `{id}` was not deleted"), &DELETE))
    }

    /// The issue type that a classification names.
    fn issue_type(&self, project: &Project, classification: &str) -> Result<IssueType, JiraError> {
        let types = self.jira.issue_types(project)?;
        let found = types.iter().find(|issue_type| issue_type.name == classification).cloned();
        found.ok_or_else(|| {
            let names: Vec<_> = types.iter().map(|issue_type| format!("`{}`", issue_type.name)).collect();
            let names = names.join(", ");
            JiraError::Refused(format!(
                "the classification `{classification}` is no issue type of the project; allowed: {names}"
            ))
        })
    }

    fn user(&self, name: &str) -> Result<Value, NotWritten> {
        let found = self.jira.user(name).map_err(NotWritten::Jira)?;
        let nobody = || Unsuitable::NotA {
            field: "user".to_owned(),
            value: name.to_owned(),
            expected: "user that Jira finds by this name alone",
        };
        found.ok_or_else(|| nobody().into())
    }

    /// Brings an issue to a status by one transition. `Ok(Some(_))` says why it stays where it is.
    fn move_to(
        &self,
        key: &str,
        current: Option<&str>,
        wanted: &str,
        login: Option<&Credentials>,
    ) -> Result<Option<String>, JiraError> {
        if wanted.is_empty() || current == Some(wanted) {
            return Ok(None);
        }
        let transitions = self.jira.transitions(key, login)?;
        if let Some(transition) = transitions.iter().find(|transition| transition.to == wanted) {
            self.jira.make_transition(key, &transition.id, login)?;
            return Ok(None);
        }
        let current = match current {
            Some(current) => current.to_owned(),
            None => text_of(&self.jira.status(key)?),
        };
        if current == wanted {
            return Ok(None);
        }
        let mut reachable: Vec<_> = transitions.iter().map(|transition| format!("`{}`", transition.to)).collect();
        reachable.dedup();
        let reachable = if reachable.is_empty() { "none".to_owned() } else { reachable.join(", ") };
        Ok(Some(format!(
            "the status stays `{current}`: the workflow has no transition from it to `{wanted}`; reachable: {reachable}"
        )))
    }
}

fn read_only(project: &Project, code: ProtocolCode) -> Protocol {
    let mut protocol = Protocol::default();
    let message = format!("the project `{}` is read-only: `client_config` sets `readonly`", project.name);
    protocol.add_error(&project.name, code, message);
    protocol
}

fn missing(project: &Project, id: &str, code: ProtocolCode) -> Protocol {
    let message = format!("no issue `{id}` in project `{}` that this service's user can see", project.name);
    Protocol::of_general_error(code, message)
}
