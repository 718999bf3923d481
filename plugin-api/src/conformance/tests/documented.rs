//! What `docs/conformance.md` says: its code is this file's, its table is the checks', its output is real.

use super::faults::Fault;
use super::faulty::Faulty;
use super::memory::{Memory as MyDefectClient, config};
use super::{Check, check};

const DOCUMENT: &str = include_str!("../../../../docs/conformance.md");

// begin
#[cfg(test)]
mod tests {
    use defect_plugin_api::conformance::{self, Check, Field, ScratchProject};
    use defect_plugin_api::{DefectClient, Operation};

    use super::*;

    #[test]
    fn keeps_the_contract() {
        let client = MyDefectClient::new(config()).unwrap();
        conformance::check(&client, &ScratchProject::new("Scratch")).assert_passed();
    }

    #[test]
    fn keeps_the_contract_as_far_as_the_tracker_can() {
        let scratch = ScratchProject::new("Scratch")
            .status("Open", "Closed")
            .text_field("Notes")
            .does_not_keep(Field::Principal, "the tracker shows its own users")
            .lacks(Operation::DeleteDefect, "only administrators may delete an issue")
            .skip(Check::LargeTexts, "a text holds 32,767 characters");
        let client = MyDefectClient::new(config()).unwrap();
        conformance::check(&client, &scratch).assert_passed();
    }
}
// end

/// The text between the fences of the first block that begins with this.
fn block<'a>(fence: &str) -> &'a str {
    let (_, rest) = DOCUMENT.split_once(&format!("```{fence}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

#[test]
fn the_documents_code_is_compiled_and_passes() {
    let (_, compiled) = include_str!("documented.rs").split_once("// begin\n").unwrap();
    let (compiled, _) = compiled.split_once("\n// end").unwrap();
    assert_eq!(block("rust"), compiled);
}

#[test]
fn the_documents_table_has_every_check_once() {
    let (_, table) = DOCUMENT.split_once("| --- | --- | --- |\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let named: Vec<&str> = rows
        .flat_map(|row| row.rsplit('|').nth(1).unwrap().split(", "))
        .map(|name| name.trim().trim_matches('`'))
        .collect();
    assert_eq!(named, Check::ALL.iter().map(|check| check.name()).collect::<Vec<_>>());
}

#[test]
fn the_documents_report_is_what_is_printed() {
    let scratch = super::scratch().skip(Check::LargeTexts, "a text holds 32,767 characters");
    let client = Faulty::new(MyDefectClient::writable(), Fault::BatchStopsAtUnknown);
    let report = check(&client, &scratch).to_string();
    let report = report.replace(std::any::type_name::<Faulty>(), "my_tracker::MyDefectClient");
    let (shown, _) = report.split_once("\npassed: ").unwrap();
    assert_eq!(block("text"), shown.trim_end());
}
