//! Who gets in, and what that costs the others.

use std::sync::{Mutex, PoisonError};

use defect_host_tests::{Connection, HostFolder, TestHost};
use insta::assert_snapshot;
use serde_json::json;

const CHALLENGE: &str = "Basic realm=\"defect-host\", charset=\"UTF-8\"";

fn host() -> TestHost {
    HostFolder::faulty("").start()
}

#[test]
fn credentials_that_the_python_service_stored_log_in() {
    // The hash that every test's configuration has was made by it.
    assert_eq!(host().client().get("/projects").status, 200);
}

#[test]
fn credentials_are_checked_before_the_body_is_read() {
    let host = host();
    let mut connection = Connection::open(host.address()).unwrap();
    let head = "POST /projects/Shop/defects/create HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n";
    connection.send(head).unwrap();
    let answer = connection.head().unwrap();
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, CHALLENGE));
}

#[test]
fn every_refusal_says_how_to_log_in() {
    let host = host();
    let nobody = host.client().with_credentials(None);
    assert_snapshot!(nobody.get("/projects").text(), @r#"{"description":"Unauthorized","status":401,"message":"Missing or invalid Authorization header"}"#);
    let wrong = host.client().with_credentials(Some(("tester", "wrong")));
    assert_snapshot!(wrong.get("/projects").text(), @r#"{"description":"Unauthorized","status":401,"message":"Invalid credentials"}"#);
    // `dGVzdGVy` is a user name without a password.
    for header in ["", "Basic", "Basic ", "Bearer abc", "Basic !!!", "Basic dGVzdGVy", "basic"] {
        let answer = nobody.send("GET", "/projects", &[("authorization", header)], b"");
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, CHALLENGE), "{header:?}");
    }
}

#[test]
fn nothing_but_the_open_paths_is_open() {
    let host = host();
    let nobody = host.client().with_credentials(None);
    for path in ["/settings", "/docs", "/docs/openapi.json", "/openapi.yaml", "/healthz", "/readyz"] {
        assert_eq!(nobody.get(path).status, 200, "{path}");
    }
    for path in ["/projects", "/check-login", "/settings/x", "/openapi.yamlx", "/nowhere", "/%73ettings", "//projects"]
    {
        assert_eq!(nobody.get(path).status, 401, "{path}");
    }
    // Opened by their beginning; what follows must lead nowhere.
    for path in ["/docs/../projects", "/docs/%2e%2e/projects", "/docs/projects", "/favicon.ico"] {
        assert_eq!(nobody.get(path).status, 404, "{path}");
    }
    assert_eq!(nobody.post("/settings", &json!({})).status, 405);
}

#[test]
fn a_user_name_or_password_of_any_text_can_be_used() {
    let folder = HostFolder::faulty("");
    let stored = folder.run(&["set-credentials", "--username", "jürgen", "--password", "pä:ss wörd"]);
    assert_eq!(stored.code(), Some(0), "{}", stored.stderr);
    let host = folder.start();
    let login = |pair| host.client().with_credentials(Some(pair)).get("/projects").status;
    assert_eq!(login(("jürgen", "pä:ss wörd")), 200);
    assert_eq!(login(("jürgen", "pä:ss word")), 401);
    // The reference service hashes the two joined: another place of the border is another login.
    assert_eq!(login(("jürgenp", "ä:ss wörd")), 200);
}

#[test]
fn a_flood_of_wrong_passwords_delays_nobody_who_is_known() {
    const GUESSES: usize = 40;
    let host = host();
    let known_wrong = host.client().with_credentials(Some(("tester", "my old one")));
    assert_eq!(host.client().get("/projects").status, 200);
    assert_eq!(known_wrong.get("/projects").status, 401);

    let guesses = std::sync::Barrier::new(GUESSES + 1);
    let order = Mutex::new(Vec::new());
    let answered = |who: &'static str, status: u16| {
        order.lock().unwrap_or_else(PoisonError::into_inner).push((who, status));
    };
    std::thread::scope(|scope| {
        for number in 0..GUESSES {
            let (client, guesses, answered) = (host.client(), &guesses, &answered);
            scope.spawn(move || {
                let client = client.with_credentials(Some(("tester", &format!("guess {number}"))));
                guesses.wait();
                let answer = client.get("/projects");
                answered("guess", answer.status);
            });
        }
        guesses.wait();
        answered("known", host.client().get("/projects").status);
        answered("known wrong", known_wrong.get("/projects").status);
    });
    let order = order.into_inner().unwrap();
    let place = |who| order.iter().position(|(name, _)| *name == who).unwrap();
    assert_eq!((order[place("known")].1, order[place("known wrong")].1), (200, 401));
    // Ten costly checks, one after the other: whoever waited for them is last.
    let after = |who| order[place(who)..].iter().filter(|answer| **answer == ("guess", 401)).count();
    assert!(after("known") > 5 && after("known wrong") > 5, "{order:?}");
    assert!(order.contains(&("guess", 429)), "{order:?}");
}

#[test]
fn a_wrong_password_stays_wrong_however_often_it_is_sent() {
    let host = host();
    let wrong = host.client().with_credentials(Some(("tester", "correct horsE")));
    assert!((0..200).all(|_| wrong.get("/projects").status == 401));
    assert_eq!(host.client().get("/projects").status, 200);
    assert_eq!(wrong.get("/projects").status, 401, "nor does the right one make it right");
}
