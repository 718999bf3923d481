//! A restart on sockets that stay open: no request is lost.

use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use defect_host_tests::{Client, Connection, Head, HostFolder, TestHost, defect_request, head_of};
use serde_json::{Value, json};

const JSONL: (&str, &str) = ("client_class = \"JsonlDefectClient\"", "defects_path = \"data\"");
const FAULTY: (&str, &str) = ("client_class = \"FaultyDefectClient\"", "");

/// Connections are kept for longer than a test waits for anything.
const KEEP: &str = "server.keep_alive_timeout = 120";

/// How often the backend is exchanged.
const RESTARTS: usize = 3;
/// How many answers of a backend are waited for before the next exchange.
const ANSWERS: usize = 20;

/// A listening socket that outlives all hosts.
fn socket() -> (TcpListener, String) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// How a caller reaches the service.
enum Caller {
    /// By one connection as long as the service keeps it.
    Kept(String, Option<Connection>),
    /// By a connection for each request.
    New(String),
    /// As an HTTP library does it.
    Library(Client),
}

impl Caller {
    /// Sends a request once, and gives status and answer.
    fn call(&mut self, method: &str, path: &str, body: &str) -> Result<(u16, Value)> {
        let length = body.len().to_string();
        let headers = [("content-type", "application/json"), ("content-length", &length)];
        match self {
            Self::Library(client) => {
                let answer = client.try_send(method, path, &headers[..1], body.as_bytes()).map_err(Error::other)?;
                Ok((answer.status, answer.json()))
            }
            Self::New(address) => {
                let head = head_of(method, path, &[&headers[..], &[("connection", "close")]].concat());
                let (head, answer) = exchange(&mut Connection::open(address)?, head + body)?;
                Ok((head.status, answer))
            }
            Self::Kept(address, kept) => {
                let mut connection = kept.take().map_or_else(|| Connection::open(address), Ok)?;
                let (head, answer) = exchange(&mut connection, head_of(method, path, &headers) + body)?;
                *kept = (head.header("connection") != "close").then_some(connection);
                Ok((head.status, answer))
            }
        }
    }
}

fn exchange(connection: &mut Connection, request: String) -> Result<(Head, Value)> {
    connection.send(request)?;
    let head = connection.head()?;
    let answer = connection.body(head.header("content-length").parse().map_err(Error::other)?)?;
    Ok((head, serde_json::from_slice(&answer)?))
}

/// Reads and creates in turn until it is told to stop; tells who answered each read. Gives the defects that JSONL
/// acknowledged, title by id.
fn load(
    mut caller: Caller,
    name: usize,
    stop: &AtomicBool,
    answered: &mpsc::Sender<String>,
) -> BTreeMap<String, String> {
    let mut created = BTreeMap::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (status, projects) = caller.call("GET", "/projects", "").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(status, 200, "{projects}");
        let _ = answered.send(projects[0].as_str().unwrap_or_default().to_owned());
        let (mut body, title) = (defect_request(), format!("{name}-{number}"));
        body["defect"]["title"] = json!(title);
        let answer = caller.call("POST", "/projects/P/defects/create", &body.to_string());
        let (status, answer) = answer.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(status, 200, "{answer}");
        let id = answer["value"].as_str().unwrap_or_default().to_owned();
        // The faulty plugin keeps nothing: it answers the title.
        if id != title {
            assert!(answer["protocol"]["successes"].as_object().is_some_and(|all| !all.is_empty()), "{answer}");
            assert!(created.insert(id, title).is_none(), "an id is handed out once");
        }
    }
    created
}

/// Ends the host as systemd does, and starts another one with this configuration.
fn restart(mut host: TestHost, socket: &TcpListener, (service, client_config): (&str, &str)) -> TestHost {
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(0), "{}", host.log());
    assert_eq!(host.stderr(), "");
    let folder = host.into_folder();
    folder.configure(&format!("{service}\n{KEEP}"), client_config);
    folder.start_on(socket, &[])
}

