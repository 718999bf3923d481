//! What depends on time, by a clock that only waits move.

use std::sync::Arc;
use std::time::Duration;

use super::{Connection, Jira, JiraError, Marker};
use crate::auth::Credentials;
use crate::model::Project;
use crate::transport::Transport;
use crate::transport::tests::server::{Server, TestClock, answer, json};

/// A Jira that is busy before every other answer.
fn busy() -> (Server, Arc<Connection>, Arc<TestClock>) {
    let mut is_busy = false;
    let server = Server::with(move |seen| {
        is_busy = !is_busy;
        match is_busy {
            true => answer(429, "Retry-After: 20\r\n", ""),
            false if seen.line.contains("serverInfo") => json(r#"{"deploymentType":"Server"}"#),
            false => json("{}"),
        }
    });
    let clock = Arc::new(TestClock::default());
    let transport = Transport::with_clock(&server.config(), Arc::clone(&clock) as _).unwrap();
    let connection = Connection::over(transport, Credentials::Anonymous, Duration::from_secs(50));
    (server, Arc::new(connection), clock)
}

#[test]
fn all_requests_of_a_call_and_their_waits_share_its_time() {
    let (server, connection, clock) = busy();
    let call: Jira = connection.begin();
    // Which Jira it is, and the login itself.
    call.myself().unwrap();
    assert_eq!(clock.waits(), [20, 20]);
    // A third wait would end 10 s too late: the caller hears of it at once.
    let error = call.myself().unwrap_err();
    assert!(matches!(&error, JiraError::Unavailable(text) if text.contains("Jira asks to wait 20 s")), "{error}");
    assert_eq!((clock.waits().len(), server.seen().len()), (2, 5));
    // Another call has its own time.
    connection.begin().myself().unwrap();

    clock.advance(Duration::from_secs(50));
    let asked = server.seen().len();
    let error = call.myself().unwrap_err();
    assert!(error.to_string().contains("no time was left to ask"), "{error}");
    assert!(error.to_string().contains("`time_limit`"), "{error}");
    assert_eq!(server.seen().len(), asked);
    call.begin_again().myself().unwrap();
}

#[test]
fn a_new_issue_is_looked_for_until_the_search_knows_of_it_or_the_time_is_over() {
    let marker = Marker::new();
    let (mut looks, sent) = (0, marker.properties());
    let server = Server::with_bodies(move |seen| {
        if seen.line.contains("serverInfo") {
            return json(r#"{"deploymentType":"Cloud"}"#);
        }
        assert!(seen.text().contains(r#""properties":["defect-host.create"]"#), "{}", seen.text());
        looks += 1;
        let other = r#"{"key":"SHOP-1","properties":{"defect-host.create":"7"}},{"key":"SHOP-2"}"#;
        let own = format!(r#"{{"key":"SHOP-3","properties":{{"defect-host.create":{}}}}},"#, sent[0]["value"]);
        let own = if looks < 3 { "" } else { &own };
        json(&format!(r#"{{"isLast":true,"issues":[{own}{other}]}}"#))
    });
    let clock = Arc::new(TestClock::default());
    let transport = Transport::with_clock(&server.config(), Arc::clone(&clock) as _).unwrap();
    let connection = Arc::new(Connection::over(transport, Credentials::Anonymous, Duration::from_secs(3)));
    let shop = Project { id: "1".to_owned(), key: "SHOP".to_owned(), name: "Shop (SHOP)".to_owned() };
    let call = connection.begin();
    clock.advance(Duration::from_secs(1));
    assert_eq!(call.marked(&shop, &marker, "Oh"), None, "a third look would be too late");
    assert_eq!(clock.waits(), [1]);
    assert_eq!(connection.begin().marked(&shop, &marker, "Oh").as_deref(), Some("SHOP-3"));
}
