//! docs/plugins.md says what is true: its code is compiled, its tables are the program's. Its commands are run
//! in [`super::guide_quick_start`], its Python class in the comparison with the Python service.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use defect_host_tests::{Document, HostFolder, STORED, root};
use serde_json::{Value, json};

fn guide() -> Document {
    Document::read("docs/plugins.md")
}

fn source(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What `cargo build --workspace` compiles: the crate that `plugins new` writes, and the guide's further
/// examples.
const COMPILED: [&str; 2] = ["host/src/scaffold/templates/lib.rs", "tests/plugins/guide/src/lib.rs"];

#[test]
fn every_block_of_rust_is_a_part_of_a_crate_that_is_compiled() {
    let sources = COMPILED.map(source);
    let guide = guide();
    let blocks = guide.blocks_in("rust");
    assert!(blocks.len() > 20, "{}", blocks.len());
    for block in blocks {
        assert!(sources.iter().any(|source| source.contains(&format!("\n{block}"))), "nowhere compiled:\n{block}");
    }
}

#[test]
fn every_block_is_in_a_language_that_is_tested() {
    for (language, block) in guide().blocks() {
        assert!(["console", "python", "rust", "text", "toml"].contains(&language), "{language}:\n{block}");
    }
}

/// A folder with the guide's libraries where its configurations look for them.
fn with_libraries(config: &str) -> HostFolder {
    let folder = HostFolder::with_config(config);
    folder.copy_library("template_defect_client", "target/release/libmy_tracker_defect_client.so");
    folder
}

#[test]
fn every_configuration_is_accepted() {
    let guide = guide();
    let blocks = guide.blocks_in("toml");
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let checked = with_libraries(block).run_with(&["check"], &STORED);
        assert!(checked.stdout.ends_with("all right\n"), "{block}\n{}", checked.stderr);
    }
}

#[test]
fn what_a_constructor_refuses_is_shown_as_the_guide_has_it() {
    let guide = guide();
    let [.., config] = guide.blocks_in("toml")[..] else { panic!("no configuration") };
    let refused = HostFolder::with_config(&config.replace("https://", "http://")).run_with(&["check"], &STORED);
    assert_eq!((refused.code(), refused.stderr.as_str()), (Some(2), guide.blocks_in("text")[0]));
}

#[test]
fn the_operations_are_the_traits_with_its_defaults_and_its_endpoints() {
    let client = source("plugin-api/src/client.rs");
    let (_, in_trait) = client.split_once("pub trait DefectClient").unwrap();
    // A signature ends in `;`, or in the `{` of its default.
    let functions = in_trait.split("\n    fn ").skip(1).filter_map(|function| {
        let (name, rest) = function.split_once('(')?;
        let end = rest.find([';', '{'])?;
        (name != "new").then(|| (name.to_owned(), rest[end..].starts_with(';')))
    });
    let functions: BTreeMap<String, bool> = functions.collect();
    let rows = guide().table("operation");
    let listed = rows.iter().map(|row| (row[0].clone(), row[1] == "required")).collect();
    assert_eq!(functions, listed);
    assert!(rows.iter().all(|row| row[1] == "required" || row[1].starts_with("default: ")));

    let document = HostFolder::faulty("").start().client().get("/docs/openapi.json").json();
    let paths = document["paths"].as_object().unwrap().iter();
    let endpoints = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    // One is asked for by another page than the API's.
    let (api, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row[0] != "get_metrics");
    assert!(others.iter().all(|row| row[2] == "GET /metrics, on metrics_addr"), "{others:?}");
    let listed: BTreeSet<String> = api.iter().map(|row| row[2].clone()).collect();
    assert_eq!(listed, endpoints.collect());
}

/// An operation for each kind of error, so that one host shows them all.
const ASKED: [(&str, &str); 7] = [
    ("check_login", "/check-login"),
    ("supports_changes_timestamps", "/supports-changes-timestamps"),
    ("get_projects", "/projects"),
    ("get_control_fields", "/projects/control-fields"),
    ("get_user_defined_attributes", "/projects/udfs"),
    ("get_settings", "/settings"),
    ("get_defects", "/projects/Shop/defects"),
];

/// `not_found`: the faulty plugin's word for `NotFound`.
fn snake_case(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.extend(character.to_lowercase());
    }
    words
}

