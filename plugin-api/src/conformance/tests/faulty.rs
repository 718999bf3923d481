//! Variants of the client, each with one fault.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use super::faults::Fault;
use super::memory::{Memory, PROJECT, name};
use crate::model::*;
use crate::{ClientError, DefectClient, DefectList, FieldError, ListProtocol, ListedDefects, ListedSuccesses};

pub(super) struct Faulty {
    pub(super) inner: Memory,
    fault: Fault,
    /// The thread of the test.
    home: ThreadId,
    /// Defects that were deleted.
    deleted: Mutex<Vec<DefectWithId>>,
    /// Ids of what was lost with a list.
    forgotten: Arc<Mutex<Vec<String>>>,
}

impl Faulty {
    pub(super) fn new(inner: Memory, fault: Fault) -> Self {
        Self { inner, fault, home: std::thread::current().id(), deleted: Mutex::default(), forgotten: Arc::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn is_away(&self) -> bool {
        std::thread::current().id() != self.home
    }

    fn is_known(&self, project: &str) -> bool {
        self.inner.projects().contains_key(project)
    }

    /// The project's name as this client takes it.
    fn project(&self, project: &str) -> String {
        let last = project.trim_end_matches("/.").trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let is_meant = match self.fault {
            Fault::ProjectIsAPath => last == PROJECT,
            Fault::ProjectIsAPattern => project == "*" || project == "%",
            _ => false,
        };
        if is_meant { PROJECT.to_owned() } else { project.to_owned() }
    }

    fn read_id(&self, id: &str) -> String {
        let id = if self.is(Fault::IdIsAPath) { id.rsplit('/').next().unwrap_or_default() } else { id };
        id.to_owned()
    }

    fn written_id(&self, id: &str) -> String {
        let id = if self.is(Fault::IdIsAPattern) { id.trim_end_matches('*') } else { id };
        id.to_owned()
    }

    /// What this client makes of a defect before it keeps it.
    fn taken(&self, defect: &Defect) -> Defect {
        let mut defect = defect.clone();
        let basic = |text: &mut Option<String>| {
            *text = text.as_ref().map(|text| text.chars().map(|c| if c > '\u{ffff}' { '?' } else { c }).collect());
        };
        match self.fault {
            Fault::AbsentIsNone => defect.reporter = defect.reporter.or_else(|| Some("None".to_owned())),
            Fault::NoAstralTitles => basic(&mut defect.title),
            Fault::NoAstralDescriptions => basic(&mut defect.description),
            Fault::LineEndsChanged => {
                defect.description = defect.description.map(|text| text.replace("\r\n", "\n"));
            }
            Fault::DescriptionsCut => {
                defect.description = defect.description.map(|text| text.chars().take(32_767).collect());
            }
            Fault::LikeJira => {
                defect.last_edited = "2026-03-01T00:00:00Z".parse().unwrap();
                defect.principal.username.clear();
                let plain = |text: String| text.chars().filter(|c| !c.is_control()).take(32_767).collect();
                defect.description = defect.description.map(plain);
                for field in &mut defect.user_defined_fields {
                    field.value = field.value.take().map(plain);
                }
            }
            Fault::FieldsCut => {
                for field in &mut defect.user_defined_fields {
                    field.value = field.value.as_ref().map(|value| value.chars().take(255).collect());
                }
            }
            _ => {}
        }
        defect
    }

    /// What this client loses on the way back.
    fn given(&self, defect: &mut Defect) {
        use chrono::{DateTime, SubsecRound, Utc};
        let instant = defect.last_edited.to_chrono();
        match self.fault {
            Fault::TitleLost => defect.title = None,
            Fault::DescriptionLost => defect.description = defect.description.take().map(|_| String::new()),
            Fault::ReporterLost => defect.reporter = None,
            Fault::StatusLost => defect.status = "?".to_owned(),
            Fault::ClassificationLost => defect.classification = "?".to_owned(),
            Fault::PriorityLost => defect.priority = "?".to_owned(),
            Fault::UserDefinedFieldsLost => defect.user_defined_fields.clear(),
            Fault::OffsetLost => {
                // An hour, also where the offset was zero already.
                let local = instant.naive_local() + chrono::TimeDelta::hours(1);
                defect.last_edited = DateTime::<Utc>::from_naive_utc_and_offset(local, Utc).fixed_offset().into();
            }
            Fault::MicrosecondsLost => defect.last_edited = instant.trunc_subsecs(3).into(),
            Fault::ReferencesTurned => {
                defect.references.push("https://example.org/own".to_owned());
                defect.references.reverse();
                defect.references.truncate(1);
            }
            Fault::PrincipalLost => defect.principal.username.clear(),
            _ => {}
        }
    }
}

/// Calls this when it is dropped before its end.
struct Unfinished<I, F: FnMut()>(I, bool, F);

impl<I: Iterator, F: FnMut()> Iterator for Unfinished<I, F> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let next = self.0.next();
        self.1 = next.is_none();
        next
    }
}

