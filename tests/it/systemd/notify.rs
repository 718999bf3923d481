//! What the service tells systemd.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use defect_host_tests::{Connection, HostFolder, TestHost, head_of};

/// The service manager's end. Waits long only when a test fails.
struct Manager(UnixDatagram);

impl Manager {
    fn new(folder: &HostFolder) -> Self {
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(socket)
    }

    fn next(&self) -> String {
        let mut buffer = [0; 1000];
        let length = self.0.recv(&mut buffer).expect("a notification comes");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    /// The next one that says this, and how often the watchdog was told meanwhile.
    fn wait_for(&self, text: &str) -> (String, usize) {
        let mut beats = 0;
        loop {
            let next = self.next();
            if next.contains(text) {
                return (next, beats);
            }
            assert_eq!(next, "WATCHDOG=1\n");
            beats += 1;
        }
    }
}

fn start(folder: HostFolder, environment: &[(&str, &str)]) -> (TestHost, Manager) {
    let manager = Manager::new(&folder);
    let host = folder.start_with(&[], &[&[("NOTIFY_SOCKET", "notify")], environment].concat());
    (host, manager)
}

#[test]
fn it_tells_when_it_listens_and_when_it_stops() {
    let (mut host, manager) = start(HostFolder::faulty("wait_in = [\"get_projects\"]\ngate = \"gate\""), &[]);
    let ready = format!("READY=1\nSTATUS=serving FaultyDefectClient on http://{}\n", host.address());
    assert_eq!(manager.next(), ready);
    let mut slow = Connection::open(host.address()).unwrap();
    slow.send(head_of("GET", "/projects", &[])).unwrap();
    host.wait_for_log("entered operation=get_projects");
    host.signal("TERM");
    // keep_alive_timeout 5 s + call_timeout 60 s + twice 5 s
    let stopping = "STOPPING=1\nSTATUS=answering the accepted requests\nEXTEND_TIMEOUT_USEC=75000000\n";
    assert_eq!(manager.next(), stopping, "while a request is still being answered");
    host.folder().write("gate", "");
    assert_eq!(slow.head().unwrap().status, 200);
    assert_eq!(host.wait().code(), Some(0));
    assert_eq!(host.stderr(), "");
}

#[test]
fn a_start_that_fails_is_not_told_as_ready() {
    let folder = HostFolder::faulty("panic_in_new = true");
    let manager = Manager::new(&folder);
    let ended = folder.run_with(&["start"], &[("NOTIFY_SOCKET", "notify")]);
    assert_eq!(ended.code(), Some(2));
    manager.0.set_nonblocking(true).unwrap();
    assert!(manager.0.recv(&mut [0; 1]).is_err());
}

#[test]
fn the_watchdog_is_told_also_while_all_calls_hang() {
    let service = "call_timeout = 0.25\nisolation = \"none\"";
    let folder = HostFolder::faulty_with(service, r#"hang_in = ["get_projects"]"#);
    let (mut host, manager) = start(folder, &[("WATCHDOG_USEC", "20000")]);
    manager.wait_for("READY=1");
    let mut callers: Vec<_> = (0..64).map(|_| Connection::open(host.address()).unwrap()).collect();
    callers.iter_mut().for_each(|caller| caller.send(head_of("GET", "/projects", &[])).unwrap());
    assert!(callers.iter_mut().all(|caller| caller.head().unwrap().status == 504));
    assert_eq!(host.client().get("/projects").status, 503, "no place is left");
    // What was told before does not count.
    manager.0.set_nonblocking(true).unwrap();
    while manager.0.recv(&mut [0; 100]).is_ok() {}
    manager.0.set_nonblocking(false).unwrap();
    for _ in 0..3 {
        assert_eq!(manager.next(), "WATCHDOG=1\n");
    }
    host.signal("TERM");
    manager.wait_for("STOPPING=1");
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn a_watchdog_for_another_process_is_none() {
    let (mut host, manager) = start(HostFolder::faulty(""), &[("WATCHDOG_USEC", "2000"), ("WATCHDOG_PID", "1")]);
    manager.wait_for("READY=1");
    assert_eq!(host.client().get("/projects").status, 200);
    host.signal("TERM");
    assert_eq!(manager.wait_for("STOPPING=1").1, 0);
    assert_eq!(host.wait().code(), Some(0));
}
