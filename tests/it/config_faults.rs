//! What an operator sees of a configuration that is wrong.

use defect_host_tests::{Cli, HostFolder};
use insta::assert_snapshot;

/// Standard error of a command that finds the configuration wrong; line numbers are those of the file.
fn refused(ended: Cli) -> String {
    assert_eq!((ended.code(), &*ended.stdout), (Some(2), ""));
    ended.stderr
}

fn checked(service: &str, client_config: &str) -> String {
    refused(HostFolder::faulty_with(service, client_config).run(&["check"]))
}

#[test]
fn five_faults_of_the_service_are_shown_in_one_run() {
    let service =
        "prot = 8031\ndebug = \"maybe\"\ncall_timeout = 0\nclient_sha256 = \"abc\"\nserver.keep_alive_timeout = 500";
    assert_snapshot!(checked(service, ""), @r#"
        error: unknown key `prot` in `[testbench-defect-service]`
         --> config.toml:6:1
          |
        6 | prot = 8031
          | ^^^^ expected `port`, found `prot`
          |
          = help: did you mean `port`?

        error: `debug` has the wrong type
         --> config.toml:7:9
          |
        7 | debug = "maybe"
          |         ^^^^^^^ expected `true` or `false`, found the string `maybe`

        error: `call_timeout` is out of range
         --> config.toml:8:16
          |
        8 | call_timeout = 0
          |                ^ expected more than 0, found `0`

        error: `client_sha256` has the wrong form
         --> config.toml:9:17
          |
        9 | client_sha256 = "abc"
          |                 ^^^^^ expected text that matches `^[0-9a-fA-F]{64}$`, found the string `abc`
          |
          = help: The SHA-256 of the client's library, 64 hex digits; another library is refused. Default: none, any library

        error: `server.keep_alive_timeout` is out of range
          --> config.toml:10:29
           |
        10 | server.keep_alive_timeout = 500
           |                             ^^^ expected at least 1 and at most 120, found `500`
        "#);
}

#[test]
fn five_faults_of_the_client_are_shown_in_one_run() {
    let client = "panic_inn = []\ndefects = \"many\"\nrefuse_login = 5\nhang_in = [\"a\", 5]\nsleep_ms_in = { x = -1 }";
    assert_snapshot!(checked("", client), @r#"
        error: unknown key `panic_inn` in `[testbench-defect-service.client_config]`
         --> config.toml:9:1
          |
        9 | panic_inn = []
          | ^^^^^^^^^ expected `panic_in`, found `panic_inn`
          |
          = help: did you mean `panic_in`?

        error: `defects` has the wrong type
          --> config.toml:10:11
           |
        10 | defects = "many"
           |           ^^^^^^ expected an integer, found the string `many`

        error: `refuse_login` has the wrong type
          --> config.toml:11:16
           |
        11 | refuse_login = 5
           |                ^ expected `true` or `false`, found `5`

        error: `hang_in.1` has the wrong type
          --> config.toml:12:17
           |
        12 | hang_in = ["a", 5]
           |                 ^ expected a string, found `5`

        error: `sleep_ms_in.x` is out of range
          --> config.toml:13:21
           |
        13 | sleep_ms_in = { x = -1 }
           |                     ^^ expected at least 0, found `-1`
        "#);
}

#[test]
fn a_separate_toml_file_is_shown_with_its_own_lines() {
    let folder = HostFolder::faulty_with("client_config_path = \"client.toml\"", "");
    folder.write("client.toml", "# mine\ndefect = 5\n");
    assert_snapshot!(refused(folder.run(&["check"])), @r#"
        error: unknown key `defect` in this file
         --> client.toml:2:1
          |
        2 | defect = 5
          | ^^^^^^ expected `defects`, found `defect`
          |
          = help: did you mean `defects`?
        "#);
    folder.write("client.toml", "[testbench-defect-service.client_config]\ndefect = 5\n");
    assert!(refused(folder.run(&["check"])).contains("client.toml:2:1"));
}

#[test]
fn a_properties_file_is_read_and_shown_with_its_own_lines() {
    let folder = HostFolder::faulty_with("client_config_path = \"client.properties\"", "");
    folder.write("client.properties", "! mine\ndefects = 2\nrefuse_login = yes please\n");
    assert_snapshot!(refused(folder.run(&["check"])), @r#"
        error: `refuse_login` has the wrong type
         --> client.properties:3:16
          |
        3 | refuse_login = yes please
          |                ^^^^^^^^^^ expected `true` or `false`, found the string `yes please`
        "#);
    folder.write("client.properties", "defects = 2\nrefuse_login = true\npanic_in = get_projects, get_settings\n");
    let host = folder.start();
    assert_eq!(host.client().get("/check-login").text(), "false");
    assert_eq!(host.client().get("/projects").status, 500);
}

#[test]
fn what_the_constructor_refuses_is_shown_at_its_line() {
    assert_snapshot!(checked("", "# the list\ndefects = 5\nrefuse_field = \"defects\""), @r#"
        error: `defects`: told to refuse it
          --> config.toml:10:11
           |
        10 | defects = 5
           |           ^
        "#);
}

#[test]
fn secrets_are_never_printed() {
    for client in [
        "api_key = 1234567890",
        "api_key = [\"hunter2\"]",
        "api_key = { token = \"hunter2\" }",
        "api_kye = \"hunter2\"",
        "api_key = \"hunter2\"\nrefuse_field = \"api_key\"",
        "api_key = \"hunter2\"\napi_key = \"hunter2\"",
        "api_key = hunter2",
        "api_key = \"hunter2",
    ] {
        let said = checked("", client);
        assert!(!said.contains("hunter2") && !said.contains("1234567890"), "{said}");
        assert!(said.contains("api_k"), "the line is shown: {said}");
    }
    for service in ["salt = 1234567890", "forwarded_secret = [\"hunter2\"]", "forwarded_secrte = \"hunter2\""] {
        let text = format!("[testbench-defect-service]\n{service}\n");
        let said = refused(HostFolder::with_config(&text).run(&["check"]));
        assert!(!said.contains("hunter2") && !said.contains("1234567890"), "{said}");
        assert!(said.contains("config.toml:2:"), "{said}");
    }
}

#[test]
fn keys_of_the_python_service_without_effect_are_a_warning() {
    let service = "[testbench-defect-service.server]\nsingle_process = true\nrun_kwargs = { workers = 4 }";
    let checked = HostFolder::faulty_with(service, "").run(&["check"]);
    assert_eq!(checked.code(), Some(0));
    assert_snapshot!(checked.stderr, @r#"
        warning: `server.single_process` has no effect: there is always one process
         --> config.toml:7:1
          |
        7 | single_process = true
          | ^^^^^^^^^^^^^^

        warning: `server.run_kwargs` has no effect: its arguments were for the Python service's web server
         --> config.toml:8:1
          |
        8 | run_kwargs = { workers = 4 }
          | ^^^^^^^^^^
        "#);
    let host = HostFolder::faulty_with(service, "").start();
    let line = host.wait_for_log("server.single_process");
    assert!(line.contains("WARNING") && line.contains("config.toml:7:1"), "{line}");
    host.wait_for_log("server.run_kwargs");
}

#[test]
fn a_configuration_that_is_not_there_says_what_to_do() {
    let folder = HostFolder::faulty("");
    assert_snapshot!(refused(folder.run(&["start", "--config", "missing.toml"])), @r#"
        error: cannot read the configuration file `missing.toml`: No such file or directory (os error 2)

        hint: create the file, or name another with `--config`
        "#);
    assert_snapshot!(checked("client_config_path = \"missing.toml\"", ""), @r#"
        error: the file that `client_config_path` names does not exist
         --> config.toml:6:22
          |
        6 | client_config_path = "missing.toml"
          |                      ^^^^^^^^^^^^^^ expected an existing file
          |
          = help: a relative path starts at the working directory
        "#);
}

#[test]
fn text_that_is_no_toml_is_shown() {
    let folder = HostFolder::with_config("[testbench-defect-service\nport = 1\n");
    assert_snapshot!(refused(folder.run(&["check"])), @r#"
        error: unclosed table, expected `]`
         --> config.toml:1:26
          |
        1 | [testbench-defect-service
          |                          ^
        "#);
}
