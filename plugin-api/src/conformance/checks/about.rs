//! What the tracker says of itself and its projects.

use std::collections::BTreeSet;

use crate::conformance::call::Exchange;
use crate::conformance::report::Failure;
use crate::conformance::samples::State;
use crate::conformance::tracker::Tracker;
use crate::conformance::verdict::{Stop, Verdict, all};
use crate::error::ClientError;
use crate::model::{ControlFields, UserDefinedAttribute, ValueType};
use crate::operation::Operation;

/// The places that a question is asked for: as a whole, and for the project.
fn places<'a>(tracker: &Tracker<'a>) -> [Option<&'a str>; 2] {
    [None, Some(tracker.project())]
}

pub(in super::super) fn settings(tracker: &Tracker<'_>) -> Verdict {
    let settings = tracker.settings().answered()?;
    let can_write = [Operation::CreateDefect, Operation::UpdateDefect, Operation::DeleteDefect]
        .into_iter()
        .any(|operation| tracker.can(operation));
    if settings.readonly == can_write {
        let (wanted, to_do) = if can_write {
            ("`readonly` is false for a client that can write", "check a read-only client with `check_read_only`")
        } else {
            ("`readonly` is true for a client that cannot write", "set `readonly` in `get_settings`")
        };
        return Err(settings.fails(wanted, to_do).into());
    }
    Ok(())
}

pub(in super::super) fn login(tracker: &Tracker<'_>) -> Verdict {
    let ask = |project| -> Exchange<bool> { tracker.about(Operation::CheckLogin, project) };
    let accepted = |project| -> Result<(), Failure> {
        let accepted = ask(project).answered()?;
        if *accepted {
            return Ok(());
        }
        let to_do = "see that the tracker can be reached with the test's configuration, and that the project is there";
        Err(accepted.fails("true: the tracker answers and accepts the plugin's credentials", to_do))
    };
    let unknown = || -> Result<(), Failure> {
        let exchange = ask(Some(&tracker.scratch.unknown_project));
        if matches!(exchange.error(), Some(ClientError::NotFound(_))) {
            return Ok(());
        }
        let accepted = exchange.answered()?;
        if *accepted {
            let to_do = "look whether the project is there; or name another one with `unknown_project`";
            return Err(accepted.fails("false (or `NotFound`) for a project that the tracker does not have", to_do));
        }
        Ok(())
    };
    all(places(tracker).map(accepted).into_iter().chain([unknown()]))
}

pub(in super::super) fn changes_timestamps(tracker: &Tracker<'_>) -> Verdict {
    let ask = |project| -> Exchange<bool> { tracker.about(Operation::SupportsChangesTimestamps, project) };
    all(places(tracker).map(|project| ask(project).answered().map(drop)))
}

pub(in super::super) fn projects(tracker: &Tracker<'_>) -> Verdict {
    let exchange: Exchange<Vec<String>> = tracker.about(Operation::GetProjects, None);
    let projects = exchange.answered()?;
    if !projects.iter().any(|project| project == tracker.project()) {
        let to_do = "name the project in `ScratchProject::new` exactly as `get_projects` does";
        return Err(projects.fails("the scratch project is among the projects", to_do).into());
    }
    if projects.contains(&tracker.scratch.unknown_project) {
        let to_do = "name another one with `unknown_project`";
        return Err(projects.fails("the unknown project is not among the projects", to_do).into());
    }
    if projects.iter().collect::<BTreeSet<_>>().len() != projects.len() {
        let to_do = "make the identifiers differ, such as by the project's key in parentheses";
        return Err(projects.fails("each identifier once: it is what the other operations get back", to_do).into());
    }
    Ok(())
}

pub(in super::super) fn control_fields(tracker: &Tracker<'_>) -> Verdict {
    let ask = |project| -> Exchange<ControlFields> { tracker.about(Operation::GetControlFields, project) };
    ask(None).answered()?;
    let control = ask(Some(tracker.project())).answered()?;
    for defect in [State::Created, State::Changed].map(|state| tracker.defect(state)) {
        let own = [("status", defect.status), ("classification", defect.classification), ("priority", defect.priority)];
        let own = own.map(|(name, value)| (name.to_owned(), Some(value)));
        let user_defined = defect.user_defined_fields.into_iter().map(|field| (field.name, field.value));
        for (name, value) in own.into_iter().chain(user_defined) {
            if let (Some(allowed), Some(value)) = (control.get(&name), value)
                && !allowed.contains(&value)
            {
                let wanted = format!("`{value}`, which the scratch project has for `{name}`, is one of its values");
                let to_do = "correct `get_control_fields`, or name an allowed value in the `ScratchProject`";
                return Err(control.fails(wanted, to_do).into());
            }
        }
    }
    Ok(())
}

pub(in super::super) fn user_defined_attributes(tracker: &Tracker<'_>) -> Verdict {
    let ask = |project| -> Result<(), Failure> {
        let exchange: Exchange<Vec<UserDefinedAttribute>> = tracker.about(Operation::GetUserDefinedAttributes, project);
        let attributes = exchange.answered()?;
        let mut names = BTreeSet::new();
        for attribute in attributes.iter() {
            let name = &attribute.name;
            if name.is_empty() || !names.insert(name) {
                let to_do = "fields are told apart by their names: give each one of its own";
                return Err(attributes.fails("every attribute has a name, each of them once", to_do));
            }
            let foreign = match attribute.value_type {
                ValueType::String => attribute.boolean_value.is_some(),
                ValueType::Boolean => attribute.string_value.is_some(),
            };
            if foreign {
                let wanted = format!("`{name}` has a default of its own `valueType` only");
                return Err(attributes.fails(wanted, "set `string_value` for STRING, `boolean_value` for BOOLEAN"));
            }
        }
        Ok(())
    };
    all(places(tracker).map(ask))
}

pub(in super::super) fn password(tracker: &Tracker<'_>) -> Verdict {
    let mut leaks = tracker.leaks();
    // The same mistake is in many answers.
    leaks.truncate(3);
    if leaks.is_empty() { Ok(()) } else { Err(Stop::Failed(leaks)) }
}
