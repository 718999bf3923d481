use std::path::Path;
use std::process::Command;

use defect_host_tests::{Document, HostFolder, TestHost};
use serde_json::json;

use crate::tarball;

/// The first steps of docs/operations.md for the tarball, typed in their order.
#[test]
#[ignore = "`cargo xtask check` makes the packages"]
fn the_tarball_is_unpacked_and_started_by_hand_as_the_document_says() {
    let folder = HostFolder::with_config("");
    std::fs::copy(tarball(), folder.path().join(tarball().file_name().unwrap())).unwrap();
    let document = Document::read("docs/operations.md");
    let block = document.blocks_in("console").into_iter().find(|block| block.starts_with("tar ")).unwrap();
    let steps = block.strip_suffix("./defect-host start\n").expect("the last step starts it");
    let steps = steps.replace("set-credentials ", "set-credentials --password-stdin ");
    let script =
        format!("printf 'correct horse\\n' > password; exec < password; {}", steps.replace('\n', " &&\n") + "pwd");
    let ended = Command::new("sh").args(["-euc", &script]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("all right\n"), "{said}");

    let unpacked = said.lines().last().unwrap();
    let mut start = Command::new(Path::new(unpacked).join("defect-host"));
    start.args(["start", "--port", "0"]).current_dir(unpacked).env_clear();
    start.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    let host = TestHost::of(folder, start);
    host.wait_for_log("no traces are exported, although `OTEL_EXPORTER_OTLP_ENDPOINT` is set: this program is built");
    let client = host.client().with_credentials(Some(("testbench", "correct horse")));
    assert_eq!(client.get("/projects").json(), json!(["Shop App"]));
}
