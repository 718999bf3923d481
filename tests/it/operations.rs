//! docs/operations.md says what is true: its messages are the program's, its backup can be restored. Its first steps
//! with the tarball are tested with the packages.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use defect_host_tests::{Document, HostFolder, STORED, TestHost, artifacts, defect_request, root, version_symbol};
use serde_json::{Value, json};

fn operations() -> Document {
    Document::read("docs/operations.md")
}

/// Whether a message of the program is the document's, in which `…` stands for anything and backticks are gone.
fn is_like(message: &str, documented: &str) -> bool {
    let message = message.replace('`', "");
    let mut rest = message.as_str();
    documented.split('…').all(|part| match rest.split_once(part.trim()) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

/// What the program says when it does not start.
fn refusals() -> Vec<String> {
    let jsonl = |service: &str| HostFolder::new(service, "defects_path = \".\"");
    let insecure = HostFolder::new("client_class = \"./libfaulty_defect_client.so\"", "");
    let library = insecure.copy_library("faulty_defect_client", "libfaulty_defect_client.so");
    std::fs::set_permissions(library, PermissionsExt::from_mode(0o777)).unwrap();

    let foreign = HostFolder::new("client_class = \"./libfaulty_defect_client.so\"", "");
    let mut bytes = std::fs::read(artifacts().library("faulty_defect_client")).unwrap();
    let at = version_symbol(&bytes);
    bytes[at] = b'9';
    foreign.write("libfaulty_defect_client.so", bytes);

    let demo = HostFolder::with_config(&std::fs::read_to_string(root().join("config.toml")).unwrap());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    let ended = [
        HostFolder::with_config("[testbench-defect-service]\n").run(&["check"]),
        demo.run(&["check", "--host", "0.0.0.0"]),
        jsonl("client_class = \"NoSuchDefectClient\"").run(&["check"]),
        insecure.run(&["check"]),
        foreign.run(&["check"]),
        jsonl("prot = 8031").run(&["check"]),
        jsonl("").run(&["start", "--port", &port]),
    ];
    ended.map(|ended| ended.stderr).into()
}

/// What callers are answered, with the status before it.
fn answers() -> Vec<String> {
    let mut answers = Vec::new();
    let mut note = |client: &defect_host_tests::Client, path: &str, body: Option<Value>| {
        let answer = match body {
            Some(body) => client.post(path, &body),
            None => client.get(path),
        };
        answers.push(format!("{} {}", answer.status, answer.json()["message"].as_str().unwrap_or_default()));
    };
    let create = "/projects/Shop/defects/create";

    let folder = HostFolder::new("", "defects_path = \"defects\"");
    folder.write("defects/Shop/defects.jsonl", "");
    std::fs::create_dir(folder.path().join("defects/Empty")).unwrap();
    let second = HostFolder::new("", &format!("defects_path = {:?}", folder.path().join("defects")));
    let host = folder.start();
    note(&host.client().with_credentials(Some(("tester", "wrong"))), "/projects", None);
    note(host.client(), "/projects/Empty/defects/create", Some(defect_request()));
    note(second.start().client(), create, Some(defect_request()));

    note(HostFolder::faulty("panic_in = [\"get_projects\"]").start().client(), "/projects", None);
    note(HostFolder::faulty("refuse_login = true").start().client(), "/readyz", None);
    let hanging = HostFolder::faulty_with("call_timeout = 0.1", "hang_in = [\"get_projects\"]");
    note(hanging.start().client(), "/projects", None);
    answers
}

#[test]
fn every_symptom_is_a_message_of_the_program_and_every_message_here_is_a_symptom() {
    let said = [refusals(), answers()].concat();
    let rows = operations().table("symptom");
    let documented: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    for message in &said {
        assert!(documented.iter().any(|row| is_like(message, row)), "not in the document:\n{message}");
    }
    for row in documented {
        assert!(said.iter().any(|message| is_like(message, row)), "`{row}` is said by nothing:\n{said:#?}");
    }
}

#[test]
fn the_requests_for_the_dm_proxy_answer_what_the_document_says() {
    let document = operations();
    let block = document.blocks_in("console").into_iter().find(|block| block.contains("/settings")).unwrap();
    let host = HostFolder::faulty("").start();
    let mut answers = block.lines().map(|line| {
        let with_password = line.starts_with("curl -u testbench http://127.0.0.1:8030");
        let path = line.split_once("http://127.0.0.1:8030").unwrap().1;
        host.client().with_credentials(with_password.then_some(defect_host_tests::CREDENTIALS)).get(path).json()
    });
    let settings = answers.next().unwrap();
    assert!(settings["name"].is_string() && settings["description"].is_string(), "{settings}");
    assert_eq!(answers.collect::<Vec<_>>(), [json!(true)]);
}

#[test]
fn the_second_instance_is_configured_as_the_document_says() {
    let folder = HostFolder::with_config("");
    let document = operations();
    let block = document.blocks_in("toml").into_iter().find(|block| block.contains("Second tracker")).unwrap();
    let block = block.replace("/var/lib/defect-host/second/defects", ".");
    folder.write("config.toml", block);
    let checked = folder.run_with(&["check"], &STORED);
    assert!(checked.stdout.contains(":8031\n") && checked.stdout.ends_with("all right\n"), "{}", checked.stderr);
}

/// Runs the document's commands around a copy: systemctl's on our own process, the others in a shell.
fn type_commands(block: &str, mut host: TestHost) -> TestHost {
    let place = host.folder().path().to_str().unwrap().to_owned();
    let mut stopped = None;
    for line in block.lines() {
        if line.starts_with("systemctl stop ") {
            host.signal("TERM");
            assert!(host.wait().success());
        } else if line.starts_with("systemctl start ") {
            stopped = Some(());
        } else {
            let line = line.replace("/var/lib/defect-host", &place);
            let ran = Command::new("sh").args(["-euc", &line]).current_dir(&place).output().unwrap();
            assert!(ran.status.success(), "`{line}`: {}", String::from_utf8_lossy(&ran.stderr));
        }
    }
    stopped.expect("the last command starts it again");
    host.into_folder().start()
}

fn create(host: &TestHost) -> String {
    let answer = host.client().post("/projects/Shop/defects/create", &defect_request());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["value"].as_str().unwrap().to_owned()
}

fn ids(host: &TestHost) -> Vec<String> {
    let listed = host.client().send("POST", "/projects/Shop/defects", &[], b"").json();
    listed["value"].as_array().unwrap().iter().map(|defect| defect["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_backup_is_restored_by_the_documents_commands_and_no_id_is_used_again() {
    let document = operations();
    let around_tar: Vec<_> =
        document.blocks_in("console").into_iter().filter(|block| block.contains("defects.tar.gz")).collect();
    let [back_up, restore] = around_tar[..] else { panic!("{around_tar:?}") };
    let folder = HostFolder::new("", "defects_path = \"defects\"");
    folder.write("defects/Shop/defects.jsonl", "");
    let host = folder.start();
    let kept = create(&host);
    let deleted = create(&host);
    let path = format!("/projects/Shop/defects/{deleted}/delete");
    assert_eq!(host.client().post(&path, &defect_request()).status, 200);

    let host = type_commands(back_up, host);
    let lost = create(&host);
    assert_eq!(ids(&host), [kept.clone(), lost]);

    let host = type_commands(restore, host);
    assert_eq!(ids(&host), std::slice::from_ref(&kept));
    let next = create(&host);
    assert!(next != deleted && next != kept, "{next}");
}

/// Without a stop, too, when nobody writes at that moment.
#[test]
fn a_copy_while_the_service_runs_and_nobody_writes_is_whole() {
    let folder = HostFolder::new("", "defects_path = \"defects\"");
    folder.write("defects/Shop/defects.jsonl", "");
    let host = folder.start();
    let created = [create(&host), create(&host)];
    let copy = HostFolder::new("", "defects_path = \"defects\"");
    let copied = Command::new("cp").arg("-a").args([host.folder().path().join("defects"), copy.path().into()]).status();
    assert!(copied.unwrap().success());
    assert_eq!(ids(&copy.start()), created);
}
