//! A plugin in a process of its own: what it does to that process costs the calls in it, and nothing else.

use defect_host_tests::{Connection, HostFolder, Response, TestHost, aborting_library, head_of};
use insta::assert_snapshot;
use serde_json::json;

const ISOLATED: &str = "isolation = \"process\"";

fn isolated(client_config: &str) -> HostFolder {
    HostFolder::faulty_with(ISOLATED, client_config)
}

fn shown(answer: &Response) -> String {
    format!("{} {}", answer.status, answer.text())
}

/// The numbers of the host's children.
#[cfg(target_os = "linux")]
fn children(host: &TestHost) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap();
    let of_a_task = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default()
    };
    let all: Vec<_> = tasks.map(of_a_task).collect();
    all.join(" ").split_ascii_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// The only child, which is the plugin's process.
#[cfg(target_os = "linux")]
fn plugins_process(host: &TestHost) -> u32 {
    let children = children(host);
    assert_eq!(children.len(), 1, "{children:?}");
    children[0]
}

/// Waits until a process that is not the test's own child is gone.
#[cfg(target_os = "linux")]
fn wait_for_end_of(process: u32) {
    let begun = std::time::Instant::now();
    // Nothing tells of the end of a stranger's child, so it is looked at.
    while std::path::Path::new(&format!("/proc/{process}/cmdline")).exists()
        && std::fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| !line.is_empty())
    {
        assert!(begun.elapsed().as_secs() < 60, "process {process} does not end");
        std::thread::yield_now();
    }
}

/// A request that crashes the plugin, and one after it.
fn crash(way: &str, service: &str) -> (TestHost, Response) {
    let config = format!("crash_in.get_projects = \"{way}\"");
    let host = HostFolder::faulty_with(&format!("{ISOLATED}\n{service}"), &config).start();
    assert_eq!(host.client().get("/check-login").json(), json!(true));
    let answer = host.client().get("/projects");
    assert_eq!(host.client().get("/check-login").json(), json!(true), "the next call finds a new process");
    assert_eq!(host.client().get("/readyz").status, 200);
    host.wait_for_log("plugin `faulty_defect_client`: its process runs again");
    (host, answer)
}

