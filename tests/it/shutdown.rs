//! SIGTERM and ctrl-c.

use defect_host_tests::{Connection, HostFolder, head_of};

#[test]
fn accepted_requests_are_answered_and_no_new_ones_taken() {
    let mut host = HostFolder::faulty("wait_in = [\"get_projects\"]\ngate = \"gate\"").start();
    let address = host.address().to_owned();
    let mut slow = Connection::open(&address).unwrap();
    slow.send(head_of("GET", "/projects", &[])).unwrap();
    host.wait_for_log("entered operation=get_projects");
    let mut idle = Connection::open(&address).unwrap();
    idle.send(head_of("GET", "/healthz", &[])).unwrap();
    assert_eq!(idle.head().unwrap().status, 200);

    host.signal("TERM");
    host.wait_for_log("stopping");
    // The kernel may still queue a connection that is on its way, but nobody answers it.
    let mut late = Connection::open(&address);
    let refused = late.as_mut().map_or(true, |late| {
        let _ = late.send(head_of("GET", "/healthz", &[]));
        late.head().is_err()
    });
    assert!(refused, "a connection after the signal is not served");
    assert!(Connection::open(&address).is_err(), "and the port is free for the next process");

    host.folder().write("gate", "");
    assert_eq!(slow.head().unwrap().status, 200);
    assert_eq!(host.wait().code(), Some(0));
    host.wait_for_log("stopped");
    assert_eq!(host.stderr(), "");
}

#[test]
fn ctrl_c_stops_too() {
    let mut host = HostFolder::faulty("").start();
    host.signal("INT");
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut host = HostFolder::faulty(r#"hang_in = ["get_projects"]"#).start();
    let mut hanging = Connection::open(host.address()).unwrap();
    hanging.send(head_of("GET", "/projects", &[])).unwrap();
    host.wait_for_log("entered operation=get_projects");
    host.signal("TERM");
    host.wait_for_log("stopping");
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(1));
    host.wait_for_log("stopped at once, by a second signal");
    assert!(hanging.head().is_err());
}

#[test]
fn a_call_that_hangs_does_not_keep_the_process() {
    let mut host = HostFolder::faulty_with("call_timeout = 0.25", r#"hang_in = ["get_projects"]"#).start();
    assert_eq!(host.client().get("/projects").status, 504);
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn a_reader_that_stopped_reading_does_not_keep_the_process() {
    let mut host = HostFolder::faulty_with("call_timeout = 0.25", "defects = 100000").start();
    let mut stalled = Connection::open(host.address()).unwrap();
    stalled.send(head_of("POST", "/projects/Shop/defects", &[("content-length", "0")])).unwrap();
    assert_eq!(stalled.head().unwrap().status, 200);
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(0));
    assert!(!stalled.rest().ends_with(b"0\r\n\r\n"));
}

#[test]
fn a_list_that_is_being_read_is_sent_to_its_end() {
    let mut host = HostFolder::faulty("defects = 10000\nwait_at_defect = 9000\ngate = \"gate\"").start();
    let mut reader = Connection::open(host.address()).unwrap();
    reader
        .send(head_of("POST", "/projects/Shop/defects", &[("content-length", "0"), ("connection", "close")]))
        .unwrap();
    assert_eq!(reader.head().unwrap().status, 200);
    reader.body(1024 * 1024).unwrap();
    host.signal("TERM");
    host.wait_for_log("stopping");
    host.folder().write("gate", "");
    assert!(reader.rest().ends_with(b"0\r\n\r\n"));
    assert_eq!(host.wait().code(), Some(0));
}
