//! Sockets that are handed over are served.

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use defect_host_tests::{Connection, HostFolder, head_of};
use insta::assert_snapshot;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;

#[test]
fn a_socket_that_is_handed_over_is_served_instead_of_the_configured_address() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    // Nobody could listen there.
    let host = HostFolder::faulty_with("host = \"nowhere.invalid\"", "").start_on(&socket, &[]);
    host.wait_for_log("the service manager hands over the sockets: `host` and `port` have no effect");
    host.wait_for_log(&format!("listening on http://{address}"));
    assert_eq!(host.client().get("/projects").status, 200);
    assert_eq!(host.stderr(), "");
}

#[test]
fn with_a_certificate_it_is_served_by_https() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let folder = HostFolder::faulty_with("ssl_cert = \"service.pem\"\nssl_key = \"service.key\"", "");
    folder.write("service.pem", own.cert.pem());
    folder.write("service.key", own.signing_key.serialize_pem());
    let host = folder.start_on(&socket, &[]);
    host.wait_for_log(&format!("listening on https://{address}"));
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
    let mut connection = Connection::over(StreamOwned::new(session, TcpStream::connect(address).unwrap()));
    connection.send(head_of("GET", "/projects", &[])).unwrap();
    assert_eq!(connection.head().unwrap().status, 200);
}

#[test]
fn a_socket_for_another_process_is_left_alone() {
    let environment = [("LISTEN_FDS", "1"), ("LISTEN_PID", "1")];
    let host = HostFolder::faulty("").start_with(&[], &environment);
    assert_eq!(host.client().get("/projects").status, 200);
    assert!(!host.log().contains("hands over"), "{}", host.log());
}

#[test]
fn a_socket_that_cannot_be_served_ends_the_start() {
    let folder = HostFolder::faulty("");
    let socket = UnixListener::bind(folder.path().join("socket")).unwrap();
    let ended = folder.run_on(socket, &["start"]);
    assert_eq!(ended.code(), Some(2));
    assert_snapshot!(ended.stderr, @r"
    error: the socket `unknown` that the service manager hands over is no listening TCP socket

    hint: in the socket unit, write an address and a port in each `ListenStream=`, and leave out `Accept=`
    ");
    let wrong = HostFolder::faulty("").run_with(&["start"], &[("LISTEN_PID", "me"), ("LISTEN_FDS", "1")]);
    assert_eq!(wrong.code(), Some(2));
    assert_snapshot!(wrong.stderr, @"error: the sockets that the service manager hands over cannot be found by `LISTEN_PID` and `LISTEN_FDS`: invalid LISTEN_PID");
}

#[test]
fn a_command_of_a_synchronisation_does_not_see_what_was_handed_over() {
    let folder = HostFolder::new(
        "client_class = \"JsonlDefectClient\"",
        "defects_path = \"data\"\ncommands.presync.manual = \"before.sh\"",
    );
    folder.write("data/P/defects.jsonl", "");
    let script = "#!/bin/sh\nenv > seen\nif command : <&3; then echo OPEN_3 >> seen; fi 2>/dev/null\n";
    let hook = folder.write("before.sh", script);
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let environment = [
        ("LISTEN_FDNAMES", "web"),
        ("NOTIFY_SOCKET", "nowhere"),
        ("WATCHDOG_USEC", "60000000"),
        ("WATCHDOG_PID", "1"),
        ("TRACKER_TOKEN", "kept"),
    ];
    let host = folder.start_on(&socket, &environment);
    host.wait_for_log("the service manager cannot be told at `nowhere`");
    let answer = host.client().post("/projects/P/sync/before", &json!({"syncType": "manual"}));
    assert_eq!(answer.json()["generalErrors"], json!([]), "{}", answer.text());
    let seen = host.folder().read("seen");
    assert!(seen.contains("TRACKER_TOKEN=kept"), "{seen}");
    let of_the_manager = ["LISTEN_", "NOTIFY_SOCKET", "WATCHDOG_", "OPEN_3"];
    assert!(!of_the_manager.iter().any(|name| seen.contains(name)), "{seen}");
}

/// A port of loopback that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn all_sockets_of_systemd_socket_activate_are_served() {
    let addresses = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let folder = HostFolder::faulty("");
    let host = folder.command(&["start"], &[]);
    let mut activate = Command::new("systemd-socket-activate");
    activate.args(addresses.iter().flat_map(|address| ["-l", address.as_str()]));
    activate.args(["--fdname=first:second"]).arg(host.get_program()).args(host.get_args());
    activate.current_dir(folder.path());
    std::thread::scope(|scope| {
        let calls = addresses.clone().map(|address| {
            scope.spawn(move || {
                // The first connection makes it start the host, and nothing tells when it can be made. Only a failing
                // test tries so long.
                let begun = Instant::now();
                let mut connection = loop {
                    match Connection::open(&address) {
                        Ok(connection) => break connection,
                        Err(error) => assert!(begun.elapsed() < Duration::from_secs(60), "{error}"),
                    }
                    std::thread::yield_now();
                };
                connection.send(head_of("GET", "/projects", &[])).unwrap();
                connection.head().unwrap().status
            })
        });
        let host = folder.start_by(activate);
        for address in &addresses {
            host.wait_for_log(&format!("listening on http://{address}"));
        }
        for call in calls {
            assert_eq!(call.join().unwrap(), 200);
        }
    });
}
