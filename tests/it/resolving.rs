//! Which library `client_class` means.

use defect_host_tests::HostFolder;
use insta::assert_snapshot;

const FAULTY: &str = "faulty_defect_client";

/// The class and the library that would run.
fn resolved(folder: &HostFolder, client_class: &str) -> String {
    let checked = folder.run(&["check", "--client-class", client_class]);
    assert_eq!(checked.code(), Some(0), "{client_class}: {}", checked.stderr);
    let line = |key| {
        let line = checked.stdout.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default().trim().to_owned()
    };
    format!("{} of {}", line("client "), line("library "))
}

#[test]
fn each_form_of_client_class_leads_to_its_library() {
    let folder = HostFolder::faulty("");
    folder.copy_library(FAULTY, "plugins/libtracker.so");
    folder.copy_library(FAULTY, "plugins/company/libtracker.so");
    folder.copy_library(FAULTY, "lib/libfaulty_defect_client.so");
    let absolute = folder.path().join("lib/libfaulty_defect_client.so");
    let forms = [
        "FaultyDefectClient",
        "testbench_defect_service.clients.FaultyDefectClient",
        "tracker.SpareDefectClient",
        "company.tracker.FaultyDefectClient",
        "lib/faulty_defect_client",
        "lib/faulty_defect_client.so",
        "lib/libfaulty_defect_client.so",
        "./lib/faulty_defect_client.dll",
        "lib/faulty_defect_client.py",
        absolute.to_str().unwrap(),
        "lib/libfaulty_defect_client.so::SpareDefectClient",
        "libtracker.so::SpareDefectClient",
        "company.tracker::SpareDefectClient",
    ];
    let lines: Vec<_> = forms.iter().map(|form| resolved(&folder, form)).collect();
    assert_snapshot!(lines.join("\n"), @r#"
        FaultyDefectClient of [program]/libfaulty_defect_client.so
        FaultyDefectClient of [program]/libfaulty_defect_client.so
        SpareDefectClient of [folder]/plugins/libtracker.so
        FaultyDefectClient of [folder]/plugins/company/libtracker.so
        FaultyDefectClient of [folder]/lib/libfaulty_defect_client.so
        FaultyDefectClient of [folder]/lib/libfaulty_defect_client.so
        FaultyDefectClient of [folder]/lib/libfaulty_defect_client.so
        FaultyDefectClient of [folder]/lib/libfaulty_defect_client.so
        FaultyDefectClient of [folder]/lib/libfaulty_defect_client.so
        FaultyDefectClient of [folder]/lib/libfaulty_defect_client.so
        SpareDefectClient of [folder]/lib/libfaulty_defect_client.so
        SpareDefectClient of [folder]/plugins/libtracker.so
        SpareDefectClient of [folder]/plugins/company/libtracker.so
        "#);
}

#[test]
fn each_class_of_one_library_is_served_by_its_name() {
    // Only the first of the two says that it knows when a defect was changed.
    for (class, timestamps) in [("FaultyDefectClient", "true"), ("SpareDefectClient", "false")] {
        let folder = HostFolder::new(&format!("client_class = \"libtwo.so::{class}\""), "");
        folder.copy_library(FAULTY, "plugins/libtwo.so");
        let host = folder.start();
        assert_eq!(host.client().get("/supports-changes-timestamps").text(), timestamps, "{class}");
        let folder = host.into_folder();
        folder.configure("client_class = \"Nobody\"", "");
        let by_path = format!("plugins/libtwo.so::{class}");
        let host = folder.start_with(&["--client-class", &by_path], &[]);
        assert_eq!(host.client().get("/supports-changes-timestamps").text(), timestamps, "{class}");
        let schema = host.folder().run(&["plugins", "schema", &by_path]);
        assert_eq!((schema.code(), &*schema.stderr), (Some(0), ""));
        assert!(schema.stdout.contains("FaultyConfig"), "{}", schema.stdout);
    }
}

#[test]
fn a_class_that_is_not_in_the_library_lists_those_that_are() {
    let folder = HostFolder::new("client_class = \"plugins/libtwo.so::SpareClient\"", "");
    folder.copy_library(FAULTY, "plugins/libtwo.so");
    assert_snapshot!(folder.run(&["start"]).stderr, @"
    error: `[folder]/plugins/libtwo.so`: the library has no client `SpareClient`, only `FaultyDefectClient`, `SpareDefectClient`; did you mean `SpareDefectClient`?

    hint: let `client_class` end in a class that is there, such as `SpareDefectClient`
    ");
    let schema = folder.run(&["plugins", "schema", "libtwo.so::SpareClient"]);
    assert_eq!((schema.code(), schema.stderr), (Some(2), folder.run(&["check"]).stderr));
}

#[test]
fn the_python_services_default_means_the_jsonl_plugin() {
    let folder = HostFolder::new("", "defects_path = \"data\"");
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let class = "testbench_defect_service.clients.JsonlDefectClient";
    assert_eq!(resolved(&folder, class), "JsonlDefectClient of [program]/libjsonl_defect_client.so");
}

#[test]
fn a_library_that_is_dropped_beside_the_configuration_is_found_at_the_next_start() {
    let folder = HostFolder::new("client_class = \"dropped_in\"", "defects_path = \".\"");
    assert_eq!(folder.run(&["start"]).code(), Some(2));
    folder.copy_library("jsonl_defect_client", "plugins/libdropped_in.so");
    assert_eq!(folder.start().client().get("/projects").json(), serde_json::json!(["plugins"]));
}

#[test]
fn every_place_that_was_searched_is_listed() {
    let folder = HostFolder::new("client_class = \"my.NoDefectClient\"\nplugin_dirs = [\"mine\"]", "");
    std::fs::create_dir_all(folder.path().join("mine/libno_defect_client.so")).unwrap();
    let ended = folder.run_with(&["start"], &[("DEFECT_HOST_PLUGIN_DIRS", "/opt/one")]);
    assert_eq!(ended.code(), Some(2));
    assert_snapshot!(ended.stderr, @r#"
        error: no library found for client_class `my.NoDefectClient`, looked for
          `[folder]/mine/libmy.so` (plugin_dirs)
          `[folder]/mine/my/libno_defect_client.so` (plugin_dirs)
          `[folder]/mine/libno_defect_client.so` (plugin_dirs): is a folder
          `/opt/one/libmy.so` (DEFECT_HOST_PLUGIN_DIRS)
          `/opt/one/my/libno_defect_client.so` (DEFECT_HOST_PLUGIN_DIRS)
          `/opt/one/libno_defect_client.so` (DEFECT_HOST_PLUGIN_DIRS)
          `[program]/libmy.so` (folder of the program)
          `[program]/my/libno_defect_client.so` (folder of the program)
          `[program]/libno_defect_client.so` (folder of the program)
          `[program]/plugins/libmy.so` (plugins beside the program)
          `[program]/plugins/my/libno_defect_client.so` (plugins beside the program)
          `[program]/plugins/libno_defect_client.so` (plugins beside the program)
          `[folder]/plugins/libmy.so` (plugins beside the configuration file)
          `[folder]/plugins/my/libno_defect_client.so` (plugins beside the configuration file)
          `[folder]/plugins/libno_defect_client.so` (plugins beside the configuration file)

        hint: put `libno_defect_client.so` into one of these folders, or write the library's path; `defect-host plugins` lists what is there
        "#);
}

#[test]
fn a_python_client_has_to_become_a_plugin() {
    let folder = HostFolder::new("client_class = \"my_client.py\"", "");
    folder.write("my_client.py", "class MyClient: ...");
    let said = folder.run(&["check"]).stderr;
    assert!(said.starts_with("error: client_class `my_client.py` is a Python client"), "{said}");
    assert!(said.contains("hint: build the client as a plugin and put `libmy_client.so`"), "{said}");
}

#[test]
fn of_two_libraries_of_a_class_the_first_wins_and_the_other_is_named() {
    let folder = HostFolder::faulty_with("plugin_dirs = [\"first\", \"second\"]", "");
    for directory in ["first", "second"] {
        folder.copy_library(FAULTY, &format!("{directory}/libfaulty_defect_client.so"));
    }
    let checked = folder.run(&["check"]).stdout;
    let named: Vec<_> =
        checked.lines().filter(|line| line.starts_with("library") || line.starts_with("shadowed")).collect();
    assert_snapshot!(named.join("\n"), @r#"
        library   [folder]/first/libfaulty_defect_client.so
        shadowed  `[folder]/second/libfaulty_defect_client.so` (plugin_dirs): found
        shadowed  `[program]/libfaulty_defect_client.so` (folder of the program): found
        "#);
    let host = folder.start();
    let line = host.wait_for_log("second/libfaulty_defect_client.so");
    assert!(line.contains("WARNING: not used, because the library above was found first"), "{line}");
}

#[test]
fn what_is_no_class_at_all_says_what_it_could_be() {
    for class in ["", "..", "a b.C", "libx.so::", "::C", "a.so::b::C"] {
        let folder = HostFolder::new(&format!("client_class = \"{class}\""), "");
        let ended = folder.run(&["check"]);
        assert_eq!(ended.code(), Some(2));
        assert!(ended.stderr.contains("hint: write "), "{}", ended.stderr);
    }
}
