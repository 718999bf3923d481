use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use defect_plugin_api::model::Password;
use serde_json::json;

use super::super::{Body, Method, ProxySetting, Request, Response, Target, Transport, TransportError};
use super::server::{Server, Step, answer, gate, json, raw};
use crate::auth::Credentials;

fn token() -> Credentials {
    Credentials::Bearer(Password::new("t0ken"))
}

fn get(transport: &Transport) -> Result<Response, TransportError> {
    transport.send(&Request::get(Target::new("/x"), &token(), transport.deadline_in(Duration::from_secs(60))))
}

fn post(transport: &Transport, deadline: Instant) -> Result<Response, TransportError> {
    transport.send(&Request::write(Method::Post, Target::new("/x"), Body::Json(&json!({})), &token(), deadline))
}

#[test]
fn connections_are_used_again() {
    let server = Server::with(|_| json("1"));
    let transport = Transport::new(&server.config()).unwrap();
    for _ in 0..5 {
        get(&transport).unwrap();
    }
    // Also after an answer that is no success, whose body was read.
    assert_eq!(server.seen().iter().map(|seen| seen.connection).collect::<HashSet<_>>().len(), 1);
}

#[test]
fn as_many_connections_are_kept_as_there_are_threads() {
    const THREADS: usize = 32;
    let together = Arc::new(Barrier::new(THREADS));
    let server = Server::with(|_| json("1"));
    let transport = Transport::new(&server.config()).unwrap();
    for _ in 0..2 {
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    together.wait();
                    get(&transport).unwrap();
                });
            }
        });
    }
    let connections = server.seen().iter().map(|seen| seen.connection).collect::<HashSet<_>>().len();
    assert!(connections <= THREADS, "{connections}");
    assert_eq!(server.seen().len(), 2 * THREADS);
}

/// `timeout` and the call's whole time, in milliseconds.
fn silence(idempotent: bool, timeout: u64, call_time: u64) -> TransportError {
    let (_open, closed) = gate();
    let server = Server::play([Step::Silence(closed)]);
    let mut config = server.config();
    config.timeout = Duration::from_millis(timeout);
    config.max_retries = 0;
    let transport = Transport::new(&config).unwrap();
    let deadline = transport.deadline_in(Duration::from_millis(call_time));
    let request = Request::get(Target::new("/x"), &Credentials::Anonymous, deadline);
    if idempotent { transport.send(&request).unwrap_err() } else { post(&transport, deadline).unwrap_err() }
}

#[test]
fn silence_is_not_waited_for() {
    for (timeout, call_time, text) in
        [(700, 60_000, "silent for longer than `timeout`"), (60_000, 700, "time of this call")]
    {
        let error = silence(true, timeout, call_time);
        assert!(matches!(error, TransportError::Lost { .. }) && error.to_string().contains(text), "{error}");
        let error = silence(false, timeout, call_time);
        assert!(error.may_be_done() && error.to_string().contains(text), "{error}");
    }
}

#[test]
fn an_answer_that_drips_ends_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::play([]);
    let mut config = server.config();
    config.site = super::super::BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    config.max_retries = 0;
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").unwrap();
        // Ends with the client's connection.
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let transport = Transport::new(&config).unwrap();
    let deadline = transport.deadline_in(Duration::from_millis(200));
    let error = transport.send(&Request::get(Target::new("/x"), &token(), deadline)).unwrap_err();
    assert!(matches!(error, TransportError::Lost { .. }) && error.to_string().contains("time of this call"), "{error}");
}

#[test]
fn redirects_keep_the_login_on_their_server_only() {
    let other = Server::play([json("2")]);
    let to_other = format!("Location: {}/file?token=abc\r\n", other.url);
    let server = Server::play([answer(302, "Location: /y\r\n", ""), json("1"), answer(303, &to_other, "")]);
    let (transport, _) = server.transport();
    assert_eq!(get(&transport).unwrap().json().unwrap(), 1);
    assert_eq!(get(&transport).unwrap().json().unwrap(), 2);
    let seen = server.seen();
    assert_eq!(seen[1].line, "GET /y HTTP/1.1");
    assert_eq!(seen[1].header("Authorization"), Some("Bearer t0ken"));
    let there = &other.seen()[0];
    assert_eq!((there.line.as_str(), there.header("Authorization")), ("GET /file?token=abc HTTP/1.1", None));
}

