//! That each check can fail, and that a client without faults passes.

mod documented;
mod faults;
mod faulty;
mod memory;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Check, Field, Outcome, Precision, Report, check, check_read_only};
use crate::DefectClient;
use crate::model::{Defect, Login, Password};
use crate::operation::Operation;
use faults::{FAULTS, Fault};
use faulty::Faulty;
use memory::{Memory, PROJECT, scratch};

fn failed(report: &Report) -> Vec<&'static str> {
    report.failed().map(|(check, _)| check.name()).collect()
}

fn skipped(report: &Report) -> Vec<(&'static str, String)> {
    report.skipped().map(|(check, why)| (check.name(), why.to_owned())).collect()
}

fn defect() -> Defect {
    let json = r#"{"title":"there before","status":"Open","classification":"Bug","priority":"High",
        "lastEdited":"2026-01-31T12:00:00Z","principal":{"username":"ann","password":""}}"#;
    serde_json::from_str(json).unwrap()
}

fn checked(fault: Fault) -> Report {
    let is_read_only = matches!(fault, Fault::ReadOnlyInProtocol | Fault::ReadOnlyWrites);
    if is_read_only {
        check_read_only(&Faulty::new(Memory::filled(&defect()), fault), &scratch())
    } else {
        check(&Faulty::new(Memory::writable(), fault), &scratch())
    }
}

#[test]
fn a_client_without_faults_passes_every_check_and_nothing_is_left() {
    let client = Memory::writable();
    let before = client.create_defect(PROJECT, &defect(), &Default::default()).unwrap().value.unwrap();
    let report = check(&client, &scratch());
    report.assert_passed();
    assert_eq!(skipped(&report), [], "{report}");
    assert_eq!(report.left_behind(), [""; 0]);
    let left = client.on(PROJECT, |project| project.defects.clone()).unwrap();
    assert_eq!(left.into_values().collect::<Vec<_>>(), [defect()], "{before} is as it was");
}

#[test]
fn a_read_only_client_without_faults_passes() {
    let client = Memory::filled(&defect());
    let report = check_read_only(&client, &scratch());
    report.assert_passed();
    assert_eq!(skipped(&report), []);
    let writable: Vec<Check> = check(&Memory::writable(), &scratch()).passed().collect();
    let both: BTreeSet<Check> = report.passed().chain(writable).collect();
    assert_eq!(both.len(), Check::ALL.len(), "every check is for one of the two");
}

#[test]
fn every_fault_is_found_by_its_checks_and_no_others() {
    let next = AtomicUsize::new(0);
    let run = || -> Vec<String> {
        let faults = std::iter::from_fn(|| FAULTS.get(next.fetch_add(1, Ordering::Relaxed)));
        let wrong = faults.filter_map(|(fault, expected)| {
            let found: BTreeSet<&str> = failed(&checked(*fault)).into_iter().collect();
            let expected: BTreeSet<&str> = expected.iter().copied().collect();
            (found != expected).then(|| format!("{fault:?}: {expected:?} expected, {found:?} found"))
        });
        wrong.collect()
    };
    let wrong = std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(run));
        threads.map(|thread| thread.join().unwrap()).concat()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_check_finds_a_fault() {
    let found: BTreeSet<&str> = FAULTS.iter().flat_map(|(_, checks)| checks.iter().copied()).collect();
    let missing: Vec<&str> = Check::ALL.iter().map(|check| check.name()).filter(|name| !found.contains(name)).collect();
    assert!(missing.is_empty(), "no fault for {missing:?}");
}

#[test]
fn a_tracker_that_cannot_do_everything_passes_with_what_it_says_of_itself() {
    let scratch = scratch()
        .does_not_keep(Field::LastEdited, "the tracker sets it")
        .does_not_keep(Field::Principal, "the tracker has its own users")
        .lacks(Operation::DeleteDefect, "only administrators may")
        .lacks(Operation::CorrectSyncResults, "not yet")
        .skip(Check::AbsentTexts, "a title is mandatory")
        .skip(Check::ControlCharacters, "they are taken out")
        .skip(Check::LargeTexts, "a text holds 32,767 characters")
        .skip(Check::UserDefinedTexts, "as of the description");
    let client = Faulty::new(Memory::writable(), Fault::LikeJira);
    let report = check(&client, &scratch);
    report.assert_passed();
    let delete = "no `delete_defect`: only administrators may";
    let expected = [
        ("unused-ids", delete),
        ("last-edited", "`lastEdited` is not kept: the tracker sets it"),
        ("microseconds", "`lastEdited` is not kept: the tracker sets it"),
        ("principal", "`principal.username` is not kept: the tracker has its own users"),
        ("absent-texts", "a title is mandatory"),
        ("control-characters", "they are taken out"),
        ("large-texts", "a text holds 32,767 characters"),
        ("user-defined-texts", "as of the description"),
        ("delete", delete),
        ("delete-others", delete),
        ("delete-unknown-id", delete),
        ("unknown-project-writes", delete),
        ("odd-ids-written", delete),
        ("threads-delete", delete),
        ("correct-keeps", "no `correct_sync_results`: not yet"),
        ("correct-adds-nothing", "no `correct_sync_results`: not yet"),
    ];
    assert_eq!(skipped(&report), expected.map(|(check, why)| (check, why.to_owned())));
    let left = client.inner.on(PROJECT, |project| project.defects.len()).unwrap();
    assert_eq!(report.left_behind().len(), left, "what cannot be deleted is named");
    assert!(left > 64 && report.to_string().contains("left behind, delete by hand:\n  M-1\n"), "{report}");
}

