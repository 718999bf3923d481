use defect_host_tests::{HostFolder, PythonService};
use serde_json::{Value, json};

use super::{Stage, create, sync_before};
use crate::both::{get, post};
use crate::data::{CONFIG, fill, full, minimal, with};

pub(super) fn settings_of_a_project_have_effect(stage: &Stage) {
    let both = &stage.both;
    both.project("Read only", "");
    assert_eq!(both.ask(&create("Read%20only", &minimal())).statuses(), (200, 403));
    let answers = both.ask(&get("/supports-changes-timestamps?project=Read%20only"));
    assert_eq!((answers.python.json(), answers.ours.json()), (json!(true), json!(false)));
}

pub(super) fn a_control_field_may_be_user_defined(stage: &Stage) {
    let of = |id: &str, component: &str| {
        let fields = json!([{ "name": "Component", "value": component }]);
        with(full(), json!({ "id": id, "userDefinedFields": fields }))
    };
    let results = json!({ "local": { "create": [of("BUG-1", "Checkout"), of("BUG-2", "Other")] } });
    let answers = stage.both.ask(&post("/projects/User-defined/defects/correct", &results));
    let kept = |answer: Value| answer["local"]["create"].as_array().map(Vec::len);
    assert_eq!((kept(answers.python.json()), kept(answers.ours.json())), (Some(0), Some(1)));
}

pub(super) fn hooks_that_cannot_run_are_told(stage: &Stage) {
    let nothing = json!({ "successes": {}, "warnings": {}, "errors": {}, "generalWarnings": [], "generalErrors": [] });
    for sync_type in ["scheduled", "manual"] {
        let answers = stage.both.ask(&sync_before("Hooks", sync_type));
        assert_eq!(answers.statuses(), (200, 200));
        assert_eq!(answers.python.json(), nothing);
        assert_eq!(answers.ours.json()["generalWarnings"][0]["code"], json!("PUBLISH_ERROR"));
    }
    let answers = stage.both.ask(&sync_before("Hooks", "partial"));
    assert_eq!(answers.python.json()["generalErrors"][0]["code"], json!("PUBLISH_ERROR"));
    assert_eq!(answers.ours.json()["successes"]["Hooks"][0]["code"], json!("PUBLISH_SUCCESS"));
}

pub(super) fn unknown_keys_are_refused(_: &Stage) {
    let folder = |config: &str| {
        let folder = HostFolder::with_config(config);
        fill(&folder);
        folder
    };
    let misspelt = CONFIG.replace("readonly = false", "readonyl = true");
    let settings = PythonService::start(folder(&misspelt)).client().get("/settings").json();
    assert_eq!(settings["readonly"], json!(false));
    let refused = folder(&misspelt).run(&["start"]);
    assert_eq!(refused.code(), Some(2));
    assert!(refused.stderr.contains("readonyl") && refused.stderr.contains("readonly"), "{refused:?}");

    let without = CONFIG.replace("control_fields]", "unused]").replace("[testbench-defect-service.client_config.unused]\nstatus = [\"Open\", \"Closed\"]\npriority = [\"High\", \"Low\"]\n", "");
    assert!(!without.contains("unused"));
    let refused = std::panic::catch_unwind(|| drop(PythonService::start(folder(&without)))).unwrap_err();
    let said = refused.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(said.contains("control_fields"), "{said}");
    let host = folder(&without).start();
    assert_eq!(host.client().get("/projects/control-fields").json(), json!({}));
}
