//! A client that keeps the contract, with its defects in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::conformance::ScratchProject;
use crate::model::*;
use crate::{ClientError, DefectClient, DefectList};

pub(super) const PROJECT: &str = "Scratch (SCR)";

/// What the tests say about the project of a [`Memory`].
pub(super) fn scratch() -> ScratchProject {
    ScratchProject::new(PROJECT).status("Open", "Closed").user_defined_field("Team", "Red", "Blue").text_field("Notes")
}

/// The configuration that the documents' example has.
pub(super) fn config() -> Vec<String> {
    vec!["Scratch".to_owned()]
}

pub(super) struct Memory {
    pub(super) readonly: bool,
    projects: Mutex<BTreeMap<String, Project>>,
}

#[derive(Default)]
pub(super) struct Project {
    /// By number.
    pub(super) defects: BTreeMap<u32, Defect>,
    /// The largest number that was ever given.
    pub(super) last: u32,
}

impl Project {
    pub(super) fn number(&self, id: &str) -> Option<u32> {
        let number: u32 = id.strip_prefix("M-")?.parse().ok()?;
        // What is no spelling of ours, such as `M-+1`, is no id.
        (id == name(number) && self.defects.contains_key(&number)).then_some(number)
    }
}

pub(super) fn name(number: u32) -> String {
    format!("M-{number}")
}

impl Memory {
    pub(super) fn writable() -> Self {
        Self::new(vec![PROJECT.to_owned()]).unwrap()
    }

    /// A read-only one with two defects.
    pub(super) fn filled(defect: &Defect) -> Self {
        let mut memory = Self::writable();
        for _ in 0..2 {
            memory.create_defect(PROJECT, defect, &SyncContext::default()).unwrap();
        }
        memory.readonly = true;
        memory
    }

    pub(super) fn projects(&self) -> MutexGuard<'_, BTreeMap<String, Project>> {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn on<T>(&self, project: &str, run: impl FnOnce(&mut Project) -> T) -> Result<T, ClientError> {
        let unknown = || ClientError::not_found(format!("no project `{project}`"));
        self.projects().get_mut(project).map(run).ok_or_else(unknown)
    }

    fn write<T>(&self, project: &str, run: impl FnOnce(&mut Project) -> T) -> Result<T, ClientError> {
        if self.readonly {
            return Err(ClientError::forbidden("the client is read-only"));
        }
        self.on(project, run)
    }
}

/// The defect as it is stored: without the password.
fn stored(defect: &Defect) -> Defect {
    let mut defect = defect.clone();
    defect.principal.password = Password::default();
    defect
}

fn done(project: &str) -> Protocol {
    Protocol::of_success(project, ProtocolCode::PublishSuccess, "done")
}

impl DefectClient for Memory {
    type Config = Vec<String>;

    fn new(projects: Vec<String>) -> Result<Self, ClientError> {
        let projects = projects.into_iter().map(|name| (name, Project::default())).collect();
        Ok(Self { readonly: false, projects: Mutex::new(projects) })
    }

    fn get_settings(&self) -> Result<Settings, ClientError> {
        Ok(Settings { name: "Memory".to_owned(), description: String::new(), readonly: self.readonly })
    }

    fn check_login(&self, project: Option<&str>) -> Result<bool, ClientError> {
        Ok(project.is_none_or(|project| self.projects().contains_key(project)))
    }

    fn supports_changes_timestamps(&self, _: Option<&str>) -> Result<bool, ClientError> {
        Ok(true)
    }

    fn get_projects(&self) -> Result<Vec<String>, ClientError> {
        Ok(self.projects().keys().cloned().collect())
    }

    fn get_control_fields(&self, _: Option<&str>) -> Result<ControlFields, ClientError> {
        Ok(ControlFields::from([("status".to_owned(), ["Open", "Closed"].map(str::to_owned).to_vec())]))
    }

