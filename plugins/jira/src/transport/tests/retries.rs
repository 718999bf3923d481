use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::{BaseUrl, Body, Method, Request, Response, Target, Transport, TransportError};
use super::server::{Server, Step, TestClock, answer, json, raw};
use crate::auth::Credentials;

fn minute(transport: &Transport) -> std::time::Instant {
    transport.deadline_in(Duration::from_secs(60))
}

fn get(transport: &Transport) -> Result<Response, TransportError> {
    transport.send(&Request::get(Target::new("/x").query("q", "hidden"), &Credentials::Anonymous, minute(transport)))
}

fn post(transport: &Transport) -> Result<Response, TransportError> {
    let body = json!({"a": "hidden"});
    let (target, body) = (Target::new("/x"), Body::Json(&body));
    transport.send(&Request::write(Method::Post, target, body, &Credentials::Anonymous, minute(transport)))
}

#[test]
fn a_busy_jira_is_asked_again_after_what_it_says() {
    for (busy, waits) in [
        (answer(429, "Retry-After: 7\r\n", ""), [7]),
        (answer(429, "Retry-After: Sun, 06 Nov 1994 08:49:58 GMT\r\n", ""), [21]),
        (answer(429, "", ""), [2]), // 4 s × 0.7
        (answer(429, "Retry-After: soon\r\n", ""), [2]),
        (answer(503, "Retry-After: 7\r\n", ""), [7]),
    ] {
        let server = Server::play([busy, json("1")]);
        let (transport, clock) = server.transport();
        assert_eq!(post(&transport).unwrap().json().unwrap(), 1);
        assert_eq!(clock.waits(), waits);
        let seen = server.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!((seen[0].text(), seen[1].text()), (r#"{"a":"hidden"}"#, r#"{"a":"hidden"}"#));
    }
}

#[test]
fn a_wait_beyond_the_deadline_is_not_begun() {
    let server =
        Server::play([answer(429, "Retry-After: 61\r\nRateLimit-Reason: jira-quota-tenant-based\r\n", "Slow down")]);
    let (transport, clock) = server.transport();
    let error = get(&transport).unwrap_err();
    assert_eq!(clock.waits(), [0_u64; 0]);
    assert!(error.is_temporary());
    assert_eq!(
        error.to_string(),
        "`GET /x`: 429 Too Many Requests: Slow down (limit: jira-quota-tenant-based); Jira asks to wait 61 s; try \
         later, or ask Jira's administrator for a higher limit"
    );
}

#[test]
fn a_failure_inside_of_jira_is_repeated_for_what_changes_nothing() {
    for status in [500, 502, 503, 504] {
        let server = Server::play([answer(status, "", ""), json("1")]);
        let (transport, clock) = server.transport();
        assert_eq!(get(&transport).unwrap().json().unwrap(), 1);
        assert_eq!(clock.waits().len(), 1);

        let server = Server::play([answer(status, "", "oh"), json("1")]);
        let (transport, clock) = server.transport();
        let error = post(&transport).unwrap_err();
        assert!(error.may_be_done(), "{error}");
        assert!(error.to_string().ends_with("look in Jira whether it was done before you repeat it"), "{error}");
        assert_eq!((server.seen().len(), clock.waits().len()), (1, 0));
    }
    let server = Server::play([answer(501, "", "")]);
    assert_eq!(get(&server.transport().0).unwrap_err().status(), Some(501));
}

#[test]
fn retries_end() {
    let server = Server::play((0..4).map(|_| answer(500, "", "")));
    let (transport, clock) = server.transport();
    assert_eq!(get(&transport).unwrap_err().status(), Some(500));
    assert_eq!(server.seen().len(), 4);
    assert_eq!(clock.waits(), [0, 1, 2]); // 1, 2 and 4 s × 0.7
}

#[test]
fn a_connection_that_is_lost_before_or_within_the_answer() {
    let cut = || Step::AnswerAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":".to_vec());
    let chunk =
        || Step::AnswerAndClose(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n".to_vec());
    let head = || Step::AnswerAndClose(b"HTTP/1.1 200 OK\r\nContent-".to_vec());
    for lost in [cut, chunk, head, || Step::Close] {
        let server = Server::play([lost(), json("1")]);
        let (transport, clock) = server.transport();
        assert_eq!(get(&transport).unwrap().json().unwrap(), 1);
        assert_eq!((clock.waits().len(), server.seen().len()), (1, 2));

        let server = Server::play([lost(), json("1")]);
        let (transport, clock) = server.transport();
        let error = post(&transport).unwrap_err();
        assert!(matches!(error, TransportError::Unknown { .. }) && error.may_be_done(), "{error}");
        assert!(!error.to_string().contains("hidden"), "{error}");
        assert_eq!((clock.waits().len(), server.seen().len()), (0, 1));
    }
    let server = Server::play((0..4).map(|_| cut()));
    let error = get(&server.transport().0).unwrap_err();
    assert!(matches!(error, TransportError::Lost { .. }) && !error.may_be_done(), "{error}");
}

#[test]
fn a_post_that_was_not_read_may_still_have_been_sent() {
    let server = Server::play([Step::CloseBeforeBody, json("1")]);
    let (transport, _) = server.transport();
    assert!(post(&transport).unwrap_err().may_be_done());
}

#[test]
fn a_post_that_was_never_sent_is_repeated() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::play([]);
    let mut config = server.config();
    config.site = BaseUrl::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let clock = Arc::new(TestClock::default());
    let transport = Transport::with_clock(&config, Arc::clone(&clock) as _).unwrap();
    let error = post(&transport).unwrap_err();
    assert!(matches!(error, TransportError::Unreachable { .. }) && !error.may_be_done(), "{error}");
    assert_eq!(clock.waits().len(), 3);
    assert!(error.to_string().starts_with(&format!("`POST /x`: cannot reach `http://127.0.0.1:{port}`: ")), "{error}");
}

#[test]
fn a_connection_that_ends_before_the_post_began_is_made_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::play([]);
    let mut config = server.config();
    // TLS never gets an answer, so nothing of the request is sent.
    config.site = BaseUrl::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let clock = Arc::new(TestClock::default());
    let transport = Transport::with_clock(&config, Arc::clone(&clock) as _).unwrap();
    let error = post(&transport).unwrap_err();
    assert!(matches!(error, TransportError::Unreachable { .. }) && !error.may_be_done(), "{error}");
    assert_eq!(clock.waits().len(), 3);
}

