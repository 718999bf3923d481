//! Lists that are read by several threads while they change.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Pages, READERS};
use crate::api::{Connection, JiraError, Search};
use crate::auth::Credentials;
use crate::transport::Transport;
use crate::transport::tests::server::{self, Seen, Server, Step, gate, raw};

fn pages(server: &Server) -> Pages {
    let transport = Transport::new(&server.config()).unwrap();
    let connection = Arc::new(Connection::over(transport, Credentials::Anonymous, Duration::from_secs(50)));
    Pages::begin(connection.begin(), Search::new("project = SHOP".to_owned(), &["summary"], 100)).unwrap()
}

fn issues(ids: &[u64]) -> Value {
    ids.iter().map(|id| json!({ "id": id.to_string() })).collect()
}

/// Data Center with these issues. `before` is told where a page begins, and may change what there is before it is
/// answered.
fn data_center(ids: Vec<u64>, mut before: impl FnMut(usize, &mut Vec<u64>) + Send + 'static) -> Server {
    paged(ids, move |start, ids| {
        before(start, ids);
        None
    })
}

/// The same; a page may come when its gate is open.
fn paged(
    mut ids: Vec<u64>,
    mut before: impl FnMut(usize, &mut Vec<u64>) -> Option<Receiver<()>> + Send + 'static,
) -> Server {
    Server::with_bodies(move |seen: &Seen| {
        if seen.line.contains("serverInfo") {
            return server::json(r#"{"deploymentType":"Server"}"#);
        }
        let asked: Value = serde_json::from_slice(&seen.body).unwrap();
        let (start, size) = (number(&asked["startAt"]), number(&asked["maxResults"]));
        let gate = before(start, &mut ids);
        let (start, end) = (start.min(ids.len()), (start + size).min(ids.len()));
        let body = json!({ "startAt": start, "total": ids.len(), "issues": issues(&ids[start..end]) }).to_string();
        match gate {
            Some(gate) => Step::Later(gate, raw(200, "", &body)),
            None => server::json(&body),
        }
    })
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// The ids that were read, each of them once, and the error at the end.
fn read(pages: Pages) -> (BTreeSet<u64>, Option<JiraError>) {
    let mut read = BTreeSet::new();
    let mut failed = None;
    for page in pages {
        assert!(failed.is_none(), "nothing follows on an error");
        match page {
            Ok(issues) => {
                for issue in issues {
                    let id = issue["id"].as_str().unwrap().parse().unwrap();
                    assert!(read.insert(id), "{id} came twice");
                }
            }
            Err(error) => failed = Some(error),
        }
    }
    (read, failed)
}

fn searches(server: &Server) -> usize {
    server.lines().iter().filter(|line| line.contains("search")).count()
}

#[test]
fn a_list_of_one_page_takes_one_request_and_no_thread() {
    let server = data_center((0..100).collect(), |_, _| ());
    let pages = pages(&server);
    let (read, failed) = read(pages);
    assert_eq!((read.len(), failed.is_none(), searches(&server)), (100, true, 1));
}

#[test]
fn several_pages_are_read_at_once_and_come_in_order() {
    // None of them is answered before as many are asked for.
    let (open, gates): (Mutex<Vec<Sender<()>>>, _) = (Mutex::default(), AtomicUsize::new(0));
    let server = paged((0..1000).collect(), move |start, _| {
        let asked = gates.fetch_add(usize::from(start > 0), Ordering::Relaxed);
        if start == 0 || asked >= READERS {
            return None;
        }
        let (sender, receiver) = gate();
        let mut open = open.lock().unwrap();
        open.push(sender);
        if open.len() == READERS {
            open.clear();
        }
        Some(receiver)
    });
    let mut next = 0;
    for (taken, page) in pages(&server).enumerate() {
        for issue in page.unwrap() {
            assert_eq!(issue["id"], next.to_string());
            next += 1;
        }
        assert!(searches(&server) <= taken + 1 + READERS, "no more are read than are taken soon");
    }
    assert_eq!(next, 1000);
}

#[test]
fn nothing_is_lost_or_there_twice_when_issues_come_and_go_meanwhile() {
    let all: BTreeSet<u64> = (0..1000).collect();
    // Of those that go away, some may have been read before.
    let server = data_center((0..1000).collect(), |start, ids| {
        if start > 0 && ids[0] == 0 {
            ids.drain(..5);
        }
    });
    assert_eq!(read(pages(&server)), (all.clone(), None));
    // Newest first: those that are new move all others on.
    let server = data_center((0..1000).collect(), |start, ids| {
        if start > 0 && ids[0] < 1000 {
            ids.splice(..0, 1000..1150);
        }
    });
    let (found, failed) = read(pages(&server));
    assert!(found.is_superset(&all) && failed.is_none(), "{failed:?}");
}

#[test]
fn a_list_of_which_too_much_went_away_does_not_look_whole() {
    let server = data_center((0..1000).collect(), |start, ids| {
        if start > 0 && ids[0] == 0 {
            ids.drain(..50);
        }
    });
    let (found, failed) = read(pages(&server));
    assert_eq!(found.len(), 200, "what came is of use");
    assert_eq!(failed.unwrap().to_string(), "too many issues went away while the list was read");
}

#[test]
fn a_jira_that_gives_less_than_a_page_is_asked_for_the_rest() {
    let server = Server::with_bodies(move |seen| {
        if seen.line.contains("serverInfo") {
            return server::json(r#"{"deploymentType":"Server"}"#);
        }
        let asked: Value = serde_json::from_slice(&seen.body).unwrap();
        let start = number(&asked["startAt"]);
        // Its own limit is 40, and later 17.
        let size = if start < 200 { 40 } else { 17 };
        let ids: Vec<u64> = (0..300).skip(start).take(size).collect();
        server::json(&json!({ "total": 300, "issues": issues(&ids) }).to_string())
    });
    let (found, failed) = read(pages(&server));
    assert_eq!((found.len(), failed), (300, None));
    // And one that has nothing more of what it says there is.
    let server = Server::with_bodies(move |seen| {
        if seen.line.contains("serverInfo") {
            return server::json(r#"{"deploymentType":"Server"}"#);
        }
        let asked: Value = serde_json::from_slice(&seen.body).unwrap();
        let ids: Vec<u64> = (0..60).skip(number(&asked["startAt"])).collect();
        server::json(&json!({ "total": 300, "issues": issues(&ids) }).to_string())
    });
    let (found, failed) = read(pages(&server));
    assert_eq!(found.len(), 60);
    assert!(failed.unwrap().to_string().contains("there are 300 issues"));
}

#[test]
fn pages_by_tokens_end_with_the_last_token_and_never_go_round_in_circles() {
    let cloud = |pages: Vec<(Vec<u64>, Option<&'static str>)>| {
        let mut pages = pages.into_iter();
        Server::with_bodies(move |seen| {
            if seen.line.contains("serverInfo") {
                return server::json(r#"{"deploymentType":"Cloud"}"#);
            }
            let (ids, token) = pages.next().unwrap();
            let mut answer = json!({ "issues": issues(&ids), "isLast": token.is_none() });
            if let Some(token) = token {
                answer["nextPageToken"] = json!(token);
            }
            server::json(&answer.to_string())
        })
    };
    // An issue that was changed meanwhile comes again.
    let server = cloud(vec![(vec![1, 2], Some("a")), (vec![2, 3], Some("b")), (vec![], Some("c")), (vec![4], None)]);
    assert_eq!(read(pages(&server)), ((1..=4).collect(), None));
    let server = cloud(vec![(vec![1], Some("a")), (vec![2], Some("b")), (vec![2], Some("a"))]);
    let (found, failed) = read(pages(&server));
    assert_eq!(found.len(), 2);
    assert_eq!(failed.unwrap().to_string(), "it gives the same pages again and again");
}
