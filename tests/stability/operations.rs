//! Every operation's request and answer: what is written today is compared with the files, and what the
//! files hold is understood today.

use defect_plugin_api::model::{
    ControlFields, DefectWithAttributes, Metric, Protocol, ProtocolledDefectSet, ProtocolledString, Results, Settings,
    UserDefinedAttribute,
};
use defect_plugin_api::{Operation, Request};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::client::{
    self, ID, LONG, PROJECT, SECRET, answered, attributes, control_fields, created, defects, extended, metrics,
    protocol, settings,
};
use crate::golden::{Golden, advice, text};
use crate::library::call;

/// A body as a caller sends it; keys that nobody knows are passed on.
fn body(text: Value) -> Option<Box<RawValue>> {
    Some(RawValue::from_string(text.to_string()).unwrap())
}

fn context() -> Value {
    let mut context = serde_json::to_value(client::context()).unwrap();
    context["ofTomorrow"] = json!([1]);
    context
}

fn defect() -> Value {
    let mut defect = serde_json::to_value(client::defect()).unwrap();
    defect["principal"]["password"] = json!(SECRET);
    defect
}

fn results() -> Value {
    let mut results = serde_json::to_value(client::results(&client::defect())).unwrap();
    for (side, action) in [("local", "update"), ("local", "create"), ("remote", "delete"), ("remote", "create")] {
        results[side][action][0]["principal"]["password"] = json!(SECRET);
    }
    results
}

/// What a host asks; `None` for an operation that this test does not know yet.
fn request(operation: Operation) -> Option<Request<Box<RawValue>>> {
    let of = |project: Option<&str>, id: Option<&str>, body| Request {
        project: project.map(str::to_owned),
        defect_id: id.map(str::to_owned),
        body,
    };
    Some(match operation {
        Operation::CheckLogin | Operation::GetSettings | Operation::GetProjects | Operation::GetMetrics => {
            of(None, None, None)
        }
        Operation::SupportsChangesTimestamps | Operation::GetControlFields | Operation::GetUserDefinedAttributes => {
            of(Some(PROJECT), None, None)
        }
        Operation::GetDefects => of(Some(PROJECT), None, body(context())),
        Operation::GetDefectsBatch => {
            of(Some(PROJECT), None, body(json!({"defectIds": [ID, "SHOP-2"], "syncContext": context()})))
        }
        Operation::GetDefectExtended => of(Some(PROJECT), Some(ID), body(context())),
        Operation::CreateDefect => of(Some(PROJECT), None, body(json!({"defect": defect(), "syncContext": context()}))),
        Operation::UpdateDefect | Operation::DeleteDefect => {
            of(Some(PROJECT), Some(ID), body(json!({"defect": defect(), "syncContext": context()})))
        }
        Operation::BeforeSync => of(Some(PROJECT), None, body(json!({"syncType": "manual", "syncContext": context()}))),
        Operation::AfterSync => of(Some(PROJECT), None, body(json!({"syncType": null, "syncContext": null}))),
        Operation::CorrectSyncResults => of(Some(PROJECT), None, body(results())),
        _ => return None,
    })
}

/// Reads an answer and compares it with what the client meant.
fn understand(operation: Operation, answer: &[u8]) -> Result<(), String> {
    fn same<T: serde::de::DeserializeOwned + PartialEq>(answer: &[u8], meant: &T) -> Result<(), String> {
        match serde_json::from_slice::<T>(answer) {
            Ok(read) if read == *meant => Ok(()),
            Ok(_) => Err("it means something else now".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
    match operation {
        Operation::CheckLogin | Operation::SupportsChangesTimestamps => same(answer, &true),
        Operation::GetSettings => same::<Settings>(answer, &settings()),
        Operation::GetProjects => same::<Vec<String>>(answer, &vec![PROJECT.to_owned(), LONG.to_owned()]),
        Operation::GetControlFields => same::<ControlFields>(answer, &control_fields()),
        Operation::GetUserDefinedAttributes => same::<Vec<UserDefinedAttribute>>(answer, &attributes()),
        Operation::GetDefects | Operation::GetDefectsBatch => same::<ProtocolledDefectSet>(answer, &defects()),
        Operation::GetDefectExtended => same::<DefectWithAttributes>(answer, &extended()),
        Operation::CreateDefect => same::<ProtocolledString>(answer, &created()),
        Operation::UpdateDefect | Operation::DeleteDefect | Operation::BeforeSync | Operation::AfterSync => {
            same::<Protocol>(answer, &protocol())
        }
        Operation::GetMetrics => same::<Vec<Metric>>(answer, &metrics()),
        Operation::CorrectSyncResults => same::<Results>(answer, &client::results(&answered())),
        other => Err(format!("`understand` does not know the operation `{}`", other.name())),
    }
}

/// The answer of an operation that fits into one piece.
fn answer(operation: Operation, request: &[u8]) -> Result<Vec<u8>, String> {
    match call(operation.name(), request) {
        Ok(reply) if reply.rest.is_none() => Ok(reply.first.to_vec()),
        Ok(_) => Err("it comes in several pieces".to_owned()),
        Err(error) => Err(error.message.to_string()),
    }
}

/// The request and the answer that a file holds.
fn parts(kept: &str) -> Option<(&str, &str)> {
    kept.strip_prefix("request\n")?.strip_suffix('\n')?.split_once("\nanswer\n")
}

#[test]
fn every_operations_request_and_answer_are_what_they_were() {
    let mut golden = Golden::new("operations");
    for operation in Operation::ALL.iter().copied() {
        let name = operation.name();
        let Some(request) = request(operation) else {
            golden.blame(format!(
                "`{name}` is new: `request` in tests/stability/operations.rs does not know what to ask\n"
            ));
            continue;
        };
        let request = serde_json::to_vec(&request).unwrap();
        let answered = match answer(operation, &request) {
            Ok(answered) => answered,
            Err(error) => {
                golden.blame(format!("`{name}` does not answer: {error}\n"));
                continue;
            }
        };
        assert!(!text(&answered).contains(SECRET), "{name}");
        let written = format!("request\n{}\nanswer\n{}\n", text(&request), text(&answered));
        let kept = golden.compare(&format!("{name}.txt"), &written);

        let Some((kept_request, kept_answer)) = parts(&kept) else {
            golden.blame(format!("{name}.txt has not a request and an answer, each on a line\n"));
            continue;
        };
        let again = answer(operation, kept_request.as_bytes());
        if again.as_ref() != Ok(&answered) {
            let says = again.err().unwrap_or_else(|| "the answer is another one".to_owned());
            golden.blame(format!("{name}.txt: the request that it holds is not understood any more: {says}\n"));
        }
        if let Err(error) = understand(operation, kept_answer.as_bytes()) {
            golden.blame(format!("{name}.txt: the answer that it holds is not understood any more: {error}\n"));
        }
    }
    golden.finish(&advice());
}
