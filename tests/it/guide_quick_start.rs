//! An afternoon with docs/plugins.md: its commands, typed in their order outside of the workspace, end in a
//! tracker that is served.

use std::path::Path;
use std::process::Command;

use defect_host_tests::{Client, Document, HostFolder, TestHost, artifacts, defect_request, root};
use serde_json::{Value, json};

/// A shell in a folder, to which the program and cargo are known.
fn shell(line: &str, folder: &Path) {
    let program = artifacts().host.parent().unwrap().to_owned();
    let cargo = Path::new(env!("CARGO")).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([program, cargo].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-euc", line]).current_dir(folder).env("PATH", path);
    // The commands expect the build in `target`, see `share_builds`.
    shell.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
    // Two builds of all crates: lines for backtraces and the last of speed are nothing that is looked at here.
    let ended = shell.envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")]);
    let ended = ended.output().unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "`{line}`: {}\n{}\n{stderr}", ended.status, String::from_utf8_lossy(&ended.stdout));
    if line.starts_with("cargo") {
        assert!(!stderr.contains("warning"), "`{line}`:\n{stderr}");
    }
}

/// What the author's first build would make anew each time: the crates of the registry. They are kept below
/// the workspace's target, in the versions that it has locked, so that nothing is fetched that is there.
fn share_builds(folder: &Path) {
    let target = artifacts().target().join("scaffold");
    std::fs::create_dir_all(&target).unwrap();
    std::os::unix::fs::symlink(target, folder.join("target")).unwrap();
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

fn start(folder: HostFolder, line: &str) -> TestHost {
    let environment: Vec<_> = line.split(' ').filter_map(|word| word.split_once('=')).collect();
    assert!(line.ends_with("defect-host start"), "{line}");
    folder.start_with(&["--port", "0"], &environment)
}

/// The request of `curl -u me:secret [-X POST] http://127.0.0.1:8030/…`.
fn curl(line: &str, client: &Client) -> Value {
    let words = line.strip_prefix("curl -u me:secret ").unwrap();
    let (method, url) = words.strip_prefix("-X ").map_or(("GET", words), |rest| rest.split_once(' ').unwrap());
    let path = url.strip_prefix("http://127.0.0.1:8030").unwrap();
    let answer = client.send(method, path, &[], b"");
    assert_eq!(answer.status, 200, "{line}: {}", answer.text());
    answer.json()
}

#[test]
fn the_guides_commands_end_in_a_tracker_that_answers_every_endpoint() {
    let guide = Document::read("docs/plugins.md");
    let mut folder = Some(HostFolder::with_config(""));
    let mut host: Option<TestHost> = None;
    let mut asked = Vec::new();
    for line in guide.blocks_in("console").into_iter().flat_map(str::lines) {
        if line.starts_with("curl ") {
            let client = host.as_ref().unwrap().client().with_credentials(Some(("me", "secret")));
            asked.push(curl(line, &client));
        } else if line.contains("defect-host start") {
            let stopped = folder.take().or_else(|| Some(host.take()?.into_folder()));
            host = Some(start(stopped.unwrap(), line));
        } else if let Some(name) = line.strip_prefix("cd ") {
            folder = folder.map(|folder| folder.enter(name));
            share_builds(folder.as_ref().unwrap().path());
        } else {
            let folder = folder.as_ref().or(host.as_ref().map(TestHost::folder)).unwrap();
            shell(line, folder.path());
        }
    }
    assert_eq!(asked[0], json!(["Scratch"]));
    assert_eq!(asked[1]["value"], json!([]));
    // The last commands put another build in the library's place while the host ran.
    let host = host.unwrap();
    answers_every_endpoint(&host.client().with_credentials(Some(("me", "secret"))));
    host.wait_for_log("created a defect");
    let host = host.into_folder().start_with(&["--port", "0"], &[]);
    let checked = host.folder().run(&["check"]).stdout;
    assert!(checked.contains("[folder]/plugins/libmy_tracker_defect_client.so\n"), "{checked}");
    assert!(!checked.contains("shadowed"), "{checked}");
}

fn answers_every_endpoint(client: &Client) {
    let body = defect_request();
    let none = json!({});
    assert_eq!(client.get("/check-login?project=Scratch").json(), json!(true));
    assert_eq!(client.get("/check-login?project=Elsewhere").json(), json!(false));
    assert_eq!(client.get("/settings").json()["name"], json!("my-tracker"));
    assert_eq!(client.get("/projects").json(), json!(["Scratch"]));
    assert_eq!(client.get("/projects/control-fields").json()["status"], json!(["open", "closed"]));
    assert_eq!(client.get("/projects/udfs?project=Scratch").json(), json!([]));
    assert_eq!(client.get("/supports-changes-timestamps").json(), json!(true));

    let created = client.post("/projects/Scratch/defects/create", &body).json();
    assert_eq!(created["value"], json!("D-1"));
    let listed = client.post("/projects/Scratch/defects", &none).json();
    assert_eq!(listed["value"][0]["title"], body["defect"]["title"]);
    assert_eq!(listed["value"][0]["lastEdited"], body["defect"]["lastEdited"]);
    assert_eq!(listed["value"][0]["principal"], json!({"username": "ann", "password": ""}));
    let batch = client.post("/projects/Scratch/defects/batch", &json!({"defectIds": ["D-1", "D-2"]})).json();
    assert_eq!(batch["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(batch["protocol"]["warnings"]["D-2"][0]["code"], json!("DEFECT_NOT_FOUND"));
    let updated = client.put("/projects/Scratch/defects/D-1/update", &body).json();
    assert_eq!(updated["successes"]["Scratch"][0]["code"], json!("PUBLISH_SUCCESS"));
    let extended = client.post("/projects/Scratch/defects/D-1/extended", &none).json();
    assert_eq!(extended["attributes"], json!({"project": "Scratch"}));
    let corrected = client.post("/projects/Scratch/defects/correct", &json!({"local": {"create": []}})).json();
    assert_eq!(corrected["local"]["create"], json!([]));
    for hook in ["before", "after"] {
        let hook = client.post(&format!("/projects/Scratch/sync/{hook}"), &json!({"syncType": "manual"})).json();
        assert_eq!(hook["successes"]["Scratch"][0]["code"], json!("PUBLISH_SUCCESS"));
    }
    let deleted = client.post("/projects/Scratch/defects/D-1/delete", &body).json();
    assert_eq!(deleted["successes"]["Scratch"][0]["code"], json!("PUBLISH_SUCCESS"));
    assert_eq!(client.post("/projects/Elsewhere/defects", &none).status, 404);
}
