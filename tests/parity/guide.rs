//! The Python class of docs/plugins.md and the crate beside it do the same.

use defect_host_tests::{Document, artifacts};
use serde_json::{Value, json};

use crate::both::{Both, get, post, put};

const CONFIG: &str = r#"
[testbench-defect-service]
client_class = "my_tracker_defect_client.py"
port = 0
# User `tester`, password `correct horse`.
password_hash = "69e31d7b5d839c0a45ebeadae0b73c95638dd2de4a4d428a67500496065f883a"
salt = "oheoUGwLn1lDpDfXlZLavA=="

[testbench-defect-service.client_config]
projects = ["Scratch", "Two words"]
token = "t"
"#;

fn start(config: &str) -> Both {
    let guide = Document::read("docs/plugins.md");
    let class = guide.blocks_in("python").join("\n");
    let library = std::fs::read(artifacts().library("template_defect_client")).unwrap();
    Both::start(config, |folder| {
        folder.write("my_tracker_defect_client.py", &class);
        folder.write("libmy_tracker_defect_client.so", &library);
    })
}

fn request(title: &str) -> Value {
    let principal = json!({"username": "ann", "password": ""});
    json!({
        "defect": {
            "title": title, "status": "open", "classification": "bug", "priority": "high",
            "lastEdited": "2026-01-31T12:00:00.123456+01:00", "principal": principal
        },
        "syncContext": {}
    })
}

#[test]
fn the_guides_python_class_and_the_crate_beside_it_answer_the_same() {
    let both = start(CONFIG);
    let one = request("one");
    let context = json!({});
    let hook = json!({"syncType": "manual", "syncContext": {}});
    for path in [
        "/settings",
        "/check-login",
        "/check-login?project=Scratch",
        "/check-login?project=Elsewhere",
        "/supports-changes-timestamps",
        "/projects",
        "/projects/control-fields",
        "/projects/control-fields?project=Scratch",
        "/projects/udfs",
    ] {
        both.same("reading", &get(path));
    }
    for project in ["Scratch", "Two%20words", "Elsewhere"] {
        let at = |rest: &str| format!("/projects/{project}/{rest}");
        both.same("first", &post(&at("defects/create"), &one));
        both.same("second", &post(&at("defects/create"), &request("two")));
        both.same("all", &post(&at("defects"), &context));
        let ids = json!({"defectIds": ["D-2", "D-9", "D-1", "D-2", "D-9"], "syncContext": {}});
        both.same("some", &post(&at("defects/batch"), &ids));
        for id in ["D-1", "D-9"] {
            both.same("changed", &put(&at(&format!("defects/{id}/update")), &request("other")));
            both.same("extended", &post(&at(&format!("defects/{id}/extended")), &context));
            both.same("deleted", &post(&at(&format!("defects/{id}/delete")), &one));
        }
        both.same("the id of a deleted one", &post(&at("defects/create"), &one));
        both.same("what is left", &post(&at("defects"), &context));
        both.same("before", &post(&at("sync/before"), &hook));
        both.same("after", &post(&at("sync/after"), &hook));
        both.same("corrected", &post(&at("defects/correct"), &json!({"local": {"create": []}})));
    }
    both.assert_equal();
}

#[test]
fn read_only_they_refuse_the_same() {
    let both = start(&format!("{CONFIG}readonly = true\n"));
    both.same("settings", &get("/settings"));
    let one = request("one");
    let created = both.same("created", &post("/projects/Scratch/defects/create", &one));
    assert_eq!(created.status, 403);
    both.same("updated", &put("/projects/Scratch/defects/D-1/update", &one));
    both.same("deleted", &post("/projects/Scratch/defects/D-1/delete", &one));
    both.assert_equal();
}
