//! Plugins of another version than the host's, each really built and loaded.

use defect_host_tests::{HostFolder, PLUGIN, Skewed, TestHost, defect_request};
use insta::assert_snapshot;
use serde_json::{Value, json};

/// A folder whose host runs the plugin of this name.
fn folder(name: &str, skewed: Skewed) -> HostFolder {
    let class = format!("client_class = \"{name}_defect_client.FaultyDefectClient\"\nplugin_dirs = [\"plugins\"]");
    let folder = HostFolder::new(&class, "defects = 3");
    let library = skewed.build();
    let file_name = library.file_name().unwrap().to_str().unwrap().to_owned();
    folder.write(&format!("plugins/{file_name}"), std::fs::read(library).unwrap());
    folder
}

fn plugin(file: &str) -> String {
    format!("{PLUGIN}/{file}")
}

/// Every operation but one, each answered well.
fn works_but_for(host: &TestHost, missing: Option<&str>) {
    let ask = |path: &str| {
        let answer = host.client().get(path);
        assert_eq!(answer.status, 200, "{path} {}", answer.text());
        answer.json()
    };
    assert_eq!(ask("/settings")["description"], json!("faulty"));
    assert_eq!(ask("/check-login"), json!(true));
    assert_eq!(ask("/projects"), json!(["Shop App (SHOP)"]));
    assert_eq!(ask("/projects/control-fields"), json!({}));
    assert_eq!(ask("/projects/udfs"), json!([]));
    if missing != Some("supports_changes_timestamps") {
        assert_eq!(ask("/supports-changes-timestamps"), json!(true));
    }
    let send = |method: &str, path: &str, body: Value| {
        let answer = host.client().send(method, path, &[], body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{path} {}", answer.text());
        answer.json()
    };
    let context = json!({"importNewDefects": true, "syncOption": "FORCE_UPDATE", "ofTomorrow": 1});
    let list = send("POST", "/projects/Shop/defects", context.clone());
    assert_eq!(list["value"].as_array().unwrap().len(), 3);
    let batch = send("POST", "/projects/Shop/defects/batch", json!({"defectIds": ["F-7"], "syncContext": context}));
    assert_eq!(batch["value"][0]["id"], json!("F-7"));
    assert_eq!(send("POST", "/projects/Shop/defects/1/extended", context.clone())["id"], json!("1"));
    let mut defect = defect_request();
    defect["syncContext"] = context;
    defect["defect"]["ofTomorrow"] = json!({});
    assert_eq!(send("POST", "/projects/Shop/defects/create", defect.clone())["value"], json!("It falls over"));
    assert_eq!(send("PUT", "/projects/Shop/defects/1/update", defect.clone())["generalErrors"], json!([]));
    assert_eq!(send("POST", "/projects/Shop/defects/1/delete", defect)["generalErrors"], json!([]));
    assert!(send("POST", "/projects/Shop/sync/before", json!({"syncType": "manual"}))["successes"]["Shop"].is_array());
    assert!(send("POST", "/projects/Shop/sync/after", json!({"syncType": "manual"}))["successes"]["Shop"].is_array());
    assert_eq!(send("POST", "/projects/Shop/defects/correct", json!({})), json!({"local": null, "remote": null}));
}

#[test]
fn a_plugin_built_before_an_operation_existed_lacks_that_one_only() {
    let older = Skewed::new("older")
        .edit("plugin-api/Cargo.toml", "\nversion = \"1.2.0\"\n", "\nversion = \"1.0.0\"\n")
        .cut(
            "plugin-api/src/boundary.rs",
            "    /// The compiler that it was built with",
            "pub target: Option<String>,\n",
        )
        .cut(
            "plugin-api/src/export.rs",
            "            rustc: option_env!",
            "            target: option_env!(\"DEFECT_PLUGIN_API_TARGET\").map(str::to_owned),\n",
        )
        .cut(
            "plugin-api/src/operation.rs",
            "    /// [`supports_changes_timestamps`]",
            "\"supports_changes_timestamps\",\n",
        )
        .cut("plugin-api/src/dispatch.rs", "        Operation::SupportsChangesTimestamps => {", "\n        }\n")
        .cut("plugin-api/src/client.rs", "    /// Whether the backend knows when a defect was changed", "\n    }\n\n")
        .cut(
            "plugin-api/src/model/sync.rs",
            "    /// Whether the tracker's new defects",
            "import_new_defects: Option<bool>,\n",
        )
        .cut(&plugin("src/lib.rs"), "    fn supports_changes_timestamps(", "\n    }\n\n");
    let folder = folder("older", older);
    let inspected = folder.run(&["plugins", "inspect", "older_defect_client.FaultyDefectClient"]);
    for line in [
        "plugin-api  1.0.0",
        "built with  unknown (built with plugin-api before 1.1)",
        "target      unknown (built with plugin-api before 1.1)",
        "missing     supports_changes_timestamps (answered with 501: rebuild the plugin)",
    ] {
        assert!(inspected.stdout.lines().any(|shown| shown == line), "{line} in {}", inspected.stdout);
    }
    let host = folder.start();
    host.wait_for_log("plugin `older_defect_client` 0.1.0 (plugin-api 1.0.0)");
    let answer = host.client().get("/supports-changes-timestamps");
    assert_snapshot!(format!("{} {}", answer.status, answer.text()), @r#"501 {"description":"Not Implemented","status":501,"message":"the plugin `older_defect_client` has no operation `supports_changes_timestamps`: it was built for an older plugin-api; rebuild it"}"#);
    works_but_for(&host, Some("supports_changes_timestamps"));
}

#[test]
fn a_plugin_built_for_a_newer_api_runs() {
    let newer = Skewed::new("newer")
        .edit("plugin-api/Cargo.toml", "\nversion = \"1.2.0\"\n", "\nversion = \"1.3.0\"\n")
        .edit(
            "plugin-api/src/operation.rs",
            "    CorrectSyncResults = \"correct_sync_results\",\n",
            "    CorrectSyncResults = \"correct_sync_results\",\n    /// New.\n    ListComments = \"list_comments\",\n",
        )
        .edit(
            "plugin-api/src/dispatch.rs",
            "        Operation::CorrectSyncResults => {",
            "        Operation::ListComments => json(&client.list_comments()?),\n        Operation::CorrectSyncResults => {",
        )
        .edit(
            "plugin-api/src/client.rs",
            "    /// What of the planned changes shall really be made",
            "    /// New.\n    fn list_comments(&self) -> Result<Vec<String>, ClientError> {\n        Ok(Vec::new())\n    }\n\n    /// What of the planned changes shall really be made",
        )
        .edit(
            "plugin-api/src/model/settings.rs",
            "    pub readonly: bool,\n",
            "    pub readonly: bool,\n    /// New.\n    #[serde(default)]\n    pub icon: Option<String>,\n",
        )
        .edit(
            "plugin-api/src/model/defect.rs",
            "    /// Who changes the defect.\n    pub principal: Login,\n",
            "    /// Who changes the defect.\n    pub principal: Login,\n    /// New.\n    #[serde(default)]\n    pub severity: Option<String>,\n",
        )
        .edit(&plugin("src/lib.rs"), "readonly: false }", "readonly: false, icon: Some(\"bug\".to_owned()) }")
        .edit(&plugin("src/lib.rs"), "            references: Vec::new(),\n", "            references: Vec::new(),\n            severity: Some(\"minor\".to_owned()),\n");
    let host = folder("newer", newer).start();
    host.wait_for_log("plugin `newer_defect_client` 0.1.0 (plugin-api 1.3.0)");
    works_but_for(&host, None);
}

#[test]
fn a_plugin_with_another_boundary_is_refused_in_a_sentence() {
    let (register, emit) = (
        "    pub register: extern \"C\" fn(callsite: RSlice<'_, u8>) -> u64,\n",
        "    pub emit: extern \"C\" fn(handle: u64, values: RSlice<'_, u8>),\n",
    );
    let altered = Skewed::new("altered")
        .edit("plugin-api/src/boundary.rs", register, "    swapped\n")
        .edit("plugin-api/src/boundary.rs", emit, register)
        .edit("plugin-api/src/boundary.rs", "    swapped\n", emit);
    let folder = folder("altered", altered);
    let refused = folder.run(&["start"]);
    assert_eq!(refused.code(), Some(2));
    assert_snapshot!(refused.stderr, @r#"
        error: the plugin `[folder]/plugins/libaltered_defect_client.so` does not fit this host (plugin-api 1.2.0): its boundary types have another layout, although the version is the same; the debug log has the report

        hint: rebuild the plugin with this host's version of defect-plugin-api, or install the host that it was built for
        "#);
    assert!(!refused.stdout.contains("layout report"), "{}", refused.stdout);
    // The whole report is there for whoever asks for it.
    let detailed = folder.run_with(&["start"], &[("DEFECT_HOST_LOG", "debug")]);
    assert!(detailed.stdout.contains("the layout report of `[folder]/plugins/"), "{}", detailed.stdout);
    assert_eq!(detailed.stderr, refused.stderr);
    let listed = folder.run(&["plugins"]);
    assert_eq!(listed.code(), Some(0));
    assert!(listed.stdout.contains("not loadable: the plugin `[folder]/plugins/libaltered"), "{}", listed.stdout);
}