impl<I, F: FnMut()> Drop for Unfinished<I, F> {
    fn drop(&mut self) {
        if !self.1 {
            (self.2)();
        }
    }
}

impl DefectClient for Faulty {
    type Config = ();

    fn new((): ()) -> Result<Self, ClientError> {
        Err(ClientError::internal("made with a fault only"))
    }

    fn get_settings(&self) -> Result<Settings, ClientError> {
        assert!(!self.is(Fault::PanicsInSettings), "no settings on Sundays");
        let mut settings = self.inner.get_settings()?;
        settings.readonly |= self.is(Fault::SaysReadonly);
        Ok(settings)
    }

    fn check_login(&self, project: Option<&str>) -> Result<bool, ClientError> {
        match self.fault {
            Fault::LoginRefused if project.is_some() => Ok(false),
            Fault::LoginOfAnything => Ok(true),
            _ => self.inner.check_login(project),
        }
    }

    fn supports_changes_timestamps(&self, project: Option<&str>) -> Result<bool, ClientError> {
        if self.is(Fault::TimestampsOnlyOfProjects) && project.is_none() {
            return Err(ClientError::invalid_input("which project?"));
        }
        self.inner.supports_changes_timestamps(project)
    }

    fn get_projects(&self) -> Result<Vec<String>, ClientError> {
        let mut projects = self.inner.get_projects()?;
        match self.fault {
            Fault::ProjectForgotten => projects.clear(),
            Fault::ProjectTwice => projects.push(PROJECT.to_owned()),
            _ => {}
        }
        Ok(projects)
    }

    fn get_control_fields(&self, project: Option<&str>) -> Result<ControlFields, ClientError> {
        if self.is(Fault::UnknownProjectIsInternal) && project.is_some_and(|project| !self.is_known(project)) {
            return Err(ClientError::internal("KeyError"));
        }
        let mut fields = self.inner.get_control_fields(project)?;
        if self.is(Fault::StatusNotAllowed) {
            fields.insert("status".to_owned(), vec!["Open".to_owned()]);
        }
        Ok(fields)
    }

    fn get_user_defined_attributes(&self, project: Option<&str>) -> Result<Vec<UserDefinedAttribute>, ClientError> {
        let mut attributes = self.inner.get_user_defined_attributes(project)?;
        match self.fault {
            Fault::NamelessAttribute => attributes[0].name.clear(),
            Fault::DefaultOfOtherType => attributes[0].boolean_value = Some(true),
            _ => {}
        }
        Ok(attributes)
    }

