//! Our API document and our service hold each other to their word.

use std::process::{Command, Stdio};

use defect_host_tests::{CREDENTIALS, HostFolder, python_tool};

use crate::data::{CONFIG, fill};

/// No check is left out, but two things are not generated. Further parameters of a query are ignored,
/// as unknown keys of a body are, and the document has no words for that. The `Authorization` header is
/// ours to send: taken away from a generated case it is sent all the same, and the check
/// `ignored_auth` takes it away in earnest.
const CONFIG_FILE: &str = "[generation]\nallow-extra-parameters = false\nwith-security-parameters = false\n";

/// Names of projects that the JSONL plugin refuses, rightly, with 400. The document is the same for all
/// plugins and cannot rule them out: other trackers' projects may have such names.
const HOOKS: &str = r#"
from urllib.parse import unquote

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    project = (case.path_parameters or {}).get("project") or (case.query or {}).get("project")
    if not isinstance(project, str):
        return True
    project = unquote(project)
    return project not in (".", "..") and not set(project) & set("/\\\0")
"#;

#[test]
fn schemathesis_finds_no_fault_between_the_document_and_the_service() {
    let folder = HostFolder::with_config(CONFIG);
    fill(&folder);
    let host = folder.start();
    // It leaves its notes where it runs.
    let scratch = HostFolder::with_config("");
    scratch.write("schemathesis.toml", CONFIG_FILE);
    scratch.write("plain_names.py", HOOKS);
    let (username, password) = CREDENTIALS;
    let run = Command::new(python_tool("schemathesis"))
        .arg("run")
        .arg(format!("{}/docs/openapi.json", host.client().base()))
        .args(["--auth", &format!("{username}:{password}")])
        .args(["--checks", "all", "--mode", "all", "--seed", "1", "--max-examples", "25"])
        .args(["--generation-database", "none", "--continue-on-failure", "--no-color"])
        .args(["--request-timeout", "60", "--warnings", "off"])
        .current_dir(scratch.path())
        // No proxies: nothing but loopback is called.
        .env_clear()
        .env("HOME", scratch.path())
        .env("PYTHONUTF8", "1")
        .env("PYTHONPATH", scratch.path())
        .env("SCHEMATHESIS_HOOKS", "plain_names")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{}\n{said}\n{}", run.status, String::from_utf8_lossy(&run.stderr));
    let document = host.client().get("/docs/openapi.json").json();
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations: usize = paths.filter_map(|(_, methods)| methods.as_object()).map(serde_json::Map::len).sum();
    assert!(operations > 0 && said.contains(&format!("  Tested: {operations}\n")), "{operations} operations:\n{said}");
}
