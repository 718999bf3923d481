//! What a tracker is like: values that fields may have, further fields, changes that Jira would refuse.

use std::collections::BTreeSet;

use defect_plugin_api::model::{ControlFields, Defect, Results, UserDefinedAttribute, ValueType};

use super::Call;
use crate::api::JiraError;
use crate::mapping::Fields;
use crate::model::Project;

impl Call<'_> {
    /// Under the names of the configuration, and each field with allowed values under the name that Jira shows.
    pub(super) fn control_fields(&self, project: Option<&Project>) -> Result<ControlFields, JiraError> {
        let mut all = ControlFields::new();
        let fields = match project {
            Some(project) => {
                let types = self.jira.issue_types(project)?;
                let names: Vec<_> = types.iter().map(|issue_type| issue_type.name.clone()).collect();
                all.insert("issuetype".to_owned(), names);
                self.jira.fields_of_project(project)?
            }
            None => Fields::default(),
        };
        for field in &fields.0 {
            let names: Vec<_> = field.allowed_names().collect();
            if !names.is_empty() {
                all.insert(field.name.clone(), names);
            }
        }
        all.insert("status".to_owned(), self.jira.statuses(project)?.to_vec());
        for wanted in self.config.control_fields(project) {
            let values = match wanted.as_str() {
                "status" => continue,
                "priority" => self.priorities(&fields)?,
                "classification" => all.get("issuetype").cloned().unwrap_or_default(),
                other => match fields.find(other) {
                    Some(field) => field.allowed_names().collect(),
                    None => continue,
                },
            };
            if !values.is_empty() {
                all.insert(wanted.clone(), values);
            }
        }
        Ok(all)
    }

    /// Those of the project's own scheme; else all.
    fn priorities(&self, fields: &Fields) -> Result<Vec<String>, JiraError> {
        let own: Vec<_> = fields.find("priority").map(|field| field.allowed_names().collect()).unwrap_or_default();
        if own.is_empty() { Ok(self.jira.priorities()?.to_vec()) } else { Ok(own) }
    }

    /// The project's fields; of all projects those that Jira lists.
    pub(super) fn attributes(&self, project: Option<&Project>) -> Result<Vec<UserDefinedAttribute>, JiraError> {
        let fields = match project {
            Some(project) => self.jira.fields_of_project(project)?,
            None => (*self.jira.fields()?).clone(),
        };
        // Two fields of one name cannot be told apart by it.
        let mut seen = BTreeSet::new();
        let distinct = fields.0.into_iter().filter(|field| seen.insert(field.name.clone()));
        let attributes = distinct.map(|field| UserDefinedAttribute {
            value_type: if field.is_boolean { ValueType::Boolean } else { ValueType::String },
            must_field: Some(field.required && !field.has_default),
            name: field.name,
            last_edited: None,
            string_value: None,
            boolean_value: None,
        });
        Ok(attributes.collect())
    }

    /// Without the changes that Jira would refuse.
    pub(super) fn corrected(&self, project: &Project, mut results: Results) -> Result<Results, JiraError> {
        let fields = self.jira.fields_of_project(project)?;
        let statuses = self.jira.statuses(Some(project))?;
        let types: Vec<_> = self.jira.issue_types(project)?.iter().map(|issue_type| issue_type.name.clone()).collect();
        let priorities = self.priorities(&fields)?;
        let is_possible = |defect: &Defect, what: &str| {
            let fault = [
                ("status", &defect.status, &*statuses),
                ("classification", &defect.classification, &types),
                ("priority", &defect.priority, &priorities),
            ]
            .into_iter()
            .find(|(_, value, allowed)| !allowed.contains(value));
            if let Some((field, value, _)) = fault {
                let title = defect.title.as_deref().unwrap_or_default();
                tracing::warn!(
                    project = project.name,
                    "{what} is left out: `{value}` is no {field} of the project; title `{title}`"
                );
            }
            fault.is_none()
        };
        if let Some(local) = &mut results.local {
            local.create.iter_mut().for_each(|all| all.retain(|new| is_possible(&new.defect, "a new local defect")));
            local.update.iter_mut().for_each(|all| all.retain(|known| is_possible(&known.defect, "a local change")));
        }
        if let Some(remote) = &mut results.remote {
            remote.create.iter_mut().for_each(|all| all.retain(|new| is_possible(&new.defect, "a new issue")));
            remote
                .update
                .iter_mut()
                .for_each(|all| all.retain(|known| is_possible(&known.defect, "a change of an issue")));
        }
        Ok(results)
    }
}
