//! What else crosses the boundary: long lists, errors, a library's description and its log. What is
//! written today is compared with the files, and what the files hold is understood today.

use abi_stable::std_types::{ROption, RResult};
use defect_plugin_api::boundary::{Description, LogCallsite, RawError, RawErrorKind};
use defect_plugin_api::model::ProtocolledDefectSet;
use defect_plugin_api::{ClientError, Request, VERSION};
use serde_json::{Value, json};

use crate::client::{self, BROKEN, LONG};
use crate::golden::{Golden, advice, text};
use crate::library::{LOG, call, create, library};

/// A frame for people: long runs of an `x` are counted, versions and lines of code are left out.
fn shortened(frame: &str) -> String {
    assert!(!frame.contains("[x"), "{frame}");
    let mut shortened = String::new();
    let mut rest = frame;
    while let Some(at) = rest.find("xxxxxxxx") {
        let run = rest[at..].len() - rest[at..].trim_start_matches('x').len();
        shortened.push_str(&rest[..at]);
        shortened.push_str(&format!("[x{run}]"));
        rest = &rest[at + run..];
    }
    shortened + rest
}

/// What [`shortened`] was made from.
fn at_length(shortened: &str) -> String {
    let mut parts = shortened.split("[x");
    let mut frame = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (count, rest) = part.split_once(']').unwrap();
        frame.push_str(&"x".repeat(count.parse().unwrap()));
        frame.push_str(rest);
    }
    frame
}

#[test]
fn a_long_list_comes_in_the_pieces_that_it_came_in() {
    let request = serde_json::to_vec(&Request::<()> { project: Some(LONG.to_owned()), ..Request::default() }).unwrap();
    let reply = call("get_defects", &request).unwrap_or_else(|error| panic!("{}", error.message));
    let mut pieces = vec![reply.first.to_vec()];
    let ROption::RSome(mut rest) = reply.rest else { panic!("it has one piece only") };
    loop {
        match rest.next_piece() {
            RResult::ROk(piece) if piece.is_empty() => break,
            RResult::ROk(piece) => pieces.push(piece.to_vec()),
            RResult::RErr(error) => panic!("{}", error.message),
        }
    }
    assert!(pieces.len() > 1);
    let written: Vec<String> = pieces.iter().map(|piece| shortened(text(piece))).collect();
    let mut golden = Golden::new("long-list");
    let kept = golden.compare("pieces.txt", &(written.join("\n") + "\n"));
    let whole: String = kept.lines().map(at_length).collect();
    if serde_json::from_str::<ProtocolledDefectSet>(&whole).ok() != client::long_list().collect().ok() {
        golden.blame("pieces.txt: the list that it holds is not understood any more\n".to_owned());
    }
    golden.finish(&advice());
}

