//! Jira's REST interface, as far as defects need it: version 3 of Cloud, version 2 of Data Center.

mod cached;
mod error;
mod issues;
mod metadata;
mod numbers;

use std::fs::File;
use std::time::Duration;

use defect_plugin_api::{ClientError, FieldError};
use serde_json::Value;

use crate::auth::Credentials;
use crate::config::JiraConfig;
use crate::mapping::Fields;
use crate::model::{IssueType, Kind, Project};
use crate::transport::{Body, Method, Request, Response, Target, Transport};
use cached::Cached;

pub(crate) use error::JiraError;
pub(crate) use issues::{Search, is_key};

/// How long one request may take with all its repetitions. Less than the 60 s that a host gives a call, so that
/// its caller is told why.
const BUDGET: Duration = Duration::from_secs(50);

/// The version of the interface.
#[derive(Clone, Copy)]
enum Version {
    V2,
    V3,
}

/// A Jira, and what is known of it.
pub(crate) struct Jira {
    transport: Transport,
    own: Credentials,
    kind: Cached<(), Kind>,
    projects: Cached<(), Vec<Project>>,
    fields: Cached<(), Fields>,
    issue_types: Cached<String, Vec<IssueType>>,
    type_fields: Cached<(String, String), Fields>,
    statuses: Cached<Option<String>, Vec<String>>,
    priorities: Cached<(), Vec<String>>,
}

impl Jira {
    /// Nothing is asked yet: Jira may be down.
    ///
    /// # Errors
    /// [`ClientError::InvalidInput`] for what no connection can be made with.
    pub(crate) fn new(config: &JiraConfig) -> Result<Self, ClientError> {
        let fault = |field: &str, message: String| ClientError::invalid_fields(vec![FieldError::new(field, message)]);
        let settings = config.transport().map_err(|(field, message)| fault(field, message))?;
        let transport = Transport::new(&settings).map_err(|error| fault(error.option, error.reason))?;
        Ok(Self {
            transport,
            own: config.credentials()?,
            kind: Cached::default(),
            projects: Cached::default(),
            fields: Cached::default(),
            issue_types: Cached::default(),
            type_fields: Cached::default(),
            statuses: Cached::default(),
            priorities: Cached::default(),
        })
    }

    /// Jira's address as people use it.
    pub(crate) fn site(&self) -> &str {
        self.transport.site().as_str()
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
        let request = Request::get(target, login.unwrap_or(&self.own), self.transport.deadline_in(BUDGET));
        Ok(self.transport.send(&request)?.json()?)
    }

    /// A question that is long: `POST`, and changes nothing.
    fn ask(&self, path: &[&str], body: &Value) -> Result<Value, JiraError> {
        let target = target(self.version()?, path);
        let request =
            Request::write(Method::Post, target, Body::Json(body), &self.own, self.transport.deadline_in(BUDGET));
        Ok(self.transport.send(&request.idempotent())?.json()?)
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
        let login = login.unwrap_or(&self.own);
        let body = body.map_or(Body::Empty, Body::Json);
        let mut request = Request::write(method, target, body, login, self.transport.deadline_in(BUDGET));
        if method == Method::Put {
            // The same fields twice are the same as once.
            request = request.idempotent();
        }
        let response: Response = self.transport.send(&request)?;
        if response.body.is_empty() { Ok(Value::Null) } else { Ok(response.json()?) }
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
        let (login, deadline) = (login.unwrap_or(&self.own), self.transport.deadline_in(BUDGET));
        let request = Request::write(Method::Post, target, Body::File { name, content }, login, deadline);
        Ok(self.transport.send(&request).map(drop)?)
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