#[test]
fn redirects_that_are_not_followed() {
    let circle = Server::with(|_| answer(302, "Location: /x\r\n", ""));
    assert!(matches!(get(&circle.transport().0).unwrap_err(), TransportError::Redirected { .. }));
    assert_eq!(circle.seen().len(), 5);

    let server =
        Server::play([answer(301, "Location: https://jira.example.com/x?secret=1\r\n", ""), answer(302, "", "")]);
    let (transport, _) = server.transport();
    let error = post(&transport, transport.deadline_in(Duration::from_secs(60))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`POST /x`: redirected to `https://jira.example.com/x`, which is not followed; set `server_url` to the address \
         that Jira has now"
    );
    assert!(matches!(get(&transport).unwrap_err(), TransportError::Redirected { .. }));
}

/// A proxy that makes tunnels to any place; what it was asked for is in the list.
fn proxy(refuse: bool) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, asked) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let list = Arc::clone(&asked);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let head: Vec<_> = BufReader::new(client.try_clone().unwrap())
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let place = head[0].split(' ').nth(1).unwrap().to_owned();
            list.lock().unwrap().push(head.join("\n"));
            if refuse {
                client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").unwrap();
                continue;
            }
            let mut server = TcpStream::connect(place).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let (mut from, mut into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut into));
            std::thread::spawn(move || std::io::copy(&mut server, &mut client));
        }
    });
    (port, asked)
}

#[test]
fn through_a_proxy() {
    let server = Server::play([json("1")]);
    let (port, asked) = proxy(false);
    let mut config = server.config();
    config.proxy = ProxySetting::Url(Password::new(format!("me:pa55@127.0.0.1:{port}")));
    get(&Transport::new(&config).unwrap()).unwrap();
    let asked = asked.lock().unwrap().join("");
    assert!(asked.starts_with(&format!("CONNECT {} HTTP/1.1", server.url.trim_start_matches("http://"))), "{asked}");
    assert!(asked.contains("Proxy-Authorization: Basic bWU6cGE1NQ=="), "{asked}");
    assert!(!asked.contains("t0ken"), "{asked}");
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let server = Server::play([]);
    let (port, _) = proxy(true);
    let mut config = server.config();
    config.max_retries = 0;
    config.proxy = ProxySetting::Url(Password::new(format!("http://me:pa55@127.0.0.1:{port}")));
    let error = get(&Transport::new(&config).unwrap()).unwrap_err();
    assert!(matches!(error, TransportError::Unreachable { .. }), "{error}");
    assert!(
        error.to_string().contains("the proxy makes no connection") && error.to_string().contains("407"),
        "{error}"
    );
    assert!(!format!("{error:?}{config:?}").contains("pa55"));

    for bad in ["socks5://127.0.0.1:1", "http://", "me:pa55@:x", "http://me:pa55@proxy:x"] {
        config.proxy = ProxySetting::Url(Password::new(bad));
        let fault = Transport::new(&config).err().expect(bad);
        assert_eq!(fault.option, "proxy_url");
        assert!(!fault.to_string().contains("pa55"), "{fault}");
    }
}

#[test]
fn what_is_not_http_is_said_to_be_so() {
    let server = Server::play([Step::AnswerAndClose(b"SSH-2.0-OpenSSH_9.6 s3cret\r\n\r\n".to_vec())]);
    let mut config = server.config();
    config.max_retries = 0;
    let error = get(&Transport::new(&config).unwrap()).unwrap_err();
    assert!(error.to_string().contains("its answer is not HTTP") && !error.to_string().contains("s3cret"), "{error}");
}

#[test]
fn a_context_path_is_kept() {
    let server = Server::play([Step::Answer(raw(200, "", "1"))]);
    let mut config = server.config();
    config.site = super::super::BaseUrl::parse(&format!("{}/jira/", server.url)).unwrap();
    get(&Transport::new(&config).unwrap()).unwrap();
    assert_eq!(server.lines(), ["GET /jira/x HTTP/1.1"]);
}
