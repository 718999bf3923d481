//! Reading issues: all of a project, some of them, one of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use defect_plugin_api::model::{
    DefectWithAttributes, DefectWithId, Protocol, ProtocolCode, ProtocolEntry, ProtocolledDefectSet, SyncContext,
};
use defect_plugin_api::{ClientError, DefectList, ListProtocol};
use serde_json::Value;

use super::Call;
use super::pages::Pages;
use crate::api::{JiraError, Search, is_key};
use crate::jql::Query;
use crate::mapping::{Reading, key_and_project};
use crate::model::Project;

type Page = Result<Vec<Value>, JiraError>;

/// Issues of one page: of more, Jira takes long, and they need much memory.
const PAGE: usize = 250;

/// How reading a list went so far.
#[derive(Default)]
struct Progress {
    read: Vec<String>,
    protocol: Protocol,
}

impl Call<'_> {
    /// All defects of a project, page by page. What fails after the first page ends the list with an error in its
    /// protocol: what was read so far is of use, and nobody takes it for the whole.
    pub(super) fn list(&self, project: &Project, context: &SyncContext) -> Result<DefectList, JiraError> {
        let reading = self.reading(context)?;
        let jql = Query::parse(self.config.defect_jql(project));
        let jql = jql.map_err(|fault| JiraError::Refused(format!("`defect_jql`: {fault}")))?.in_project(&project.key);
        let pages = Pages::begin(self.jira.clone(), Search::new(jql, &reading.fields(), PAGE))?;
        let progress = Arc::new(std::sync::Mutex::new(Progress::default()));
        let (seen, project) = (Arc::clone(&progress), project.clone());
        let defects = pages.flat_map(move |page| {
            seen.lock().map_or_else(|_| Vec::new(), |mut seen| seen.page(page, &project, &reading))
        });
        Ok(DefectList::streamed(defects.map(Ok::<_, ClientError>), move || {
            let progress = progress.lock().map(|mut progress| std::mem::take(&mut *progress)).unwrap_or_default();
            let success = |key| (key, ProtocolEntry::new(ProtocolCode::ImportSuccess, "read from Jira"));
            ListProtocol::streamed(progress.read.into_iter().map(success), progress.protocol)
        }))
    }

    /// The defects of these ids in their order, by one request for each hundred.
    pub(super) fn batch(
        &self,
        project: &Project,
        ids: &[String],
        context: &SyncContext,
    ) -> Result<ProtocolledDefectSet, JiraError> {
        let reading = self.reading(context)?;
        let wanted: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        let keys: Vec<&str> = wanted.iter().copied().filter(|id| is_key(id)).collect();
        let issues = self.jira.issues(project, &keys, &reading.fields())?;
        let mut progress = Progress::default();
        let mut value: Vec<_> = progress
            .page(Ok(issues), project, &reading)
            .into_iter()
            .filter(|defect| wanted.contains(defect.id.as_str()))
            .collect();
        let place: HashMap<&str, usize> = ids.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
        value.sort_by_key(|defect| place.get(defect.id.as_str()).copied());
        let Progress { mut protocol, .. } = progress;
        for id in wanted {
            if value.iter().any(|defect| defect.id == id) {
                protocol.add_success(id, ProtocolCode::ImportSuccess, "read from Jira");
            } else if !protocol.errors.contains_key(id) {
                let message = format!("no issue `{id}` in project `{}` that this service's user can see", project.name);
                protocol.add_warning(id, ProtocolCode::DefectNotFound, message);
            }
        }
        Ok(ProtocolledDefectSet { value, protocol })
    }

    /// One defect with the configured attributes, or what changed of them.
    pub(super) fn extended(
        &self,
        project: &Project,
        id: &str,
        context: &SyncContext,
    ) -> Result<DefectWithAttributes, ClientError> {
        let history = self.config.shows_change_history(project);
        let issue = self.jira.issue(project, id, "*all", history.then_some("changelog"))?;
        let missing = || ClientError::not_found(format!("no issue `{id}` in project `{}`", project.name));
        let issue = issue.ok_or_else(missing)?;
        let fields = self.jira.fields()?;
        let own = self.jira.fields_of_project(project)?;
        let reading = Reading::of_all(&fields, &own, context, self.jira.site());
        let attributes = self.config.attributes(project);
        let read = if history {
            let histories = self.jira.histories(id, &issue)?;
            reading.with_changes(&issue, &histories, attributes, &fields, context.last_sync)
        } else {
            reading.with_values(&issue, attributes, &fields)
        };
        read.map_err(|why| ClientError::internal(format!("the issue `{id}` cannot be read: {why}")))
    }
}

impl Progress {
    /// The defects of a page; what cannot be read of it goes into the protocol.
    fn page(&mut self, page: Page, project: &Project, reading: &Reading) -> Vec<DefectWithId> {
        let issues = match page {
            Ok(issues) => issues,
            Err(error) => {
                let read = self.read.len();
                let message =
                    format!("the list is not whole: after {read} issues Jira did not give the next ones: {error}");
                tracing::error!(project = project.name, "{message}");
                self.protocol.add_general_error(ProtocolCode::ReadAccessError, message);
                return Vec::new();
            }
        };
        let mut defects = Vec::with_capacity(issues.len());
        for issue in issues {
            let Some((key, _)) = key_and_project(&issue).filter(|(_, own)| *own == project.key) else { continue };
            match reading.defect(&issue) {
                Ok(defect) => {
                    self.read.push(defect.id.clone());
                    defects.push(defect);
                }
                Err(why) => {
                    let message = format!("the issue `{key}` cannot be read: {why}");
                    self.protocol.add_error(key, ProtocolCode::ImportError, message);
                }
            }
        }
        defects
    }
}
