//! Credentials that either program stored log in at the other.

use std::process::{Command, Stdio};

use defect_host_tests::{Client, HostFolder, PythonService, python_tool};
use serde_json::json;

use crate::both::get;
use crate::data::{CONFIG, fill};

const USERNAME: &str = "jörg";
const PASSWORD: &str = "pa:ss wörd 漢字 \" ' \\";

fn folder() -> HostFolder {
    let folder = HostFolder::with_config(CONFIG);
    fill(&folder);
    folder
}

fn assert_only_the_new_ones_log_in(client: &Client) {
    for (credentials, status) in
        [((USERNAME, PASSWORD), 200), (("tester", "correct horse"), 401), ((USERNAME, "x"), 401)]
    {
        assert_eq!(
            get("/check-login").with_credentials(Some(credentials)).send(client).status,
            status,
            "{credentials:?}"
        );
    }
    assert_eq!(get("/check-login").with_credentials(Some((USERNAME, PASSWORD))).send(client).json(), json!(true));
}

#[test]
fn credentials_that_the_python_service_stored_log_in_at_ours() {
    let folder = folder();
    let stored = Command::new(python_tool("testbench-defect-service"))
        .args(["set-credentials", "--username", USERNAME, "--password", PASSWORD])
        .current_dir(folder.path())
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(stored.status.success(), "{stored:?}");
    assert_only_the_new_ones_log_in(folder.start().client());
}

#[test]
fn credentials_that_ours_stored_log_in_at_the_python_service() {
    let folder = folder();
    let stored = folder.run(&["set-credentials", "--username", USERNAME, "--password", PASSWORD]);
    assert_eq!(stored.code(), Some(0), "{stored:?}");
    assert_only_the_new_ones_log_in(PythonService::start(folder).client());
}
