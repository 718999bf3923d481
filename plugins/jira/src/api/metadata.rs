//! What a Jira is like: its kind, projects, issue types, fields, statuses and priorities.

use std::sync::Arc;

use serde_json::Value;

use super::{Jira, JiraError, Version};
use crate::mapping::{Field, Fields, text_of};
use crate::model::{IssueType, Kind, Project};

/// As many entries are asked for at once: more is not given on Cloud.
const PAGE: usize = 100;
/// Against a server whose pages never end.
const MOST_PAGES: usize = 1_000;

impl Jira {
    /// Whether it is Cloud or Data Center.
    pub(crate) fn kind(&self) -> Result<Kind, JiraError> {
        self.connection
            .kind
            .get((), || {
                // Version 2 is there on both.
                let info = self.get_of_version(Version::V2, &["serverInfo"], &[], None)?;
                if info["deploymentType"] == "Cloud" {
                    return Ok(Kind::Cloud);
                }
                let number = |at: usize| info["versionNumbers"][at].as_u64();
                let before_8_4 = number(0).is_some_and(|major| (major, number(1).unwrap_or(0)) < (8, 4));
                Ok(Kind::DataCenter { before_8_4 })
            })
            .map(|kind| *kind)
    }

    /// All projects that the plugin's user can see.
    pub(crate) fn projects(&self) -> Result<Arc<Vec<Project>>, JiraError> {
        self.connection.projects.get((), || {
            let all = match self.kind()? {
                Kind::Cloud => self.pages(&["project", "search"], &["values"])?,
                Kind::DataCenter { .. } => array(self.get(&["project"], &[])?),
            };
            Ok(all.iter().filter_map(project_of).collect())
        })
    }

    /// The project of this name, as tools see it. An unknown one is asked for again, but not all the time.
    pub(crate) fn project(&self, name: &str) -> Result<Option<Project>, JiraError> {
        let find = |all: &[Project]| all.iter().find(|project| project.name == name).cloned();
        if let Some(found) = find(&self.projects()?) {
            return Ok(Some(found));
        }
        if self.connection.projects.age(&()).is_some_and(|age| age.as_secs() >= 10) {
            self.connection.projects.forget();
            return Ok(find(&self.projects()?));
        }
        Ok(None)
    }

    /// All fields that Jira has, of any project.
    pub(crate) fn fields(&self) -> Result<Arc<Fields>, JiraError> {
        self.connection.fields.get((), || {
            let all = array(self.get(&["field"], &[])?);
            Ok(Fields(all.iter().filter_map(|entry| Field::of(entry, None)).collect()))
        })
    }

    /// The issue types of a project, each with its fields where one answer has them all.
    pub(crate) fn issue_types(&self, project: &Project) -> Result<Arc<Vec<IssueType>>, JiraError> {
        self.connection.issue_types.get(project.key.clone(), || {
            if self.kind()? == (Kind::DataCenter { before_8_4: true }) {
                return self.issue_types_before_8_4(project);
            }
            let types = self.pages(&["issue", "createmeta", &project.key, "issuetypes"], &["issueTypes", "values"])?;
            Ok(types.iter().filter_map(|entry| issue_type_of(entry, None)).collect())
        })
    }

    fn issue_types_before_8_4(&self, project: &Project) -> Result<Vec<IssueType>, JiraError> {
        let query = [("projectKeys", project.key.as_str()), ("expand", "projects.issuetypes.fields")];
        let answer = self.get(&["issue", "createmeta"], &query)?;
        let types = array(answer["projects"][0]["issuetypes"].clone());
        let with_fields = types.iter().filter_map(|entry| {
            let fields = entry["fields"].as_object().into_iter().flatten();
            issue_type_of(entry, Some(Fields(fields.filter_map(|(id, entry)| Field::of(entry, Some(id))).collect())))
        });
        Ok(with_fields.collect())
    }