#[test]
fn what_the_caller_calls_idempotent_is_repeated() {
    let server = Server::play([Step::Close, json("1")]);
    let (transport, _) = server.transport();
    let body = json!({"jql": "x"});
    let deadline = minute(&transport);
    let search = Request::write(Method::Post, Target::new("/x"), Body::Json(&body), &Credentials::Anonymous, deadline)
        .idempotent();
    transport.send(&search).unwrap();
}

#[test]
fn a_kept_connection_that_the_server_ended_is_no_failure() {
    let server = Server::play([Step::AnswerAndClose(raw(200, "", "1")), json("2")]);
    let (transport, clock) = server.transport();
    post(&transport).unwrap();
    // The connection's end may not have arrived yet, in which case the first try is lost; a `GET` comes through anyway.
    get(&transport).unwrap();
    assert!(clock.waits().len() <= 1);
}

#[test]
fn no_time_left_sends_nothing() {
    let server = Server::play([]);
    let (transport, clock) = server.transport();
    let deadline = minute(&transport);
    clock.advance(Duration::from_secs(60));
    let error = transport.send(&Request::get(Target::new("/x"), &Credentials::Anonymous, deadline)).unwrap_err();
    assert!(matches!(error, TransportError::OutOfTime { .. }), "{error}");
    assert_eq!(server.seen().len(), 0);
}
