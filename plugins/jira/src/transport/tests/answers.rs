use std::io::Write as _;
use std::time::Duration;

use super::super::{Body, Method, Request, Response, Target, Transport, TransportError};
use super::server::{Server, Step, answer, json};
use crate::auth::Credentials;

fn basic() -> Credentials {
    Credentials::Basic { username: "me".to_owned(), password: defect_plugin_api::model::Password::new("s3cret") }
}

fn get(transport: &Transport) -> Result<Response, TransportError> {
    let deadline = transport.deadline_in(Duration::from_secs(60));
    transport.send(&Request::get(Target::new("/rest/api/2/myself").query("q", "hidden"), &basic(), deadline))
}

#[test]
fn what_is_sent() {
    let server = Server::play([json("{}")]);
    get(&server.transport().0).unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.line, "GET /rest/api/2/myself?q=hidden HTTP/1.1");
    assert_eq!(seen.header("Authorization"), Some("Basic bWU6czNjcmV0"));
    assert_eq!(seen.header("Accept"), Some("application/json, */*;q=0.5"));
    assert_eq!(seen.header("Accept-Encoding"), Some("gzip"));
    assert_eq!((seen.header("X-Atlassian-Token"), seen.header("Content-Type")), (None, None));
}

#[test]
fn what_is_sent_with_changes() {
    let server = Server::play([answer(204, "", ""), answer(204, "", ""), json("{}")]);
    let (transport, _) = server.transport();
    let (credentials, deadline) = (basic(), transport.deadline_in(Duration::from_secs(60)));
    let body = serde_json::json!({"fields": {}});
    for (method, body) in [(Method::Delete, Body::Empty), (Method::Put, Body::Json(&body)), (Method::Post, Body::Empty)]
    {
        let response =
            transport.send(&Request::write(method, Target::new("/x"), body, &credentials, deadline)).unwrap();
        assert_eq!(response.status, if method == Method::Post { 200 } else { 204 });
    }
    let sent: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| {
            let header = |name| seen.header(name).unwrap_or("-").to_owned();
            let headers = ["X-Atlassian-Token", "Content-Type", "Content-Length"].map(header).join(" ");
            format!("{} {headers} {}", seen.line, seen.text())
        })
        .collect();
    assert_eq!(
        sent,
        [
            "DELETE /x HTTP/1.1 no-check - - ",
            "PUT /x HTTP/1.1 no-check application/json 13 {\"fields\":{}}",
            "POST /x HTTP/1.1 no-check - 0 ",
        ]
    );
}

#[test]
fn a_page_that_repeats_the_login_does_not_show_it() {
    let server = Server::play([answer(400, "", "bad header: Basic bWU6czNjcmV0")]);
    let error = get(&server.transport().0).unwrap_err();
    assert!(error.to_string().contains("bad header: Basic ***;"), "{error}");
}

#[test]
fn a_file_is_sent_whole_in_every_try() {
    let server = Server::play([answer(429, "Retry-After: 1\r\n", ""), json("[]")]);
    let (transport, _) = server.transport();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[b'x'; 200_000]).unwrap();
    let target = Target::new("/rest/api/2/issue").segment("EX-1").segment("attachments");
    let body = Body::File { name: "a.txt", content: &file };
    let deadline = transport.deadline_in(Duration::from_secs(60));
    transport.send(&Request::write(Method::Post, target, body, &basic(), deadline)).unwrap();
    for seen in server.seen() {
        assert_eq!(seen.line, "POST /rest/api/2/issue/EX-1/attachments HTTP/1.1");
        assert_eq!(seen.header("X-Atlassian-Token"), Some("no-check"));
        assert!(seen.header("Content-Type").unwrap().starts_with("multipart/form-data; boundary="));
        assert_eq!(seen.body.iter().filter(|&&byte| byte == b'x').count() / 1000, 200);
    }
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn refusals_say_what_jira_said_and_nothing_secret() {
    for (step, status, text) in [
        (
            answer(400, "", r#"{"errorMessages":["Bad."],"errors":{"priority":"Gone."}}"#),
            400,
            "`GET /rest/api/2/myself`: 400 Bad Request: Bad.; `priority`: Gone.; change what is sent",
        ),
        (
            answer(403, "X-Authentication-Denied-Reason: CAPTCHA_CHALLENGE; login-url=http://x\r\n", ""),
            403,
            "`GET /rest/api/2/myself`: 403 Forbidden: login denied: CAPTCHA_CHALLENGE; give the user this permission in \
             Jira, or the token this scope",
        ),
        (
            answer(404, "", "<html><head><title>Oops</title></head></html>"),
            404,
            "`GET /rest/api/2/myself`: 404 Not Found: an HTML page \"Oops\"; it is not there, or the user may not see it",
        ),
        (
            json(""),
            200,
            "`GET /rest/api/2/myself`: the answer is not JSON but empty; check `server_url`, `proxy_url` and the login",
        ),
        (
            json("{\"a\":\n tru}"),
            200,
            "`GET /rest/api/2/myself`: the answer is not JSON but broken in line 2, column 5; check `server_url`, \
             `proxy_url` and the login",
        ),
        (
            answer(200, "Content-Type: text/html\r\n", "<!doctype html><title>Log in</title>"),
            200,
            "`GET /rest/api/2/myself`: the answer is not JSON but an HTML page \"Log in\"; check `server_url`, \
             `proxy_url` and the login",
        ),
    ] {
        let server = Server::play([step]);
        let error = get(&server.transport().0).and_then(|response| response.json()).unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(error.status().unwrap_or(200), status);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("bWU6") && !shown.contains("hidden"), "{shown}");
    }
    assert_eq!(format!("{:?}", basic()), "Basic(me, ***)");
}