    /// The fields that can be written to issues of a type.
    pub(crate) fn fields_of(&self, project: &Project, issue_type: &IssueType) -> Result<Arc<Fields>, JiraError> {
        if let Some(fields) = &issue_type.fields {
            return Ok(Arc::clone(fields));
        }
        self.connection.type_fields.get((project.key.clone(), issue_type.id.clone()), || {
            let path = ["issue", "createmeta", &project.key, "issuetypes", &issue_type.id];
            let all = self.pages(&path, &["fields", "values"])?;
            Ok(Fields(all.iter().filter_map(|entry| Field::of(entry, None)).collect()))
        })
    }

    /// The fields of all of a project's issue types; of one that several have, the first with its values joined.
    pub(crate) fn fields_of_project(&self, project: &Project) -> Result<Fields, JiraError> {
        let mut all = Fields::default();
        for issue_type in self.issue_types(project)?.iter() {
            for field in &self.fields_of(project, issue_type)?.0 {
                match all.0.iter_mut().find(|known| known.id == field.id) {
                    None => all.0.push(field.clone()),
                    Some(known) => {
                        known.required &= field.required;
                        let new: Vec<_> =
                            field.allowed.iter().filter(|value| !known.allowed.contains(value)).cloned().collect();
                        known.allowed.extend(new);
                    }
                }
            }
        }
        Ok(all)
    }

    /// The names of the statuses of a project's issue types; of all when there is none.
    pub(crate) fn statuses(&self, project: Option<&Project>) -> Result<Arc<Vec<String>>, JiraError> {
        self.connection.statuses.get(project.map(|project| project.key.clone()), || {
            let statuses = match project {
                None => array(self.get(&["status"], &[])?),
                Some(project) => {
                    let types = array(self.get(&["project", &project.key, "statuses"], &[])?);
                    types.iter().flat_map(|entry| array(entry["statuses"].clone())).collect()
                }
            };
            Ok(names(&statuses))
        })
    }

    /// The names of the priorities.
    pub(crate) fn priorities(&self) -> Result<Arc<Vec<String>>, JiraError> {
        self.connection.priorities.get((), || Ok(names(&array(self.get(&["priority"], &[])?))))
    }

    /// What Jira refused may be due to metadata that is no longer true.
    pub(crate) fn forget_metadata(&self) {
        self.connection.fields.forget();
        self.connection.issue_types.forget();
        self.connection.type_fields.forget();
        self.connection.statuses.forget();
        self.connection.priorities.forget();
    }

    /// All entries of a list that comes in pages, under one of these keys.
    pub(super) fn pages(&self, path: &[&str], keys: &[&str]) -> Result<Vec<Value>, JiraError> {
        let mut all: Vec<Value> = Vec::new();
        for _ in 0..MOST_PAGES {
            let (start, most) = (all.len().to_string(), PAGE.to_string());
            let mut page = self.get(path, &[("startAt", &start), ("maxResults", &most)])?;
            let entries = keys.iter().find_map(|key| match page[*key].take() {
                Value::Array(entries) => Some(entries),
                _ => None,
            });
            let entries = entries.unwrap_or_default();
            let is_last = page["isLast"] == true || entries.is_empty();
            all.extend(entries);
            let has_all = page["total"].as_u64().is_some_and(|total| all.len() as u64 >= total);
            // An answer without either is no page but all there is.
            let says_nothing = page["isLast"].is_null() && page["total"].is_null();
            if is_last || has_all || says_nothing {
                return Ok(all);
            }
        }
        Err(JiraError::Unavailable(format!("Jira's list `{}` does not end", path.join("/"))))
    }
}

fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

fn names(entries: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        let name = text_of(&entry["name"]);
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn project_of(entry: &Value) -> Option<Project> {
    let (key, name) = (entry["key"].as_str()?, entry["name"].as_str()?);
    Some(Project { id: text_of(&entry["id"]), key: key.to_owned(), name: format!("{name} ({key})") })
}

fn issue_type_of(entry: &Value, fields: Option<Fields>) -> Option<IssueType> {
    let name = entry["name"].as_str()?;
    Some(IssueType { id: text_of(&entry["id"]), name: name.to_owned(), fields: fields.map(Arc::new) })
}