    fn get_user_defined_attributes(&self, _: Option<&str>) -> Result<Vec<UserDefinedAttribute>, ClientError> {
        let attribute = |name: &str| UserDefinedAttribute {
            name: name.to_owned(),
            value_type: ValueType::String,
            must_field: Some(false),
            last_edited: None,
            string_value: Some("Red".to_owned()),
            boolean_value: None,
        };
        Ok(vec![attribute("Team"), attribute("Notes")])
    }

    fn get_defects(&self, project: &str, _: &SyncContext) -> Result<DefectList, ClientError> {
        let value: Vec<DefectWithId> = self.on(project, |project| {
            let defects = project.defects.iter();
            defects.map(|(number, defect)| DefectWithId { defect: defect.clone(), id: name(*number) }).collect()
        })?;
        let mut protocol = Protocol::default();
        for defect in &value {
            protocol.add_success(&defect.id, ProtocolCode::ImportSuccess, "read");
        }
        Ok(ProtocolledDefectSet { value, protocol }.into())
    }

    fn get_defects_batch(&self, project: &str, ids: &[String], _: &SyncContext) -> Result<DefectList, ClientError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        self.on(project, |project| {
            let mut set = ProtocolledDefectSet::default();
            for id in ids {
                match project.number(&id) {
                    Some(number) => set.value.push(DefectWithId { defect: project.defects[&number].clone(), id }),
                    None => set.protocol.add_warning(&id, ProtocolCode::DefectNotFound, "not there"),
                }
            }
            set.into()
        })
    }

    fn get_defect_extended(
        &self,
        project: &str,
        id: &str,
        _: &SyncContext,
    ) -> Result<DefectWithAttributes, ClientError> {
        let found = self.on(project, |project| Some(project.defects[&project.number(id)?].clone()))?;
        let defect = found.ok_or_else(|| ClientError::not_found(format!("no defect `{id}`")))?;
        let attributes = BTreeMap::from([("status".to_owned(), defect.status.clone())]);
        Ok(DefectWithAttributes { defect, id: id.to_owned(), attributes })
    }

    fn create_defect(&self, project: &str, defect: &Defect, _: &SyncContext) -> Result<ProtocolledString, ClientError> {
        let id = self.write(project, |project| {
            project.last += 1;
            project.defects.insert(project.last, stored(defect));
            name(project.last)
        })?;
        let protocol = Protocol::of_success(project, ProtocolCode::InsertSuccess, format!("created `{id}`"));
        Ok(ProtocolledString { value: Some(id), protocol })
    }

    fn update_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        _: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        self.write(project, |known| match known.number(id) {
            Some(number) => {
                known.defects.insert(number, stored(defect));
                done(project)
            }
            None => Protocol::of_general_error(ProtocolCode::DefectNotFound, format!("no defect `{id}`")),
        })
    }

    fn delete_defect(&self, project: &str, id: &str, _: &Defect, _: &SyncContext) -> Result<Protocol, ClientError> {
        self.write(project, |known| match known.number(id) {
            Some(number) => {
                known.defects.remove(&number);
                done(project)
            }
            None => Protocol::of_general_error(ProtocolCode::NoDefectFound, format!("no defect `{id}`")),
        })
    }

    fn correct_sync_results(&self, _: &str, mut results: Results) -> Result<Results, ClientError> {
        let valid = |defect: &Defect| ["Open", "Closed"].contains(&defect.status.as_str());
        if let Some(local) = &mut results.local {
            local.create.iter_mut().for_each(|list| list.retain(|new| valid(&new.defect)));
            local.update.iter_mut().for_each(|list| list.retain(|known| valid(&known.defect)));
        }
        if let Some(remote) = &mut results.remote {
            remote.create.iter_mut().for_each(|list| list.retain(|new| valid(&new.defect)));
            remote.update.iter_mut().for_each(|list| list.retain(|known| valid(&known.defect)));
        }
        Ok(results)
    }
}
