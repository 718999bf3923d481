//! Jira's REST interface, as far as defects need it: version 3 of Cloud, version 2 of Data Center.

mod cached;
mod error;
mod issues;
mod marker;
mod metadata;
mod numbers;
mod search;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use defect_plugin_api::{ClientError, FieldError};
use serde_json::Value;

use crate::auth::Credentials;
use crate::config::JiraConfig;
use crate::mapping::{Fields, text_of};
use crate::model::{IssueType, Kind, Project};
use crate::transport::{Body, Method, Request, Response, Target, Transport, TransportError};
use cached::Cached;

pub(crate) use error::JiraError;
pub(crate) use issues::is_key;
pub(crate) use marker::Marker;
pub(crate) use search::{After, Found, Place, Search};

/// The version of the interface.
#[derive(Clone, Copy)]
enum Version {
    V2,
    V3,
}

/// A Jira, and what is known of it. For all calls.
pub(crate) struct Connection {
    transport: Transport,
    own: Credentials,
    kind: Cached<(), Kind>,
    projects: Cached<(), Vec<Project>>,
    fields: Cached<(), Fields>,
    issue_types: Cached<String, Vec<IssueType>>,
    type_fields: Cached<(String, String), Fields>,
    statuses: Cached<Option<String>, Vec<String>>,
    priorities: Cached<(), Vec<String>>,
    limit: Duration,
}

impl Connection {
    /// Nothing is asked yet: Jira may be down.
    ///
    /// # Errors
    /// [`ClientError::InvalidInput`] for what no connection can be made with.
    pub(crate) fn new(config: &JiraConfig) -> Result<Self, ClientError> {
        let fault = |field: &str, message: String| ClientError::invalid_fields(vec![FieldError::new(field, message)]);
        let settings = config.transport().map_err(|(field, message)| fault(field, message))?;
        let transport = Transport::new(&settings).map_err(|error| fault(error.option, error.reason))?;
        Ok(Self::over(transport, config.credentials()?, config.time_limit()))
    }

    /// By a way that is there already.
    pub(crate) fn over(transport: Transport, own: Credentials, limit: Duration) -> Self {
        Self {
            transport,
            own,
            kind: Cached::default(),
            projects: Cached::default(),
            fields: Cached::default(),
            issue_types: Cached::default(),
            type_fields: Cached::default(),
            statuses: Cached::default(),
            priorities: Cached::default(),
            limit,
        }
    }

    /// Jira for one call, which begins now.
    pub(crate) fn begin(self: &Arc<Self>) -> Jira {
        Jira { connection: Arc::clone(self), deadline: self.transport.deadline_in(self.limit) }
    }

    /// Jira's address as people use it.
    pub(crate) fn site(&self) -> &str {
        self.transport.site().as_str()
    }
}

/// Jira as one call of the host uses it: all its requests, with their repetitions and waits, end by one deadline.
#[derive(Clone)]
pub(crate) struct Jira {
    connection: Arc<Connection>,
    deadline: Instant,
}

impl Jira {
    /// The same for a part of the call that the host gives the whole time again, such as a piece of a list.
    pub(crate) fn begin_again(&self) -> Self {
        self.connection.begin()
    }

    /// How long a call may take.
    pub(crate) fn limit(&self) -> Duration {
        self.connection.limit
    }

    /// Jira's address as people use it.
    pub(crate) fn site(&self) -> &str {
        self.connection.site()
    }

    /// Whether the plugin's own credentials are accepted.
    pub(crate) fn myself(&self) -> Result<(), JiraError> {
        self.get(&["myself"], &[]).map(drop)
    }

    fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, JiraError> {
        self.get_as(path, query, None)
    }

    fn get_as(&self, path: &[&str], query: &[(&str, &str)], login: Option<&Credentials>) -> Result<Value, JiraError> {
        self.get_of_version(self.version()?, path, query, login)
    }

    fn get_of_version(
        &self,
        version: Version,
        path: &[&str],
        query: &[(&str, &str)],
        login: Option<&Credentials>,
    ) -> Result<Value, JiraError> {
        let target = query.iter().fold(target(version, path), |target, (name, value)| target.query(name, value));
        let request = Request::get(target, login.unwrap_or(&self.connection.own), self.deadline);
        Ok(self.send(&request)?.json()?)
    }

    /// A question that is long: `POST`, and changes nothing.
    fn ask(&self, path: &[&str], body: &Value) -> Result<Value, JiraError> {
        let target = target(self.version()?, path);
        let request = Request::write(Method::Post, target, Body::Json(body), &self.connection.own, self.deadline);
        Ok(self.send(&request.idempotent())?.json()?)
    }

    /// A change, by this user. What it answers, if anything.
    fn change(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
        login: Option<&Credentials>,
    ) -> Result<Value, JiraError> {
        let target = target(self.version()?, path);
        let login = login.unwrap_or(&self.connection.own);
        let body = body.map_or(Body::Empty, Body::Json);
        let mut request = Request::write(method, target, body, login, self.deadline);
        if method == Method::Put {
            // The same fields twice are the same as once.
            request = request.idempotent();
        }
        let response = self.send(&request)?;
        if response.body.is_empty() {
            return Ok(Value::Null);
        }
        // A success whose answer was broken on its way: most likely it is done.
        response.json().map_err(|error| match method {
            Method::Post => JiraError::Unknown(error.to_string()),
            _ => error.into(),
        })
    }

    /// Attaches a file to an issue.
    pub(crate) fn attach(
        &self,
        key: &str,
        name: &str,
        content: &File,
        login: Option<&Credentials>,
    ) -> Result<(), JiraError> {
        let target = target(self.version()?, &["issue", key, "attachments"]);
        let login = login.unwrap_or(&self.connection.own);
        let request = Request::write(Method::Post, target, Body::File { name, content }, login, self.deadline);
        Ok(self.send(&request).map(drop)?)
    }

    /// Waits, unless the call's time would be over then.
    fn wait(&self, time: Duration) -> bool {
        self.connection.transport.wait(time, self.deadline)
    }

    fn send(&self, request: &Request<'_>) -> Result<Response, TransportError> {
        self.connection.transport.send(request)
    }

    /// The bytes of an attachment, which an issue has this about.
    pub(crate) fn attachment(&self, about: &Value, login: Option<&Credentials>) -> Result<Vec<u8>, JiraError> {
        let id = text_of(&about["id"]);
        let target = match self.version()? {
            Version::V3 => target(Version::V3, &["attachment", "content", &id]),
            // There is no such path in its REST interface.
            Version::V2 => Target::new("/secure/attachment").segment(&id).segment(&text_of(&about["filename"])),
        };
        let request = Request::get(target, login.unwrap_or(&self.connection.own), self.deadline);
        Ok(self.send(&request)?.body)
    }

    /// Removes an attachment; one that is gone already is no failure.
    pub(crate) fn detach(&self, id: &str, login: Option<&Credentials>) -> Result<(), JiraError> {
        match self.change(Method::Delete, &["attachment", id], None, login) {
            Ok(_) | Err(JiraError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn version(&self) -> Result<Version, JiraError> {
        Ok(match self.kind()? {
            Kind::Cloud => Version::V3,
            Kind::DataCenter { .. } => Version::V2,
        })
    }
}

fn target(version: Version, path: &[&str]) -> Target {
    let base = match version {
        Version::V2 => "/rest/api/2",
        Version::V3 => "/rest/api/3",
    };
    path.iter().fold(Target::new(base), |target, segment| target.segment(segment))
}
