//! HTTP/2 frame by frame: connections that do nothing but answer pings.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use defect_host_tests::{HostFolder, head_of};

const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const HEADERS: u8 = 1;
const ACK: u8 = 1;
/// END_STREAM and END_HEADERS.
const WHOLE: u8 = 5;

/// What has come, but for the answer's body.
#[derive(Debug, PartialEq)]
enum Event {
    Ping,
    /// With the error's number.
    GoAway(u32),
    /// With the first byte of its head.
    Answer(u8),
    End,
}

struct Http2(TcpStream);

impl Http2 {
    fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // Only a failing test waits so long.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut connection = Self(stream);
        connection.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        connection.send(SETTINGS, 0, 0, &[]);
        connection
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let frame = [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat();
        // It may be closed: then that is the next event.
        let _ = self.0.write_all(&frame);
    }

    fn get_projects(&mut self) {
        let head = head_of("GET", "/projects", &[]);
        let login = head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap();
        let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        // HPACK, by its static table: GET, http, then :path, :authority and authorization as texts.
        let fields =
            [vec![0x82, 0x86, 0x04], text("/projects"), vec![0x01], text("localhost"), vec![0x0f, 0x08], text(login)];
        self.send(HEADERS, WHOLE, 1, &fields.concat());
    }

    /// Reads up to the next event, and answers what has to be.
    fn next(&mut self) -> Event {
        loop {
            let mut head = [0; 9];
            if self.0.read_exact(&mut head).is_err() {
                return Event::End;
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            self.0.read_exact(&mut payload).unwrap();
            match (head[3], head[4] & ACK) {
                (SETTINGS, 0) => self.send(SETTINGS, ACK, 0, &[]),
                (PING, 0) => {
                    self.send(PING, ACK, 0, &payload);
                    return Event::Ping;
                }
                (GO_AWAY, _) => return Event::GoAway(u32::from_be_bytes(payload[4..8].try_into().unwrap())),
                (HEADERS, _) => return Event::Answer(payload[0]),
                _ => {}
            }
        }
    }

    /// The next event that is no ping.
    fn next_but_ping(&mut self) -> Event {
        loop {
            match self.next() {
                Event::Ping => {}
                event => return event,
            }
        }
    }
}

#[test]
fn a_connection_without_a_request_is_told_to_go_and_one_with_a_long_one_is_not() {
    let host = HostFolder::faulty_with(
        "[testbench-defect-service.server]\nkeep_alive_timeout = 1",
        "wait_in = [\"get_projects\"]\ngate = \"gate\"",
    )
    .start();
    let mut silent = Http2::open(host.address());
    let mut waiting = Http2::open(host.address());
    waiting.get_projects();
    host.wait_for_log("entered operation=get_projects");
    assert_eq!(silent.next_but_ping(), Event::GoAway(0));
    // Once more, when it is known which requests were seen: none.
    assert_eq!((silent.next_but_ping(), silent.next_but_ping()), (Event::GoAway(0), Event::End));
    // A ping comes each second.
    assert_eq!([(); 3].map(|()| waiting.next()), [Event::Ping, Event::Ping, Event::Ping]);
    host.folder().write("gate", "");
    // Of the static table: status 200.
    assert_eq!(waiting.next_but_ping(), Event::Answer(0x88));
    assert_eq!((waiting.next_but_ping(), waiting.next_but_ping()), (Event::GoAway(0), Event::GoAway(0)));
    assert_eq!(waiting.next_but_ping(), Event::End);
}
