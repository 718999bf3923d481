//! The data set and the configuration that both services start with.

use defect_host_tests::HostFolder;
use serde_json::{Value, json};

/// One text for both: paths are relative to the folder, and the port is free (the Python service gets
/// its own on the command line, because it takes 0 as it is).
pub(crate) const CONFIG: &str = r#"
[testbench-defect-service]
client_class = "testbench_defect_service.clients.JsonlDefectClient"
port = 0
# User `tester`, password `correct horse`.
password_hash = "69e31d7b5d839c0a45ebeadae0b73c95638dd2de4a4d428a67500496065f883a"
salt = "oheoUGwLn1lDpDfXlZLavA=="

[testbench-defect-service.logging.console]
log_level = "INFO"
log_format = "%(asctime)s %(levelname)8s: %(message)s"

[testbench-defect-service.server]
keep_alive_timeout = 5

[testbench-defect-service.client_config]
name = "Parity"
description = "The same data twice"
defects_path = "data"
readonly = false
supports_changes_timestamps = true
attributes = ["title", "status", "Component", "reporter", "unheard of"]

[testbench-defect-service.client_config.control_fields]
status = ["Open", "Closed"]
priority = ["High", "Low"]

[testbench-defect-service.client_config.commands.presync]
scheduled = "hooks/succeeds.sh"
manual = "hooks/fails.sh"

[testbench-defect-service.client_config.commands.postsync]
scheduled = "hooks/not-executable.sh"
manual = "hooks/succeeds.sh"
partial = "hooks/killed.sh"

[testbench-defect-service.client_config.projects."Own"]
control_fields = { classification = ["Bug"], severity = [] }
attributes = ["priority", "Component"]
commands = { presync = { manual = "hooks/succeeds.sh" } }

[testbench-defect-service.client_config.projects."Two words"]
control_fields = { status = ["Unheard of"] }
"#;

/// A defect with everything but an id.
pub(crate) fn full() -> Value {
    json!({
        "title": "Preis falsch: 漢字 🐞 é \" \\ \u{1}",
        "description": "Two\nlines",
        "reporter": "Jörg",
        "status": "Open",
        "classification": "Bug",
        "priority": "High",
        "userDefinedFields": [
            {"name": "Component", "value": "Checkout", "mustField": true},
            {"name": "Empty", "value": null, "mustField": false},
            {"name": "Bare"},
        ],
        "lastEdited": "2026-01-31T12:00:00.123456+05:45",
        "references": ["http://127.0.0.1/a?b=c", "ä.txt"],
        "principal": {"username": "anna", "password": "hunter2"},
    })
}

/// A defect with nothing that may be left out.
pub(crate) fn minimal() -> Value {
    json!({
        "status": "Open",
        "classification": "Bug",
        "priority": "Low",
        "lastEdited": "2026-01-31T12:00:00Z",
        "principal": {"username": "", "password": ""},
    })
}

/// A defect with members added or replaced.
pub(crate) fn with(mut defect: Value, members: Value) -> Value {
    if let (Some(defect), Value::Object(members)) = (defect.as_object_mut(), members) {
        defect.extend(members);
    }
    defect
}

/// A line of a file of defects, with every key: the Python service adds those that are not there
/// whenever it writes the file.
pub(crate) fn line(id: &str) -> String {
    let fields = json!([{"name": "Component", "value": "Checkout", "mustField": true}]);
    format!("{}\n", with(full(), json!({ "id": id, "userDefinedFields": fields })))
}

/// The body of a create, an update and a delete.
pub(crate) fn request(defect: &Value) -> Value {
    json!({ "defect": defect, "syncContext": {} })
}

/// Writes the data set into a folder.
pub(crate) fn fill(folder: &HostFolder) {
    let shop = [line("BUG-1"), line("BUG-2"), line("7"), line("OTHER-99")].concat();
    folder.write("data/Shop App (SHOP)/defects.jsonl", shop);
    folder.write(
        "data/Shop App (SHOP)/UserDefinedAttributes.json",
        r#"[{"name":"Component","valueType":"STRING","mustField":true,"stringValue":"Checkout",
             "lastEdited":"2026-01-31T12:00:00+01:00"},{"name":"Seen","valueType":"BOOLEAN","booleanValue":false}]"#,
    );
    folder.write("data/UserDefinedAttributes.json", r#"[{"name":"Root","valueType":"STRING"}]"#);
    folder.write("data/Prüfstand/leer.jsonl", "");
    folder.write("data/Own/defects.jsonl", line("BUG-1"));
    folder.write("data/No files/readme.txt", "");
    folder.write("data/Malformed/defects.jsonl", [&line("BUG-1"), "{\"id\": \"BUG-2\", \n", &line("BUG-3")].concat());
    let hook = |name: &str, script: &str, executable| {
        let path = folder.write(&format!("hooks/{name}"), script);
        set_executable(&path, executable);
    };
    hook("succeeds.sh", "#!/bin/sh\nprintf '%s|%s|%s\\n' \"$#\" \"$1\" \"$2\" >> hook.log\n", true);
    hook("fails.sh", "#!/bin/sh\nexit 3\n", true);
    hook("killed.sh", "#!/bin/sh\nkill -9 $$\n", true);
    hook("not-executable.sh", "#!/bin/sh\n", false);
}

/// Sets or takes away the permission to run a file.
pub(crate) fn set_executable(path: &std::path::Path, executable: bool) {
    use std::os::unix::fs::PermissionsExt;
    let mode = if executable { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