#[test]
fn a_restart_onto_another_backend_under_load_loses_no_request() {
    let (socket, address) = socket();
    let folder = HostFolder::new(&format!("{}\n{KEEP}", JSONL.0), JSONL.1);
    folder.write("data/P/defects.jsonl", "");
    let host = folder.start_on(&socket, &[]);
    let (stop, (answered, answers)) = (AtomicBool::new(false), mpsc::channel());
    let (host, created) = std::thread::scope(|scope| {
        let mut host = host;
        let kept = (0..2).map(|_| Caller::Kept(address.clone(), None));
        let new = [Caller::New(address.clone())];
        let libraries = [Caller::Library(host.client().clone())];
        let callers: Vec<_> = kept
            .chain(new)
            .chain(libraries)
            .enumerate()
            .map(|(name, caller)| {
                let (stop, answered) = (&stop, answered.clone());
                scope.spawn(move || load(caller, name, stop, &answered))
            })
            .collect();
        drop(answered);
        let wait_for = |project: &str| {
            let seen = answers.iter().filter(|answer| answer == project).take(ANSWERS).count();
            assert_eq!(seen, ANSWERS, "all callers have failed");
        };
        wait_for("P");
        for number in 0..RESTARTS {
            let (backend, project) = if number % 2 == 0 { (FAULTY, "Shop App (SHOP)") } else { (JSONL, "P") };
            host = restart(host, &socket, backend);
            wait_for(project);
        }
        stop.store(true, Ordering::Relaxed);
        let mut created = BTreeMap::new();
        for caller in callers {
            created.extend(caller.join().unwrap());
        }
        (host, created)
    });
    let host = restart(host, &socket, JSONL);
    let listed = host.client().post("/projects/P/defects", &json!({})).json();
    let listed: BTreeMap<_, _> = listed["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|defect| (defect["id"].as_str().unwrap().to_owned(), defect["title"].as_str().unwrap().to_owned()))
        .collect();
    assert!(!created.is_empty());
    assert_eq!(listed, created, "what was acknowledged is there, and nothing else");
}

#[test]
fn a_kept_connection_is_told_to_end_and_a_new_one_waits_for_the_next_process() {
    let (socket, address) = socket();
    let folder = HostFolder::faulty_with(KEEP, "wait_in = [\"get_projects\"]\ngate = \"gate\"");
    let mut host = folder.start_on(&socket, &[]);
    let mut slow = Connection::open(&address).unwrap();
    slow.send(head_of("GET", "/projects", &[])).unwrap();
    host.wait_for_log("entered operation=get_projects");
    let mut idle = Connection::open(&address).unwrap();
    let ask = |idle: &mut Connection| exchange(idle, head_of("GET", "/healthz", &[])).unwrap().0;
    assert_eq!(ask(&mut idle).header("connection"), "");
    host.signal("TERM");
    host.wait_for_log("stopping");
    // What was sent before the service noticed is answered as ever.
    while ask(&mut idle).header("connection") != "close" {}
    assert_eq!(idle.rest(), b"", "it has ended in order");
    let mut new = Connection::open(&address).unwrap();
    new.send(head_of("GET", "/healthz", &[])).unwrap();
    host.folder().write("gate", "");
    let answer = slow.head().unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    assert_eq!(host.wait().code(), Some(0), "at once, since nobody is connected");
    let _next = host.into_folder().start_on(&socket, &[]);
    assert_eq!(new.head().unwrap().status, 200);
}

#[test]
fn connections_that_nobody_uses_end_with_their_time() {
    let (socket, address) = socket();
    let mut host = HostFolder::faulty_with("server.keep_alive_timeout = 1", "").start_on(&socket, &[]);
    let mut used = Connection::open(&address).unwrap();
    assert_eq!(exchange(&mut used, head_of("GET", "/healthz", &[])).unwrap().0.status, 200);
    let unused = Connection::open(&address).unwrap();
    // It is taken before one that comes later.
    let answer = Caller::New(address).call("GET", "/healthz", "").unwrap();
    assert_eq!(answer.0, 200);
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(0));
    assert_eq!((used.rest(), unused.rest()), (Vec::new(), Vec::new()));
}

#[test]
fn a_second_signal_ends_it_at_once_here_too() {
    let (socket, address) = socket();
    let mut host = HostFolder::faulty_with(KEEP, "").start_on(&socket, &[]);
    let mut idle = Connection::open(&address).unwrap();
    assert_eq!(exchange(&mut idle, head_of("GET", "/healthz", &[])).unwrap().0.status, 200);
    host.signal("TERM");
    host.wait_for_log("stopping");
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(1));
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
#[derive(Debug)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;

impl Frame {
    fn send(kind: u8, flags: u8, stream: u32, payload: &[u8], connection: &mut Connection) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        connection.send([&head, payload].concat()).unwrap();
    }

    /// GET of `/healthz`, with no further frames.
    fn ask(stream: u32, connection: &mut Connection) {
        // Of HPACK's static table: GET, http; then `:path` and `:authority` with texts of their own.
        Self::send(HEADERS, 0x1 | 0x4, stream, b"\x82\x86\x04\x08/healthz\x01\x09localhost", connection);
    }

    /// The next frame of this kind and stream.
    fn wait_for(kind: u8, stream: u32, connection: &mut Connection) -> Self {
        loop {
            let head = connection.body(9).unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let payload = connection.body(length as usize).unwrap();
            let number = u32::from_be_bytes(head[5..].try_into().unwrap());
            let frame = Self { kind: head[3], flags: head[4], stream: number, payload };
            if (frame.kind, frame.stream) == (kind, stream) && (kind != PING || frame.flags & ACK == 0) {
                return frame;
            }
        }
    }
}

#[test]
fn http_2_says_which_requests_are_answered_yet() {
    let (socket, address) = socket();
    let mut host = HostFolder::faulty_with(KEEP, "").start_on(&socket, &[]);
    let mut connection = Connection::open(&address).unwrap();
    connection.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    Frame::send(SETTINGS, 0, 0, &[], &mut connection);
    Frame::ask(1, &mut connection);
    Frame::wait_for(HEADERS, 1, &mut connection);
    host.signal("TERM");
    let goaway = Frame::wait_for(GOAWAY, 0, &mut connection);
    assert_eq!(goaway.payload, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0], "what is on its way is still answered");
    let ping = Frame::wait_for(PING, 0, &mut connection);
    Frame::ask(3, &mut connection);
    Frame::send(PING, ACK, 0, &ping.payload, &mut connection);
    // `:status: 200` is number 8 of the static table.
    assert_eq!(Frame::wait_for(HEADERS, 3, &mut connection).payload[0], 0x88);
    assert_eq!(host.wait().code(), Some(0), "at once, though the time of an idle connection is long");
}
