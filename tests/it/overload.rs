//! Guessed passwords, connections that stand still, and more requests than can be served.

use std::process::Command;
use std::sync::mpsc;

use defect_host_tests::{Connection, HostFolder, TestHost, head_of};

/// The status of GET `/projects` with the right password from this address of the machine.
#[cfg(target_os = "linux")]
fn status_from(address: &str, host: &TestHost) -> String {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--noproxy", "*", "--interface", address, "-u", "tester:correct horse"]);
    curl.args(["-o", "/dev/null", "-w", "%{http_code}", &format!("http://{}/projects", host.address())]);
    String::from_utf8(curl.output().expect("curl is installed").stdout).unwrap()
}

/// These guesses at once; of each its number, status and Retry-After.
fn guess(host: &TestHost, guesses: impl IntoIterator<Item = usize>) -> Vec<(usize, u16, String)> {
    std::thread::scope(|scope| {
        let guess = |number| {
            let client = host.client().with_credentials(Some(("tester", &format!("guess {number}"))));
            let answer = client.get("/projects");
            (number, answer.status, answer.header("retry-after").to_owned())
        };
        let guesses: Vec<_> = guesses.into_iter().map(|number| scope.spawn(move || guess(number))).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
    })
}

#[cfg(target_os = "linux")]
#[test]
fn who_guesses_passwords_is_slowed_and_then_refused_and_nobody_else_is() {
    let host = HostFolder::faulty("").start();
    let answers = guess(&host, 0..30);
    let with = |status| answers.iter().filter(move |(_, answered, _)| *answered == status);
    assert!(with(401).count() >= 10 && with(401).count() + with(429).count() == 30, "{answers:?}");
    assert!(with(429).count() > 0, "{answers:?}");
    for (_, _, retry_after) in with(429) {
        assert!((1..=5).contains(&retry_after.parse::<u64>().unwrap()), "{answers:?}");
    }
    // Nobody has logged in yet: this is checked.
    assert_eq!(status_from("127.0.0.2", &host), "200");
    // From now on it is known, wherever it comes from.
    assert_eq!(host.client().get("/projects").status, 200);
    // So is what was wrong: sent again, it is no new failure.
    let again = guess(&host, with(401).map(|(number, ..)| *number));
    assert!(again.iter().all(|(_, status, _)| *status == 401), "{again:?}");
}

#[test]
fn connections_that_stand_still_are_closed_and_one_whose_answer_is_being_made_is_not() {
    let host = HostFolder::faulty_with(
        "[testbench-defect-service.server]\nkeep_alive_timeout = 1",
        "wait_in = [\"get_projects\"]\ngate = \"gate\"",
    )
    .start();
    let mut waiting = Connection::open(host.address()).unwrap();
    waiting.send(head_of("GET", "/projects", &[])).unwrap();
    host.wait_for_log("entered operation=get_projects");
    let halves = ["", "P", "PRI * HTTP/2.0\r\n", "GET /healthz HTTP/1.1\r\nhost: x\r\n"];
    let silent = halves.map(|half| {
        let mut connection = Connection::open(host.address()).unwrap();
        connection.send(half).unwrap();
        connection
    });
    for (connection, half) in silent.into_iter().zip(halves) {
        assert_eq!(connection.rest(), b"", "{half:?}");
    }
    let mut idle = Connection::open(host.address()).unwrap();
    idle.send(head_of("GET", "/healthz", &[])).unwrap();
    let length = idle.head().unwrap().header("content-length").parse().unwrap();
    idle.body(length).unwrap();
    assert_eq!(idle.rest(), b"");
    // Twice as long as a connection may be idle.
    host.folder().write("gate", "");
    assert_eq!(waiting.head().unwrap().status, 200);
}

#[cfg(target_os = "linux")]
#[test]
fn one_address_cannot_take_all_connections() {
    let keep = "[testbench-defect-service.server]\nkeep_alive_timeout = 120";
    let host = HostFolder::faulty_with(keep, "").start();
    let open = || Connection::open(host.address()).unwrap();
    let taken: Vec<_> = (0..384).map(|_| open()).collect();
    assert_eq!(open().rest(), b"");
    host.wait_for_log("more connections are closed at once: there are 384 of at most 768, 384 of them from 127.0.0.1");
    assert_eq!(status_from("127.0.0.2", &host), "200");
    drop(taken);
    while host.client().try_send("GET", "/projects", &[], b"").is_err() {
        std::thread::yield_now();
    }
}

#[test]
fn more_requests_than_may_wait_are_answered_at_once_and_the_others_in_their_turn() {
    const PLACES: usize = 64 + 256;
    const MORE: usize = 10;
    let host = HostFolder::faulty("wait_in = [\"get_projects\"]\ngate = \"gate\"").start();
    assert_eq!(host.client().get("/check-login").status, 200);
    let (answer, answers) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..PLACES + MORE {
            let (answer, address) = (answer.clone(), host.address());
            scope.spawn(move || {
                let mut connection = Connection::open(address).unwrap();
                connection.send(head_of("GET", "/projects", &[])).unwrap();
                let head = connection.head().unwrap();
                answer.send((head.status, head.header("retry-after").to_owned())).unwrap();
            });
        }
        for _ in 0..MORE {
            assert_eq!(answers.recv().unwrap(), (503, "5".to_owned()));
        }
        host.folder().write("gate", "");
        for _ in 0..PLACES {
            assert_eq!(answers.recv().unwrap(), (200, String::new()));
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn who_has_no_more_files_says_so_and_takes_the_connections_when_there_are_some() {
    let host = HostFolder::faulty("").start();
    let files = |soft: &str| {
        let limit = format!("--nofile={soft}:");
        let set = Command::new("prlimit").args(["--pid", &host.pid().to_string(), &limit]).status();
        assert!(set.expect("prlimit is a part of util-linux").success());
    };
    files("3");
    let mut connection = Connection::open(host.address()).unwrap();
    connection.send(head_of("GET", "/healthz", &[])).unwrap();
    host.wait_for_log("no connection can be taken, callers have to wait: Too many open files");
    files("1024");
    assert_eq!(connection.head().unwrap().status, 200);
}