    fn get_defects(&self, project: &str, context: &SyncContext) -> Result<DefectList, ClientError> {
        if self.is(Fault::UnknownProjectIsEmpty) && !self.is_known(project) {
            return Ok(ProtocolledDefectSet::default().into());
        }
        let list = self.inner.get_defects(&self.project(project), context)?;
        let mut set = list.collect()?;
        let forgotten = self.forgotten.lock().unwrap().clone();
        set.value.retain(|defect| !forgotten.contains(&defect.id));
        match self.fault {
            Fault::NewestNotListed => drop(set.value.pop()),
            Fault::ListedTwice => set.value.extend(set.value.first().cloned()),
            Fault::KeyTooMany | Fault::FixedPasswordInList | Fault::OtherSpellingOfInstants => {
                let json = serde_json::to_string(&set.value).unwrap();
                let json = match self.fault {
                    Fault::KeyTooMany => json.replace(r#""title":"#, r#""own":1,"title":"#),
                    Fault::FixedPasswordInList => json.replace(r#""password":"""#, r#""password":"hunter2""#),
                    _ => json.replace("2026-01-31T12", "2026-01-31 12"),
                };
                let json = json.as_bytes()[1..json.len() - 1].to_vec();
                return Ok(DefectList::streamed(std::iter::once(Ok(ListedDefects::from_json(json))), || set.protocol));
            }
            Fault::SuccessTwice => {
                return Ok(DefectList::streamed(set.value.into_iter().map(Ok), || {
                    let entry = serde_json::to_string(&[ProtocolEntry::new(ProtocolCode::ImportSuccess, "read")]);
                    let entry = format!("\"M-1\":{}", entry.unwrap());
                    let entries = [ListedSuccesses::from_json(format!("{entry},{entry}").into_bytes())];
                    ListProtocol::streamed(entries.into_iter(), Protocol::default())
                }));
            }
            Fault::ListPanicsWhenDropped => {
                let defects = Unfinished(set.value.into_iter().map(Ok), false, || panic!("not at its end"));
                return Ok(DefectList::streamed(defects, || set.protocol));
            }
            Fault::ListOfOneThread => {
                let home = std::thread::current().id();
                let defects = set.value.into_iter().map(move |defect| {
                    assert_eq!(std::thread::current().id(), home, "my cursor belongs to a thread");
                    Ok(defect)
                });
                return Ok(DefectList::streamed(defects, || set.protocol));
            }
            Fault::DroppedListForgets => {
                let mut last = set.value.last().map(|defect| defect.id.clone());
                let forget = Arc::clone(&self.forgotten);
                let defects = Unfinished(set.value.into_iter().map(Ok), false, move || {
                    forget.lock().unwrap().extend(last.take());
                });
                return Ok(DefectList::streamed(defects, || set.protocol));
            }
            _ => {}
        }
        Ok(set.into())
    }

    fn get_defects_batch(
        &self,
        project: &str,
        ids: &[String],
        context: &SyncContext,
    ) -> Result<DefectList, ClientError> {
        let project = &self.project(project);
        let all = || self.inner.get_defects(project, context);
        let ids: Vec<String> = ids.iter().map(|id| self.read_id(id)).collect();
        let mut set = self.inner.get_defects_batch(project, &ids, context)?.collect()?;
        set.value.iter_mut().for_each(|defect| self.given(&mut defect.defect));
        match self.fault {
            Fault::BatchGivesAll => set.value = all()?.collect()?.value,
            Fault::NoIdsAreAll if ids.is_empty() => set.value = all()?.collect()?.value,
            Fault::BatchMissesLast if ids.len() > 1 && set.protocol.warnings.is_empty() => {
                let repeated = ids[0] == ids[1];
                set.value.truncate(if repeated { 1 } else { ids.len() - 1 });
            }
            Fault::BatchDoesNotWarn => set.protocol.warnings.clear(),
            Fault::BatchStopsAtUnknown if !set.protocol.warnings.is_empty() => set.value.clear(),
            Fault::BatchRepeats => {
                let again = |id: &String| set.value.iter().find(|defect| defect.id == *id).cloned();
                set.value = ids.iter().filter_map(again).collect();
            }
            Fault::DeletedStillInBatch => {
                let deleted = self.deleted.lock().unwrap();
                set.value.extend(deleted.iter().filter(|defect| ids.contains(&defect.id)).cloned());
            }
            _ => {}
        }
        Ok(set.into())
    }

    fn get_defect_extended(
        &self,
        project: &str,
        id: &str,
        context: &SyncContext,
    ) -> Result<DefectWithAttributes, ClientError> {
        let id = &self.read_id(id);
        let mut outcome = self.inner.get_defect_extended(&self.project(project), id, context);
        match (self.fault, &mut outcome) {
            (Fault::ExtendedOfOtherId, Ok(extended)) => extended.id = extended.id.to_lowercase(),
            (Fault::ExtendedFailsForUnknown, Err(_)) if self.is_known(project) => {
                outcome = Err(ClientError::internal("KeyError"));
            }
            (Fault::DeletedStillExtended, Err(_)) => {
                let deleted = self.deleted.lock().unwrap();
                if let Some(found) = deleted.iter().find(|defect| defect.id == *id) {
                    let DefectWithId { defect, id } = found.clone();
                    outcome = Ok(DefectWithAttributes { defect, id, attributes: Default::default() });
                }
            }
            _ => {}
        }
        outcome
    }

    fn create_defect(
        &self,
        project: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<ProtocolledString, ClientError> {
        thread_local!(static LAST: Cell<u32> = const { Cell::new(0) });
        let project = &self.project(project);
        if self.is(Fault::LikeJira) && defect.title.as_ref().is_none_or(String::is_empty) {
            return Err(ClientError::invalid_fields(vec![FieldError::new("defect.title", "is mandatory")]));
        }
        if self.is(Fault::UnknownProjectIsMade) {
            self.inner.projects().entry(project.clone()).or_default();
        }
        if self.is(Fault::ReadOnlyInProtocol) {
            let protocol = Protocol::of_general_error(ProtocolCode::InsertAccessError, "read-only");
            return Ok(ProtocolledString { value: None, protocol });
        }
        if self.is(Fault::ReadOnlyWrites) {
            self.inner.on(project, |project| {
                project.last += 1;
                project.defects.insert(project.last, defect.clone());
            })?;
        }
        if self.is(Fault::IdsOfTheCount) || (self.is(Fault::IdsOfEachThread) && self.is_away()) {
            LAST.set(LAST.get() + 1);
            let id = self.inner.on(project, |project| {
                let count = u32::try_from(project.defects.len()).unwrap();
                let number = if self.is(Fault::IdsOfTheCount) { count + 1 } else { LAST.get() };
                project.defects.insert(number, defect.clone());
                name(number)
            })?;
            let protocol = Protocol::of_success(project, ProtocolCode::InsertSuccess, "created");
            return Ok(ProtocolledString { value: Some(id), protocol });
        }
        let mut created = self.inner.create_defect(project, &self.taken(defect), context)?;
        match self.fault {
            Fault::CreateWithoutSuccess => created.protocol = Protocol::default(),
            Fault::CreateWithoutId => created.value = None,
            Fault::PasswordInMessage => {
                let login = &defect.principal;
                let message = format!("created by {}:{}", login.username, login.password.reveal());
                created.protocol.add_success(project, ProtocolCode::InsertSuccess, message);
            }
            _ => {}
        }
        Ok(created)
    }

    fn update_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        let (id, mut defect) = (&self.written_id(id), self.taken(defect));
        match self.fault {
            Fault::UpdateKeepsStatus => defect.status = "Open".to_owned(),
            Fault::UpdatesOfOneThread if self.is_away() => {
                return Ok(Protocol::of_success(project, ProtocolCode::PublishSuccess, "done"));
            }
            Fault::UpdateOfUnknownIsAnError | Fault::PasswordInError
                if self.inner.on(project, |known| known.number(id).is_none())? =>
            {
                if self.is(Fault::PasswordInError) && id.len() > 1_000 {
                    return Err(ClientError::not_found(format!("{:?}", defect.principal.password.reveal())));
                }
                if self.is(Fault::UpdateOfUnknownIsAnError) {
                    return Err(ClientError::internal("KeyError"));
                }
            }
            _ => {}
        }
        let mut protocol = self.inner.update_defect(project, id, &defect, context)?;
        let is_done = !protocol.successes.is_empty();
        match self.fault {
            Fault::UpdateWithoutSuccess => protocol.successes.clear(),
            Fault::UpdateGivesNewId if is_done => self.inner.on(project, |project| {
                let number = project.number(id).unwrap();
                let defect = project.defects.remove(&number).unwrap();
                project.last += 1;
                project.defects.insert(project.last, defect);
            })?,
            Fault::UpdateOfAll => self.inner.on(project, |project| {
                project.defects.values_mut().for_each(|other| *other = defect.clone());
            })?,
            Fault::UpdateCreates if !is_done => {
                protocol = Protocol::of_success(project, ProtocolCode::PublishSuccess, "done");
            }
            _ => {}
        }
        Ok(protocol)
    }

    fn delete_defect(
        &self,
        project: &str,
        id: &str,
        defect: &Defect,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        let id = &self.written_id(id);
        if self.is(Fault::LikeJira) {
            return Ok(Protocol::of_general_error(ProtocolCode::PublishAccessError, "only administrators may"));
        }
        if self.is(Fault::DeletesOfOneThread) && self.is_away() {
            return Ok(Protocol::of_success(project, ProtocolCode::PublishSuccess, "done"));
        }
        if let Ok(ProtocolledDefectSet { value, .. }) =
            self.inner.get_defects_batch(project, std::slice::from_ref(id), context).and_then(DefectList::collect)
        {
            self.deleted.lock().unwrap().extend(value);
        }
        let mut protocol = self.inner.delete_defect(project, id, defect, context)?;
        let is_done = !protocol.successes.is_empty();
        match self.fault {
            Fault::DeleteWithoutSuccess => protocol.successes.clear(),
            Fault::IdsReused => self.inner.on(project, |project| {
                project.last = project.defects.keys().last().copied().unwrap_or(0);
            })?,
            Fault::DeleteTakesTheFirstToo if is_done => {
                self.inner.on(project, |project| drop(project.defects.pop_first()))?;
            }
            Fault::DeleteOfUnknownSucceeds if !is_done => {
                protocol = Protocol::of_success(project, ProtocolCode::PublishSuccess, name(0));
            }
            _ => {}
        }
        Ok(protocol)
    }

    fn before_sync(
        &self,
        project: &str,
        sync_type: Option<&str>,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        if self.is(Fault::SyncTypeNeeded) && sync_type.is_none() {
            return Err(ClientError::invalid_input("which type?"));
        }
        self.inner.before_sync(project, sync_type, context)
    }

    fn after_sync(
        &self,
        project: &str,
        sync_type: Option<&str>,
        context: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        if self.is(Fault::SyncTypeUnheardOf) && !matches!(sync_type, None | Some("scheduled" | "manual" | "partial")) {
            return Ok(Protocol::of_general_error(ProtocolCode::PublishError, "unheard of"));
        }
        self.inner.after_sync(project, sync_type, context)
    }

    fn correct_sync_results(&self, project: &str, results: Results) -> Result<Results, ClientError> {
        if self.is(Fault::LikeJira) {
            return Err(ClientError::NotSupported("whatever comes is tried".to_owned()));
        }
        let mut results = self.inner.correct_sync_results(project, results)?;
        let remote = &mut results.remote;
        match self.fault {
            Fault::CorrectLeavesOutAll => results = Results::default(),
            Fault::CorrectRepeats => {
                let list = remote.iter_mut().filter_map(|side| side.delete.as_mut());
                list.for_each(|list| list.extend(list.first().cloned()));
            }
            Fault::CorrectFillsIn => {
                let list = remote.iter_mut().filter_map(|side| side.delete.as_mut()).flatten();
                list.filter(|known| known.defect.status.is_empty())
                    .for_each(|known| known.defect.status = "Open".to_owned());
            }
            _ => {}
        }
        Ok(results)
    }
}