#[test]
fn without_creating_the_defects_that_are_there_are_read_and_none_is_changed() {
    let mut client = Memory::filled(&defect());
    client.readonly = false;
    let report = check(&client, &scratch().lacks(Operation::CreateDefect, "they come from a mailbox"));
    report.assert_passed();
    let passed: Vec<Check> = report.passed().collect();
    for check in [Check::Batch, Check::Extended, Check::OddIds, Check::DeleteUnknownId, Check::CorrectKeeps] {
        assert!(passed.contains(&check), "{report}");
    }
    for (check, why) in report.skipped() {
        assert_eq!(why, "no `create_defect`: they come from a mailbox", "{check:?}");
    }
    let left = client.on(PROJECT, |project| project.defects.clone()).unwrap();
    assert_eq!(left.into_values().collect::<Vec<_>>(), [defect(), defect()]);
}

#[test]
fn an_empty_project_is_a_reason_to_skip_what_needs_a_defect() {
    let mut client = Memory::writable();
    client.readonly = true;
    let report = check_read_only(&client, &scratch());
    report.assert_passed();
    let skipped = skipped(&report);
    assert!(skipped.iter().any(|(check, _)| *check == "read-only-forbids"), "{report}");
    assert!(skipped.iter().all(|(_, why)| why == "the project has no defect: put one or two into it"), "{report}");
}

#[test]
fn a_coarser_precision_skips_the_microseconds_and_nothing_else() {
    let client = Faulty::new(Memory::writable(), Fault::MicrosecondsLost);
    let report = check(&client, &scratch().precision(Precision::Milliseconds, "REST API"));
    report.assert_passed();
    assert_eq!(skipped(&report), [("microseconds", "Milliseconds only: REST API".to_owned())]);
}

#[test]
fn what_the_author_leaves_out_comes_from_the_tracker_itself() {
    let report = check(&Memory::writable(), &super::ScratchProject::new(PROJECT));
    report.assert_passed();
    assert_eq!(skipped(&report), [("user-defined-texts", "no such field: name one with `text_field`".to_owned())]);
}

#[test]
fn a_panic_is_a_failure_of_its_check_with_text_and_place() {
    let report = checked(Fault::PanicsInSettings);
    let Some((Check::Settings, [failure])) = report.failed().next() else { panic!("{report}") };
    assert!(failure.answered.starts_with("panicked at ") && failure.answered.contains("faulty.rs"), "{failure:?}");
    assert!(failure.answered.ends_with("no settings on Sundays"), "{failure:?}");
}

#[test]
fn the_report_never_shows_the_password() {
    for secret in ["a \"secret\" of mine", "short"] {
        let principal = Login { username: "ann".to_owned(), password: Password::new(secret) };
        let client = Faulty::new(Memory::writable(), Fault::PasswordInMessage);
        // Wrong on purpose: a failure for each kind of answer.
        let report = check(&client, &scratch().principal(principal).unknown_id("M-1").status("Open", "?"));
        let shown = report.to_string();
        assert!(report.failed().count() > 1 && shown.contains("***"), "{shown}");
        assert!(!shown.contains(secret) && !shown.contains(&secret.replace('"', "\\\"")), "{shown}");
    }
}

#[test]
fn a_report_that_has_failures_fails_the_test_with_its_text() {
    let report = checked(Fault::BatchDoesNotWarn);
    let failed = |(check, outcome): &(Check, Outcome)| {
        *check == Check::BatchUnknownIds && matches!(outcome, Outcome::Failed(failures) if failures.len() == 1)
    };
    assert!(report.outcomes().iter().any(failed), "{report}");
    let said = crate::panics::guard(|| report.assert_passed()).unwrap_err();
    assert!(said.ends_with(&report.to_string()), "{said}");
}