/// An error as it crosses, with the version and lines of code left out.
fn shown(error: &RawError) -> Value {
    let message = error.message.replace(VERSION, "[version]");
    let message = match message.split_once(".rs:") {
        Some((file, rest)) => {
            format!("{file}.rs:[line]:{}", rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'))
        }
        None => message,
    };
    json!({"kind": error.kind.0, "message": message, "details": text(&error.details)})
}

#[test]
fn every_kind_of_error_crosses_as_it_did() {
    let failing = |operation: &str, request: Value| match call(operation, request.to_string().as_bytes()) {
        Ok(_) => panic!("{operation} does not fail"),
        Err(error) => error,
    };
    let kinds = [
        "not_found",
        "forbidden",
        "unauthorized",
        "invalid_input",
        "invalid_fields",
        "unavailable",
        "internal",
        "not_supported",
        "panicked",
    ];
    let mut errors: Vec<(String, RawError)> =
        kinds.iter().map(|kind| ((*kind).to_owned(), failing("check_login", json!({"project": kind})))).collect();
    let mut add = |name: &str, error| errors.push((name.to_owned(), error));
    add("an operation that the plugin does not know", failing("of_tomorrow", json!({})));
    add("a request without its project", failing("get_defects", json!({})));
    add("a request of another form", failing("get_defects", json!({"project": 5})));
    add("a class that is not there", create("NoClient", "{}").err().unwrap());
    add("a constructor that refuses", create("GoldenClient", r#"{"refused":"x"}"#).err().unwrap());
    let reply = call("get_defects", json!({ "project": BROKEN }).to_string().as_bytes()).ok().unwrap();
    let ROption::RSome(mut rest) = reply.rest else { panic!("it has one piece only") };
    let RResult::RErr(late) = rest.next_piece() else { panic!("its second piece does not fail") };
    add("a list that fails in the middle", late);

    let lines = errors.iter().map(|(name, error)| format!("{name}\n{}\n", shown(error)));
    let mut golden = Golden::new("errors");
    let kept = golden.compare("errors.txt", &lines.collect::<String>());
    for ((name, error), kept) in errors.iter().zip(kept.lines().skip(1).step_by(2)) {
        let kept: Value = serde_json::from_str(kept).unwrap();
        let part = |key: &str| kept[key].as_str().unwrap().to_owned();
        let read = RawError {
            kind: RawErrorKind(u32::try_from(kept["kind"].as_u64().unwrap()).unwrap()),
            message: part("message").into(),
            details: part("details").into_bytes().into(),
        };
        // The same to the host, but for what the file leaves out.
        let meant = RawError { message: read.message.clone(), ..error.clone() };
        if ClientError::from(read) != ClientError::from(meant) {
            golden.blame(format!("errors.txt: `{name}` is not understood any more\n"));
        }
    }
    golden.finish(&format!("{}\nA message that only says the same in better words needs no version;\n", advice()));
}

#[test]
fn a_librarys_description_is_what_it_was() {
    let RResult::ROk(bytes) = (library().describe())() else { panic!("it describes itself") };
    let description: Description = serde_json::from_slice(&bytes).unwrap();
    let (rustc, target) = (description.rustc.unwrap(), description.target.unwrap());
    assert!(rustc.starts_with("rustc 1.") && target.contains(std::env::consts::ARCH), "{rustc} {target}");
    let mut written = text(&bytes).to_owned() + "\n";
    for (value, name) in [(&*rustc, "[rustc]"), (&target, "[target]"), (VERSION, "[version]")] {
        let quoted = |text: &str| format!(":\"{text}\"");
        assert_eq!(written.matches(&quoted(value)).count(), 1, "{value} in {written}");
        written = written.replace(&quoted(value), &quoted(name));
    }
    let mut golden = Golden::new("description");
    let kept = golden.compare("description.json", &written);
    let read = serde_json::from_str::<Description>(&kept);
    let read = read
        .ok()
        .map(|read| (read.plugin, read.version, read.exports.into_iter().map(|export| export.class).collect()));
    let meant = ("golden_defect_client".to_owned(), "1.2.3".to_owned(), vec!["GoldenClient".to_owned()]);
    if read != Some(meant) {
        golden.blame("description.json: what it holds is not understood any more\n".to_owned());
    }
    golden.finish(&advice());
}

#[test]
fn a_description_of_1_0_is_understood() {
    let text = r#"{"plugin":"a","version":"1.2.3","api_version":"1.0.0","exports":[{"kind":"defect-client",
        "class":"A","operations":["get_projects"],"config_schema":{}}]}"#;
    let description: Description = serde_json::from_str(text).unwrap();
    assert_eq!((description.rustc, description.target), (None, None));
    assert_eq!(description.exports[0].operations, ["get_projects"]);
}

#[test]
fn the_log_crosses_as_it_did() {
    library();
    let (late, error) = (true, std::fmt::Error);
    tracing::warn!(count = 7_u64, below = -7_i64, share = 0.5, late, name = "a \"b\"", %error, "read {} of them", 3);
    tracing::debug!("nothing else");
    let (callsites, events) = {
        let log = LOG.lock().unwrap();
        (log.callsites.clone(), log.events.clone())
    };
    let mut written = String::new();
    for (index, callsite) in callsites.iter().enumerate() {
        // Other tests' panics are logged as well.
        let Some((before, line)) = text(callsite).split_once("\"line\":") else { panic!("it has no line") };
        let after = line.trim_start_matches(|c: char| c.is_ascii_digit());
        if !before.contains("\"module\":\"stability::frames\"") {
            continue;
        }
        written.push_str(&format!("callsite\n{before}\"line\":1{after}\n"));
        for (_, values) in events.iter().filter(|(handle, _)| *handle == index as u64 + 1) {
            written.push_str(&format!("event\n{}\n", text(values)));
        }
    }
    let mut golden = Golden::new("log");
    let kept = golden.compare("log.txt", &written);
    let mut fields = 0;
    for (kind, frame) in kept.lines().step_by(2).zip(kept.lines().skip(1).step_by(2)) {
        if kind == "callsite" {
            fields = serde_json::from_str::<LogCallsite>(frame).unwrap().fields.len();
        } else {
            let values: Vec<(usize, Value)> = serde_json::from_str(frame).unwrap();
            assert!(!values.is_empty() && values.iter().all(|(field, _)| *field < fields), "{frame}");
        }
    }
    assert_eq!(kept.lines().filter(|line| *line == "event").count(), 2);
    golden.finish(&advice());
}
