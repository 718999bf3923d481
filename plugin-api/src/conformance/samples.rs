//! Defects to try, and their removal.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::call::{Answered, Exchange};
use super::tracker::{Tracker, hold};
use super::verdict::Stop;
use crate::model::{
    ControlFields, Defect, Login, Password, Timestamp, UserDefinedAttribute, UserDefinedField, ValueType,
};
use crate::operation::Operation;

/// A defect that was created, and as what.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) id: String,
    pub(super) sent: Defect,
}

/// The values to create a defect with and to change it to.
pub(super) struct Values {
    status: [String; 2],
    classification: [String; 2],
    priority: [String; 2],
    user_defined_fields: Vec<(String, [String; 2])>,
}

/// Which of its two values each field of a defect has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Created = 0,
    Changed = 1,
}

/// Defects to try.
impl Tracker<'_> {
    /// A defect that the tracker takes, its title unlike all others.
    pub(super) fn defect(&self, state: State) -> Defect {
        let values = self.values.get_or_init(|| self.find_values());
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let one = |pair: &[String; 2]| pair[state as usize].clone();
        let fields = values.user_defined_fields.iter().map(|(name, values)| UserDefinedField {
            name: name.clone(),
            value: Some(one(values)),
            must_field: Some(false),
        });
        let last_edited = ["2026-01-31T12:00:00.123456+01:00", "2026-02-01T08:30:00.654321Z"][state as usize];
        Defect {
            title: Some(format!("Conformance {} {number}", self.mark)),
            description: Some(format!("Made by a test ({} {number}), safe to delete.", self.mark)),
            reporter: Some(one(&self.scratch.reporter)),
            status: one(&values.status),
            classification: one(&values.classification),
            priority: one(&values.priority),
            user_defined_fields: fields.collect(),
            last_edited: last_edited.parse().unwrap_or_else(|_| Timestamp::now()),
            references: self.scratch.references[state as usize].clone(),
            principal: Login { username: self.principal.username.clone(), password: Password::default() },
        }
    }

    /// What the author says; else what the tracker itself says; else guesses.
    fn find_values(&self) -> Values {
        let control: ControlFields = self
            .about(Operation::GetControlFields, Some(self.project()))
            .answered()
            .map(|fields: Answered<ControlFields>| fields.clone())
            .unwrap_or_default();
        let allowed = |name: &str| {
            let values = control.get(name)?;
            let created = values.first()?;
            Some([created.clone(), values.get(1).unwrap_or(created).clone()])
        };
        let find = |said: &Option<[String; 2]>, name: &str, guesses: [&str; 2]| {
            said.clone().or_else(|| allowed(name)).unwrap_or_else(|| guesses.map(str::to_owned))
        };
        let mut user_defined_fields = self.scratch.user_defined_fields.clone();
        if user_defined_fields.is_empty() {
            let attributes: Exchange<Vec<UserDefinedAttribute>> =
                self.about(Operation::GetUserDefinedAttributes, Some(self.project()));
            let attributes = attributes.answered().map(|attributes| attributes.clone()).unwrap_or_default();
            let texts = attributes.into_iter().filter(|attribute| attribute.value_type == ValueType::String);
            user_defined_fields.extend(texts.map(|attribute| {
                let values = allowed(&attribute.name).unwrap_or_else(|| ["one", "two"].map(str::to_owned));
                (attribute.name, values)
            }));
        }
        Values {
            status: find(&self.scratch.status, "status", ["open", "closed"]),
            classification: find(&self.scratch.classification, "classification", ["bug", "task"]),
            priority: find(&self.scratch.priority, "priority", ["high", "low"]),
            user_defined_fields,
        }
    }

    /// Creates it; that it can be created is another check's subject.
    pub(super) fn created(&self, sent: Defect) -> Result<Sample, Stop> {
        match self.create(self.project(), &sent).answered().map(|created| created.value.clone()) {
            Ok(Some(id)) if !id.is_empty() => Ok(Sample { id, sent }),
            _ => Err(Stop::Skipped("no defect could be created: see the check `create`".to_owned())),
        }
    }

    /// Two defects that are there and that nobody changes.
    pub(super) fn samples(&self) -> Result<[Sample; 2], Stop> {
        let known = hold(&self.samples).clone();
        if let Some(samples) = known.filter(|samples| self.are_there(samples)) {
            return Ok(samples);
        }
        let [one, other] = [self.defect(State::Created), self.defect(State::Created)];
        let samples = [self.created(one)?, self.created(other)?];
        *hold(&self.samples) = Some(samples.clone());
        Ok(samples)
    }

    /// False when another check has found out that they are not, so that not all others fail too.
    fn are_there(&self, samples: &[Sample; 2]) -> bool {
        samples.iter().all(|sample| {
            let batch = self.batch(self.project(), &[&sample.id]).answered();
            batch.is_ok_and(|batch| batch.value.iter().any(|defect| defect.id == sample.id))
        })
    }

    /// Makes others when they are needed next: something has happened to these.
    pub(super) fn replace_samples(&self) {
        *hold(&self.samples) = None;
    }

    /// Two ids of defects that are there, or one when there is no other.
    pub(super) fn known_ids(&self) -> Result<Vec<String>, Stop> {
        if self.can(Operation::CreateDefect) {
            return Ok(self.samples()?.iter().map(|sample| sample.id.clone()).collect());
        }
        let listed = self.list(self.project()).answered()?;
        let ids: Vec<String> = listed.value.iter().take(2).map(|defect| defect.id.clone()).collect();
        if ids.is_empty() {
            return Err(Stop::Skipped("the project has no defect: put one or two into it".to_owned()));
        }
        Ok(ids)
    }
}

/// Cleaning up.
impl Tracker<'_> {
    /// Deletes what a check has made, but for the samples.
    pub(super) fn clean_up(&self) {
        let samples: Vec<String> = hold(&self.samples).iter().flatten().map(|sample| sample.id.clone()).collect();
        let of_the_check: Vec<String> =
            hold(&self.created).iter().filter(|id| !samples.contains(id)).cloned().collect();
        self.remove(&of_the_check);
    }

    /// Deletes everything of this run; gives what is still there.
    pub(super) fn clean_up_all(&self) -> Vec<String> {
        // Also what came to be without an answer that told its id.
        let ours = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains(&self.mark));
        let made: BTreeSet<String> = hold(&self.created).clone();
        let still_there = || -> Vec<String> {
            let Ok(listed) = self.list(self.project()).answered() else {
                return hold(&self.created).iter().cloned().collect();
            };
            let defects = listed
                .value
                .iter()
                .filter(|it| made.contains(&it.id) || ours(&it.defect.title) || ours(&it.defect.description));
            defects.map(|defect| defect.id.clone()).collect()
        };
        let left = still_there();
        if left.is_empty() || !self.remove(&left) {
            return left;
        }
        still_there()
    }

    /// True when it could be tried.
    fn remove(&self, ids: &[String]) -> bool {
        if !self.scratch.can(Operation::DeleteDefect) {
            return false;
        }
        let by = self.defect(State::Created);
        for id in ids {
            if self.delete(self.project(), id, &by).outcome.is_ok() {
                hold(&self.created).remove(id);
            }
        }
        true
    }
}
