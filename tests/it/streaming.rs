//! Long lists: they begin to arrive at once and take little memory.

use defect_host_tests::{Connection, HostFolder, TestHost, head_of};
use serde_json::json;

const LIST: &str = "/projects/Shop/defects";
const COUNT: usize = 100_000;
/// What the issue allows for a list of 50 MB and more.
const MEMORY_KIB: u64 = 32 * 1024;

fn list_of(address: &str) -> Connection {
    let mut connection = Connection::open(address).unwrap();
    connection.send(head_of("POST", LIST, &[("content-length", "0")])).unwrap();
    assert_eq!(connection.head().unwrap().status, 200);
    connection
}

/// The most memory that the host has had so far.
#[cfg(target_os = "linux")]
fn peak_kib(host: &TestHost) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_list_begins_to_arrive_before_its_last_defect_is_made() {
    let host = HostFolder::faulty("defects = 10000\nwait_at_defect = 9000\ngate = \"gate\"").start();
    let mut connection = list_of(host.address());
    let begun = connection.body(1024 * 1024).unwrap();
    assert!(String::from_utf8_lossy(&begun).contains("Defect 1000"));
    host.wait_for_log("waiting number=9000");
    host.folder().write("gate", "");
    // The rest, up to the end of the last chunk.
    let mut rest = Vec::new();
    while !rest.ends_with(b"0\r\n\r\n") {
        rest.extend(connection.body(1).unwrap());
    }
    let rest = String::from_utf8_lossy(&rest);
    assert!(rest.contains("Defect 9999") && rest.contains("\"F-9999\":["), "with its protocol");
}

#[test]
fn an_error_late_in_a_list_breaks_the_transfer_off() {
    let host = HostFolder::faulty("defects = 10000\nfail_at_defect = 9000").start();
    let body = String::from_utf8_lossy(&list_of(host.address()).rest()).into_owned();
    assert!(body.contains("Defect 7000") && !body.contains("Defect 9000"));
    assert!(!body.ends_with("0\r\n\r\n"), "no reader takes this for the whole list");
    host.wait_for_log("the answer of `get_defects` breaks off: told to fail");
    assert!(host.client().try_send("POST", LIST, &[], b"").is_err());
}

#[test]
fn a_list_that_hangs_in_the_middle_breaks_off_after_the_time_of_a_call() {
    let hanging = "defects = 10000\nwait_at_defect = 9000\ngate = \"gate\"";
    let host = HostFolder::faulty_with("call_timeout = 0.5", hanging).start();
    let body = String::from_utf8_lossy(&list_of(host.address()).rest()).into_owned();
    assert!(body.contains("Defect 8000") && !body.contains("Defect 9000"));
    host.wait_for_log("the answer of `get_defects` breaks off: plugin `faulty_defect_client` did not answer");
    host.folder().write("gate", "");
    assert_eq!(host.client().get("/projects").status, 200);
}

#[test]
fn an_error_early_in_a_list_is_an_error_status() {
    let host = HostFolder::faulty("defects = 10000\nfail_at_defect = 3").start();
    let answer = host.client().post(LIST, &json!({}));
    assert_eq!((answer.status, &answer.json()["message"]), (500, &json!("told to fail")));
}

#[test]
fn lists_of_any_length_are_whole() {
    for count in [0, 1, 200, 3000] {
        let host = HostFolder::faulty(&format!("defects = {count}")).start();
        let set = host.client().post(LIST, &json!({})).json();
        let defects = set["value"].as_array().unwrap();
        assert_eq!(defects.len(), count);
        assert_eq!(set["protocol"]["successes"].as_object().unwrap().len(), count);
        assert!(defects.iter().enumerate().all(|(number, defect)| defect["id"] == json!(format!("F-{number}"))));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_list_of_100_000_defects_takes_little_memory() {
    let host = HostFolder::faulty(&format!("defects = {COUNT}")).start();
    // Threads, the first answers, what is made once.
    assert_eq!(host.client().post(&format!("{LIST}/batch"), &json!({"defectIds": ["F-1"]})).status, 200);
    let before = peak_kib(&host);
    let list = host.client().post(LIST, &json!({}));
    let grown = peak_kib(&host) - before;
    assert!(list.body.len() > 50_000_000, "{} bytes", list.body.len());
    assert!(list.body.ends_with(b"\"generalErrors\":[]}}"));
    assert!(grown < MEMORY_KIB, "{grown} KiB for a list of {} bytes", list.body.len());
}

#[cfg(target_os = "linux")]
#[test]
fn readers_that_stop_reading_take_neither_threads_nor_much_memory() {
    // More than there are calls at once: a reader that held one would lock everybody out.
    const STALLED: usize = 80;
    let host = HostFolder::faulty(&format!("defects = {COUNT}")).start();
    assert_eq!(host.client().get("/projects").status, 200);
    let before = peak_kib(&host);
    let stalled: Vec<Connection> = (0..STALLED).map(|_| list_of(host.address())).collect();
    for _ in 0..3 {
        assert_eq!(host.client().get("/projects").status, 200);
        assert_eq!(host.client().post("/projects/Shop/sync/before", &json!({"syncType": null})).status, 200);
    }
    let grown = peak_kib(&host) - before;
    assert!(grown < STALLED as u64 * 1024, "{grown} KiB for {STALLED} readers, each of 50 MB");
    drop(stalled);
    assert_eq!(host.client().get("/projects").status, 200, "nor does it matter when they go");
}