#[test]
fn every_kind_of_error_has_the_status_that_the_guide_says() {
    let error = source("plugin-api/src/error.rs");
    let (_, variants) = error.split_once("pub enum ClientError {").unwrap();
    let variants = variants.split_once("\n}").unwrap().0.lines().filter_map(|line| {
        let name = line.strip_prefix("    ")?;
        name.starts_with(char::is_uppercase).then(|| name.split(['(', ' ']).next().unwrap_or(name).to_owned())
    });
    let rows = guide().table("kind");
    assert_eq!(rows.iter().map(|row| row[0].clone()).collect::<BTreeSet<_>>(), variants.collect());

    let failing: BTreeMap<_, _> =
        ASKED.iter().zip(&rows).map(|((name, _), row)| (*name, snake_case(&row[0]))).collect();
    let failing: Vec<_> = failing.iter().map(|(name, kind)| format!("{name} = {kind:?}")).collect();
    let host = HostFolder::faulty(&format!("fail_in = {{ {} }}", failing.join(", "))).start();
    assert_eq!(rows.len(), ASKED.len());
    for ((_, path), row) in ASKED.iter().zip(&rows) {
        let method = if path.ends_with("defects") { "POST" } else { "GET" };
        let answer = host.client().send(method, path, &[], b"");
        assert_eq!(answer.status.to_string(), row[1], "{row:?}: {}", answer.text());
        assert_eq!(answer.json()["errors"].is_array(), row[0] == "InvalidInput", "{}", answer.text());
    }
}

/// The status in the guide's row about what the host says for a plugin.
fn status(what: &str) -> u16 {
    let rows = guide().table("what happens");
    let row = rows.iter().find(|row| row[0].contains(what)).unwrap_or_else(|| panic!("no row of {what}"));
    row[1][..3].parse().unwrap()
}

#[test]
fn what_the_host_answers_for_a_plugin_has_the_status_that_the_guide_says() {
    assert_eq!(guide().table("what happens").len(), 5, "each has a line below, or in a test of its own");
    let config = "panic_in = [\"get_projects\"]\nhang_in = [\"check_login\"]";
    let host = HostFolder::faulty_with("call_timeout = 0.25", config).start();
    assert_eq!(host.client().get("/projects").status, status("panics"));
    assert_eq!(host.client().get("/check-login").status, status("longer than"));
    assert_eq!(host.client().post("/projects/Shop/defects/batch", &json!({})).status, status("the request's body"));
    let isolated = HostFolder::faulty_with("isolation = \"process\"", "crash_in.get_projects = \"abort\"").start();
    assert_eq!(isolated.client().get("/projects").status, status("it crashes"));
    // The plugin goes on.
    assert_eq!(host.client().get("/settings").status, 200);
}

#[test]
fn when_all_calls_hang_the_next_one_has_the_status_that_the_guide_says() {
    let host = HostFolder::faulty_with("call_timeout = 0.25", "hang_in = [\"check_login\"]").start();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..64).map(|_| scope.spawn(|| host.client().get("/check-login").status)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(answers.contains(&504), "{answers:?}");
    assert_eq!(host.client().get("/projects/control-fields").status, status("64 calls"));
}

#[test]
fn every_form_of_client_class_leads_to_the_library_that_the_guide_says() {
    let rows = guide().table("form");
    assert_eq!(rows.len(), 10);
    for row in rows {
        let folder = HostFolder::new("", "projects = [\"Scratch\"]\ntoken = \"t\"");
        let own = |text: &str| text.replace("/opt", &folder.path().join("opt").display().to_string());
        let (form, library) = (own(&row[1]), own(&row[2]));
        let library = library.split([' ', ',', ';']).next().unwrap().trim_start_matches("./");
        let in_plugins = row[2].contains("in a plugin directory") && !row[2].contains("beside it");
        let place = Path::new(if in_plugins { "plugins" } else { "" }).join(library);
        folder.copy_library("template_defect_client", place.to_str().unwrap());
        let checked = folder.run(&["check", "--client-class", &form]);
        assert_eq!(checked.code(), Some(0), "{form}: {}", checked.stderr);
        let place = format!("[folder]/{}", place.strip_prefix(folder.path()).unwrap_or(&place).display());
        let lines: Vec<_> = checked.stdout.lines().collect();
        assert!(lines.contains(&format!("library   {place}").as_str()), "{form}: {}", checked.stdout);
        assert!(lines.contains(&"client    MyTrackerDefectClient"), "{form}: {}", checked.stdout);
    }
}

/// Where the host has its messages about libraries that it cannot load.
const MESSAGES: [&str; 6] = [
    "host/src/resolve/error.rs",
    "host/src/resolve/class.rs",
    "host/src/inspect/error.rs",
    "host/src/inspect/permissions.rs",
    "host/src/inspect/pin.rs",
    "host/src/plugin/library.rs",
];