#[test]
fn a_segmentation_fault_is_one_failed_request() {
    let (host, answer) = crash("segfault", "");
    assert_snapshot!(shown(&answer), @r#"502 {"description":"Bad Gateway","status":502,"message":"plugin `faulty_defect_client` ended while it ran `get_projects`: what was asked may be done or not. The host's log says why; the plugin is started again"}"#);
    host.wait_for_log(
        "plugin `faulty_defect_client`, operation `get_projects`: its process ended with signal: 11 (SIGSEGV)",
    );
    host.wait_for_log("its process ended with signal: 11 (SIGSEGV); it is started again in 0 s");
}

#[test]
fn an_abort_an_exit_and_a_stack_overflow_are_one_failed_request_each() {
    let ways = [
        ("abort", "signal: 6 (SIGABRT)"),
        ("exit", "exit status: 3"),
        ("stack_overflow", "signal: 6 (SIGABRT); it said last: fatal runtime error: stack overflow, aborting"),
    ];
    for (way, how) in ways {
        let (host, answer) = crash(way, "");
        assert_eq!(answer.status, 502, "{way}");
        host.wait_for_log(&format!("operation `get_projects`: its process ended with {how}"));
    }
}

#[test]
fn a_panic_that_aborts_is_one_failed_request() {
    let library = aborting_library();
    let folder = HostFolder::new(&format!("{ISOLATED}\nclient_class = \"{}\"", library.display()), "");
    let host = folder.start();
    let answer = host.client().get("/projects");
    assert_eq!(answer.status, 502, "{}", answer.text());
    host.wait_for_log("operation `get_projects`: its process ended with signal: 6 (SIGABRT)");
    assert_eq!(host.client().get("/check-login").json(), json!(true));
}

#[test]
fn an_endless_loop_is_ended_after_the_time_of_a_call() {
    let (host, answer) = crash("spin", "call_timeout = 0.5");
    assert_snapshot!(shown(&answer), @r#"504 {"description":"Gateway Timeout","status":504,"message":"plugin `faulty_defect_client` did not answer `get_projects` within 0.5 s"}"#);
    host.wait_for_log(
        "its process was ended by the host: `get_projects` took longer than 0.5 s; it is started again in 0 s",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_leak_ends_at_the_limit_of_memory() {
    let (host, answer) = crash("leak", "isolation_memory = 256");
    assert_eq!(answer.status, 502, "{}", answer.text());
    host.wait_for_log("operation `get_projects`: its process needed more than the 256 MiB of `isolation_memory` (signal: 6 (SIGABRT))");
    // Without the limit it is none of our business.
    let host = isolated("crash_in.get_projects = \"leak\"").start();
    assert_eq!(host.client().get("/projects").status, 200);
}

#[test]
fn what_a_plugin_prints_disturbs_nobody() {
    let host = isolated("crash_in.get_projects = \"print\"").start();
    assert_eq!(host.client().get("/projects").json(), json!(["Shop App (SHOP)"]));
    assert_eq!(host.client().get("/check-login").json(), json!(true));
}

#[test]
fn all_calls_in_the_process_are_told_and_calls_after_it_are_served() {
    let config = "wait_in = [\"get_projects\"]\ngate = \"gate\"\ncrash_in.get_control_fields = \"segfault\"";
    let host = isolated(config).start();
    let mut waiting = Connection::open(host.address()).unwrap();
    waiting.send(head_of("GET", "/projects", &[])).unwrap();
    host.wait_for_log("entered operation=get_projects");
    assert_eq!(host.client().get("/projects/control-fields").status, 502);
    assert_eq!(waiting.head().unwrap().status, 502);
    host.folder().write("gate", "");
    assert_eq!(host.client().get("/projects").status, 200);
}

#[cfg(target_os = "linux")]
#[test]
fn a_long_list_is_copied_out_of_the_process_where_the_system_allows_it() {
    let host = isolated("defects = 3000").start_with(&[], &[("DEFECT_HOST_LOG", "debug")]);
    // The same rules hold for this file.
    let how = match std::fs::File::open(format!("/proc/{}/mem", plugins_process(&host))) {
        Ok(_) => "long answers are copied out of the memory of the plugin's process",
        Err(_) => "long answers come by the stream, since the plugin's process cannot be read",
    };
    host.wait_for_log(how);
    let list = host.client().post("/projects/Shop/defects", &json!({})).json();
    assert_eq!(list["value"].as_array().map(Vec::len), Some(3000));
}

#[test]
fn a_crash_in_the_middle_of_a_list_breaks_the_transfer_off() {
    let host = isolated("defects = 10000\ncrash_at_defect = 9000").start();
    let mut connection = Connection::open(host.address()).unwrap();
    connection.send(head_of("POST", "/projects/Shop/defects", &[("content-length", "0")])).unwrap();
    assert_eq!(connection.head().unwrap().status, 200);
    let body = String::from_utf8_lossy(&connection.rest()).into_owned();
    assert!(body.contains("Defect 7000") && !body.contains("Defect 9000"));
    assert!(!body.ends_with("0\r\n\r\n"), "no reader takes this for the whole list");
    host.wait_for_log("the answer of `get_defects` breaks off: plugin `faulty_defect_client` ended");
    assert_eq!(host.client().get("/projects").status, 200);
}

#[test]
fn a_plugin_that_does_not_come_back_is_said_to_be_down_until_it_does() {
    let config = "crash_in = { get_projects = \"segfault\", new = \"abort\" }\ncrash_while = \"sign\"";
    let host = isolated(config).start();
    let settings = host.client().get("/settings");
    assert_eq!(host.client().get("/readyz").status, 200);
    host.folder().write("sign", "");
    assert_eq!(host.client().get("/projects").status, 502);
    // From the second restart on there is a pause.
    host.wait_for_log("it is started again in 0.4 s");
    let answer = host.client().get("/check-login");
    assert_snapshot!(shown(&answer), @r#"503 {"description":"Service Unavailable","status":503,"message":"plugin `faulty_defect_client` has ended and is being started again; the host's log says why"}"#);
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(shown(&host.client().get("/settings")), shown(&settings), "what is known of it is still said");
    assert_eq!(host.client().get("/healthz").status, 200);
    std::fs::remove_file(host.folder().path().join("sign")).unwrap();
    host.wait_for_log("its process runs again");
    assert_eq!(host.client().get("/projects").status, 200);
}

#[test]
fn a_constructor_that_crashes_ends_the_start() {
    let ended = isolated("crash_in.new = \"segfault\"").run(&["start"]);
    assert_eq!(ended.code(), Some(2));
    assert_snapshot!(ended.stderr, @r#"
        error: the plugin `[program]/libfaulty_defect_client.so` cannot be run in a process of its own: its process ended with signal: 11 (SIGSEGV) while `FaultyDefectClient` was made

        hint: when it needs more time or memory, raise `call_timeout` or `isolation_memory`; else report it to the plugin's author
        "#);
    let ended =
        HostFolder::faulty_with(&format!("{ISOLATED}\ncall_timeout = 0.5"), "crash_in.new = \"spin\"").run(&["check"]);
    assert_eq!(ended.code(), Some(2));
    assert_snapshot!(ended.stderr, @r#"
        error: the plugin `[program]/libfaulty_defect_client.so` cannot be run in a process of its own: its process took longer than 0.5 s (`call_timeout`) while `FaultyDefectClient` was made

        hint: when it needs more time or memory, raise `call_timeout` or `isolation_memory`; else report it to the plugin's author
        "#);
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_does_not_have_the_services_secrets() {
    let environment = [("PASSWORD_HASH", "marked-hash"), ("SALT", "marked-salt"), ("TRACKER_TOKEN", "kept")];
    let folder = isolated("");
    folder.write(".env", "PASSWORD_PEPPER=bWFya2Vk\nOTHER=kept-too\n");
    // The pepper is another one than that of the stored hash: nobody can log in, and nobody has to.
    let host = folder.start_with(&[], &environment);
    let of_the_process = std::fs::read(format!("/proc/{}/environ", plugins_process(&host))).unwrap();
    let of_the_process = String::from_utf8(of_the_process).unwrap();
    assert!(of_the_process.contains("TRACKER_TOKEN=kept") && of_the_process.contains("OTHER=kept-too"));
    assert!(!of_the_process.contains("marked") && !of_the_process.contains("PEPPER"), "{of_the_process}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_ends_with_the_host_however_that_ends() {
    let mut host = isolated("").start();
    let process = plugins_process(&host);
    host.signal("KILL");
    assert_eq!(host.wait().code(), None);
    wait_for_end_of(process);

    // Also while it is at work, and when the service manager signals it too.
    let mut host = isolated("wait_in = [\"get_projects\"]\ngate = \"gate\"").start();
    let process = plugins_process(&host);
    let mut waiting = Connection::open(host.address()).unwrap();
    waiting.send(head_of("GET", "/projects", &[])).unwrap();
    host.wait_for_log("entered operation=get_projects");
    assert!(std::process::Command::new("kill").args(["-s", "TERM", &process.to_string()]).status().unwrap().success());
    host.signal("TERM");
    host.wait_for_log("stopping");
    host.folder().write("gate", "");
    assert_eq!(waiting.head().unwrap().status, 200);
    assert_eq!(host.wait().code(), Some(0));
    wait_for_end_of(process);
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_that_was_changed_is_not_started_again_against_its_pin() {
    let folder = HostFolder::new("", "");
    let library = folder.copy_library("faulty_defect_client", "libfaulty_defect_client.so");
    let sha256 = crate::loading::sha256_of(&library);
    let service = format!("{ISOLATED}\nclient_class = \"./libfaulty_defect_client.so\"\nclient_sha256 = \"{sha256}\"");
    folder.configure(&service, "crash_in.get_projects = \"abort\"");
    let host = folder.start();
    let mut other = std::fs::read(&library).unwrap();
    other.push(0);
    let new = host.folder().write("new.so", other);
    std::fs::rename(new, &library).unwrap();
    assert_eq!(host.client().get("/projects").status, 502);
    let line = host.wait_for_log("it is started again in 0.1 s");
    assert!(line.contains("SHA-256"), "{line}");
    assert_eq!(host.client().get("/projects").status, 503);
}

#[test]
fn a_limit_of_memory_without_a_process_is_said_to_have_no_effect() {
    let ended = HostFolder::faulty_with("isolation_memory = 256\nisolation = \"none\"", "").run(&["check"]);
    assert_eq!(ended.code(), Some(0));
    assert_snapshot!(ended.stderr, @r#"
        warning: `isolation_memory` has no effect: only a plugin with `isolation = "process"` can be limited
         --> config.toml:6:1
          |
        6 | isolation_memory = 256
          | ^^^^^^^^^^^^^^^^
        "#);
}

#[test]
fn the_command_of_the_process_is_not_for_people() {
    let help = HostFolder::faulty("").run(&["--help"]);
    assert!(!help.stdout.contains("plugin-process"), "{}", help.stdout);
}
