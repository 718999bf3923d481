//! The intended differences: each is shown on both services, so that none of them is a mere claim.
//!
//! Two rows of the facts about the Python service are not here. A file that was edited by hand is read
//! afresh by both (the sequence of equal answers has that). Writers at the same time lose changes only
//! when several processes of the Python service share a folder, by a race that no test can force.

mod answers;
mod configuration;
mod data_kept;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};

use defect_host_tests::root;
use serde_json::{Value, json};

use crate::both::{Both, Call, post};
use crate::data::{CONFIG, fill, line, request, set_executable};

use table::DIFFERENCES;

/// An intended difference, shown on such a stage.
pub(crate) struct Difference<S = Stage> {
    pub(crate) group: &'static str,
    /// What it is about.
    pub(crate) case: &'static str,
    /// What the Python service does.
    pub(crate) python: &'static str,
    /// What ours does.
    pub(crate) ours: &'static str,
    pub(crate) why: &'static str,
    /// Asserts what both do.
    pub(crate) check: fn(&S),
}

impl<S> Difference<S> {
    /// The cases that are not as the table has them.
    pub(crate) fn rotten(table: &[Self], stage: &S) -> Vec<&'static str> {
        let is_rotten = |difference: &&Self| catch_unwind(AssertUnwindSafe(|| (difference.check)(stage))).is_err();
        table.iter().filter(is_rotten).map(|difference| difference.case).collect()
    }

    /// Its line of the document, under its group.
    fn line(&self) -> (&'static str, String) {
        let Self { group, case, python, ours, why, .. } = self;
        (group, format!("| {case} | {python} | {ours} | {why} |\n"))
    }
}

/// The services on which the differences are shown.
pub(crate) struct Stage {
    both: Both,
    /// Both with `readonly = true`.
    read_only: Both,
}

/// Settings of single projects for the differences, after those of [`CONFIG`].
const PROJECTS: &str = r#"
[testbench-defect-service.client_config.projects."Read only"]
readonly = true
supports_changes_timestamps = false

[testbench-defect-service.client_config.projects."Hooks".commands.presync]
scheduled = "hooks/missing.sh"
manual = "hooks/wrong.py"
partial = "bare.sh"

[testbench-defect-service.client_config.projects."Slow".commands.presync]
manual = "hooks/waits.sh"

[testbench-defect-service.client_config.projects."Attributes"]
attributes = ["id", "lastEdited", "references", "principal", "userDefinedFields", "Empty"]

[testbench-defect-service.client_config.projects."User-defined"]
control_fields = { Component = ["Checkout"] }
"#;

#[test]
fn every_intended_difference_is_there_on_both_sides() {
    let stage = Stage {
        both: Both::start(&format!("{CONFIG}{PROJECTS}"), |folder| {
            fill(folder);
            for name in ["hooks/wrong.py", "bare.sh"] {
                set_executable(&folder.write(name, "#!/bin/sh\n"), true);
            }
        }),
        read_only: Both::start(&CONFIG.replace("readonly = false", "readonly = true"), fill),
    };
    let rotten = Difference::rotten(&DIFFERENCES, &stage);
    assert!(rotten.is_empty(), "not as the table has it: {rotten:#?}");
}

/// The environment variable that has [`the_document_is_the_table`] write the document.
const REWRITE: &str = "DEFECT_HOST_REWRITE_DOCS";

#[test]
fn the_document_is_the_table() {
    let path = root().join("docs/differences.md");
    let rendered = rendered();
    if std::env::var_os(REWRITE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &rendered).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == rendered, "docs/differences.md is not the table: run the tests with {REWRITE}=1");
}

fn rendered() -> String {
    let mut text = String::from(
        "# Differences from the Python service\n\n\
         `defect-host` answers as `testbench-defect-service` 0.3.0 does, over the same `config.toml` and the same\n\
         folder or Jira, but for what stands here. Texts of messages are ours throughout; codes, keys and\n\
         statuses are the same. The list is made from the tests, which show every line of it on both services:\n\
         those of Jira on a fake of Cloud and one of Data Center. What is not about Jira holds for the JSONL client;\n\
         what is about requests and the service itself holds for both.\n",
    );
    let mut group = "";
    let of_jira = crate::jira::DIFFERENCES.iter().map(Difference::line);
    for (own, line) in DIFFERENCES.iter().map(Difference::line).chain(of_jira) {
        if own != group {
            group = own;
            text += &format!("\n## {group}\n\n| | Python service | `defect-host` | Why |\n| --- | --- | --- | --- |\n");
        }
        text += &line;
    }
    text
}

// What the checks have in common.

const NO_CONTEXT: Value = Value::Null;

fn list(project: &str) -> Call {
    post(&format!("/projects/{project}/defects"), &NO_CONTEXT)
}

fn create(project: &str, defect: &Value) -> Call {
    post(&format!("/projects/{project}/defects/create"), &request(defect))
}

fn update(project: &str, id: &str, defect: &Value) -> Call {
    crate::both::put(&format!("/projects/{project}/defects/{id}/update"), &request(defect))
}

fn delete(project: &str, id: &str) -> Call {
    post(&format!("/projects/{project}/defects/{id}/delete"), &request(&crate::data::minimal()))
}

fn extended(project: &str, id: &str) -> Call {
    post(&format!("/projects/{project}/defects/{id}/extended"), &NO_CONTEXT)
}

fn sync_before(project: &str, sync_type: &str) -> Call {
    let body = json!({ "syncType": sync_type, "syncContext": {} });
    post(&format!("/projects/{project}/sync/before"), &body)
}

impl Both {
    /// A new project with one file of these lines.
    fn project(&self, name: &str, lines: &str) {
        self.write(&format!("data/{name}/defects.jsonl"), lines);
    }

    /// The file of a project: the Python service's, then ours.
    fn lines(&self, name: &str) -> (String, String) {
        self.read(&format!("data/{name}/defects.jsonl"))
    }

    /// A project whose second line is this one, between two good ones.
    fn project_with(&self, name: &str, second: &str) {
        self.project(name, &[&line("BUG-1"), second, "\n", &line("BUG-3")].concat());
    }
}

/// The ids of a list.
fn ids(list: &Value) -> Vec<&str> {
    list["value"].as_array().into_iter().flatten().filter_map(|defect| defect["id"].as_str()).collect()
}