#[test]
fn a_login_that_jira_ignores_is_a_refused_login() {
    for header in ["X-AUSERNAME: anonymous\r\n", "X-Seraph-LoginReason: AUTHENTICATED_FAILED\r\n"] {
        // The second request asks whether this is Cloud.
        let server = Server::play([answer(200, header, "{}"), answer(404, "", "")]);
        let error = get(&server.transport().0).unwrap_err();
        assert_eq!(error.status(), Some(401));
        assert!(error.to_string().contains("took no notice of the login"), "{error}");
    }
    let server = Server::play([answer(200, "X-AUSERNAME: me\r\n", "{}")]);
    get(&server.transport().0).unwrap();
}

#[test]
fn an_answer_without_end_is_not_taken() {
    let endless = |head: &str| {
        let mut text = format!("HTTP/1.1 200 OK\r\n{head}\r\n").into_bytes();
        text.resize(5_000, b' ');
        Step::AnswerAndClose(text)
    };
    for head in ["Connection: close\r\n", "Content-Length: 4900000000\r\n"] {
        let server = Server::play([endless(head)]);
        let mut config = server.config();
        config.max_answer = 1_000;
        let error = get(&Transport::new(&config).unwrap()).unwrap_err();
        assert!(matches!(error, TransportError::TooLarge { limit: 1_000, .. }), "{error}");
    }
    let server = Server::play([json("[1,2]")]);
    let mut config = server.config();
    config.max_answer = 5;
    get(&Transport::new(&config).unwrap()).unwrap();
}

#[test]
fn compressed_answers_count_by_what_they_become() {
    let mut packed = packed_spaces();
    let mut text =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len()).into_bytes();
    text.append(&mut packed);
    let server = Server::play([Step::Answer(text.clone()), Step::Answer(text)]);
    let mut config = server.config();
    assert_eq!(get(&Transport::new(&config).unwrap()).unwrap().body.len(), 100_000);
    config.max_answer = 99_999;
    let error = get(&Transport::new(&config).unwrap()).unwrap_err();
    assert!(matches!(error, TransportError::TooLarge { .. }), "{error}");
}

/// 100,000 spaces: `python3 -c 'import gzip, base64; print(base64.b64encode(gzip.compress(b" " * 100000, mtime=0)))'`.
fn packed_spaces() -> Vec<u8> {
    use base64::Engine as _;
    let text = concat!(
        "H4sIAAAAAAACA+3BMQEAAADCoCrrn9IaHkABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAArwYt8HnKoIYBAA==",
    );
    base64::prelude::BASE64_STANDARD.decode(text).unwrap()
}

#[test]
fn names_of_nothing_are_not_asked_for() {
    let server = Server::play([]);
    let (transport, _) = server.transport();
    let deadline = transport.deadline_in(Duration::from_secs(60));
    for segment in ["", ".", ".."] {
        let target = Target::new("/rest/api/2/issue").segment(segment);
        let error = transport.send(&Request::get(target, &basic(), deadline)).unwrap_err();
        assert!(matches!(error, TransportError::BadTarget { .. }), "{error}");
    }
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_line_end_in_an_id_is_no_header() {
    let server = Server::play([answer(404, "", "")]);
    let (transport, _) = server.transport();
    let deadline = transport.deadline_in(Duration::from_secs(60));
    let target = Target::new("/x").segment("a HTTP/1.1\r\nEvil: 1\r\n\r\n").query("b\r\nEvil: 2", "\r\nEvil: 3");
    transport.send(&Request::get(target, &Credentials::Anonymous, deadline)).unwrap_err();
    let seen = &server.seen()[0];
    assert_eq!(seen.header("Evil"), None);
    assert_eq!(
        seen.line,
        "GET /x/a%20HTTP%2F1.1%0D%0AEvil%3A%201%0D%0A%0D%0A?b%0D%0AEvil%3A%202=%0D%0AEvil%3A%203 HTTP/1.1"
    );
}

#[test]
fn a_line_end_in_a_token_is_refused_unsent() {
    let server = Server::play([]);
    let (transport, _) = server.transport();
    let deadline = transport.deadline_in(Duration::from_secs(60));
    let token = Credentials::Bearer(defect_plugin_api::model::Password::new("abc\r\nEvil: 1"));
    let error = transport.send(&Request::get(Target::new("/x"), &token, deadline)).unwrap_err();
    assert!(!format!("{error:?}{error}").contains("abc"), "{error}");
    assert_eq!(server.seen().len(), 0);
}