/// A format string with `…` for each of its values, without backticks.
fn with_dots(format: &str) -> String {
    let mut text = String::new();
    for (at, part) in format.replace('`', "").split('{').enumerate() {
        let literal = if at == 0 { part } else { part.split_once('}').map_or("", |(_, literal)| literal) };
        if at > 0 && !text.ends_with('…') {
            text.push('…');
        }
        text.push_str(literal);
    }
    text
}

#[test]
fn every_message_about_a_library_has_a_row_and_every_row_is_a_message() {
    let mut messages = BTreeSet::new();
    for path in MESSAGES {
        let text = source(path);
        let (text, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
        // Faults of permissions are written after the path that they are about, those of a `::` after the class.
        let (text, qualified) = text.split_once("pub enum QualifiedFault").unwrap_or((text, ""));
        for (text, start, before) in
            [(text, "#[error(\"", ""), (text, "write!(f, \"", "… "), (qualified, "#[error(\"", "client_class … ")]
        {
            let formats = text.split(start).skip(1).filter_map(|rest| rest.split_once('"'));
            messages.extend(formats.map(|(format, _)| format!("{before}{}", with_dots(format))));
        }
    }
    // What these faults are written after.
    messages.remove("… …");
    messages.remove("client_class … …");
    let rows: BTreeSet<_> = guide().table("message").into_iter().map(|row| row[0].clone()).collect();
    let missing: Vec<_> = messages.difference(&rows).collect();
    let surplus: Vec<_> = rows.difference(&messages).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "not in the guide: {missing:#?}\nnot in the host: {surplus:#?}");
}

#[test]
fn the_guides_plugin_does_what_the_guide_says_of_it() {
    let folder = HostFolder::new(
        "client_class = \"GuideDefectClient\"",
        "server_url = \"https://tracker.example.com\"\ntoken = \"t\"\nissues = 1001\n\
         projects.Archive.readonly = true\nprojects.Shop.commands.presync.manual = \"hooks/before.sh\"\n\
         commands.postsync.manual = \"none.py\"",
    );
    let hook = folder.write("hooks/before.sh", "#!/bin/sh\necho \"$1\" \"$2\" > seen\n");
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let host = folder.start();
    host.wait_for_log("the command `none.py` is not run");
    let client = host.client();
    let body = defect_host_tests::defect_request();
    assert_eq!(client.post("/projects/Archive/defects/create", &body).status, 403);
    let created = client.post("/projects/Shop/defects/create", &body).json();
    assert_eq!(created["value"], json!("G-1"));
    let mut anonymous = body;
    anonymous["defect"]["principal"]["password"] = json!("");
    let refused = client.post("/projects/Shop/defects/create", &anonymous).json();
    assert_eq!(refused["errors"][0]["field"], json!("defect.principal.password"));

    let before = client.post("/projects/Shop/sync/before", &json!({"syncType": "manual"})).json();
    assert_eq!(before["successes"]["Shop"][0]["code"], json!("PUBLISH_SUCCESS"));
    assert_eq!(host.folder().read("seen"), "Shop manual\n");
    let after = client.post("/projects/Other/sync/after", &json!({"syncType": "manual"})).json();
    assert_eq!(after["generalWarnings"][0]["code"], json!("PUBLISH_ERROR"));

    let ids = |answer: &Value| -> Vec<String> {
        let defects = answer["value"].as_array().unwrap().iter();
        defects.map(|defect| defect["id"].as_str().unwrap().to_owned()).collect()
    };
    let listed = client.post("/projects/Shop/defects", &json!({})).json();
    assert_eq!(ids(&listed), (0..1001).map(|number| format!("G-{number}")).collect::<Vec<_>>());
    let batch = client.post("/projects/Shop/defects/batch", &json!({"defectIds": ["G-7", "a\"b"]})).json();
    assert_eq!(ids(&batch), ["G-7", "a\"b"]);
    assert_eq!(batch["protocol"]["successes"]["G-7"][0]["code"], json!("IMPORT_SUCCESS"));
}

#[test]
fn a_tracker_that_does_not_answer_is_unavailable_after_the_plugins_own_time() {
    let folder = HostFolder::new(
        "client_class = \"GuideDefectClient\"",
        "server_url = \"https://tracker.example.com\"\ntoken = \"hang\"\ntimeout = 1",
    );
    let answer = folder.start().client().get("/check-login").json();
    assert_eq!(answer["status"], json!(500));
    assert_eq!(answer["message"], json!("the tracker does not answer; is its network up?"));
}
