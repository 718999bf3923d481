//! Authenticated requests while others flood the service.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::bench::requests;
use crate::bench::series::{Series, Turn, count, interleave, time};
use crate::bench::servers::Server;
use crate::bench::table::{Goal, Other, Row, Table};

pub(crate) const TITLE: &str = "A flood";

/// How many requests are measured in a turn, and for how long at most.
const REQUESTS: usize = 500;
const TURN: Duration = Duration::from_secs(30);
/// Between two measured requests: as a tool has it, and so that the client is no load itself.
const PAUSE: Duration = Duration::from_millis(5);
/// Callers that guess passwords, each as fast as it is answered.
const GUESSERS: usize = 8;
/// Connections that begin a request and go on with a byte now and then.
const DRIPPING: usize = 200;
/// Callers that send bodies that are too large.
const OVERSIZED: usize = 4;
/// A pause after each answer of the flood's; a guesser that never waits measures how the cores are shared.
const BREATH: Duration = Duration::from_millis(20);

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let ours = bench.workshop.host("flood-ours", bench.plan.small)?.start()?;
    let floods = AtomicU64::new(0);
    let turns = [
        Turn::new(|| Ok(vec![p99(&ours)?])),
        Turn::new(|| {
            let (p99, flood) = flooded(&ours)?;
            floods.fetch_add(flood, Ordering::Relaxed);
            Ok(vec![p99])
        }),
    ];
    let [quiet, flooded] = interleave(bench.plan.rounds, bench.plan.budget, turns);
    let rounds = flooded.as_ref().map_or(0, Series::len) as u64;
    let quiet = Other { name: "quiet", measured: &quiet };
    let row = Row::relative("p99 of GET /projects in a flood", &flooded, &quiet, time, |ratio| {
        Some(Goal::at_most(5.0, "x the quiet one", ratio))
    });
    let how = format!(
        "One connection asks for `/projects` {REQUESTS} times, every {} ms, and the 99th of 100 answers counts; quiet and in a \
         flood by turns. The flood, from the same address: {GUESSERS} callers that send a new wrong password {} ms \
         after each answer, {DRIPPING} connections whose request heads come byte by byte, {OVERSIZED} callers that \
         announce a body of 100 GB and begin to send it; {} answers to it in a turn.",
        PAUSE.as_millis(),
        BREATH.as_millis(),
        count(floods.into_inner() / rounds.max(1)),
    );
    Ok(Table { title: TITLE.to_owned(), how, rows: vec![row] })
}

/// The 99th percentile of the answers' times, in seconds.
fn p99(server: &Server) -> Result<f64> {
    let mut connection = server.connect()?;
    let projects = requests::get("/projects");
    // Logs in.
    connection.ask(&projects)?;
    let (begun, mut times) = (Instant::now(), Vec::new());
    while times.len() < REQUESTS && begun.elapsed() < TURN {
        times.push(connection.ask(&projects)?.0.time.as_secs_f64());
        std::thread::sleep(PAUSE);
    }
    times.sort_unstable_by(f64::total_cmp);
    ensure!(times.len() >= 100, "only {} answers in {} s", times.len(), TURN.as_secs());
    Ok(times[times.len() * 99 / 100])
}

/// The same in a flood, and how many requests of the flood were answered.
fn flooded(server: &Server) -> Result<(f64, u64)> {
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
    let p99 = std::thread::scope(|scope| {
        for guesser in 0..GUESSERS {
            let (stop, answered) = (&stop, &answered);
            scope.spawn(move || {
                for guess in 0_u64.. {
                    let request = requests::get_with_password("/projects", &format!("{guesser}-{guess}"));
                    flood(address, stop, answered, &request);
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        for _ in 0..OVERSIZED {
            let (stop, answered) = (&stop, &answered);
            scope.spawn(move || {
                let mut request = requests::oversized();
                request.extend(std::iter::repeat_n(b'x', 64 * 1024));
                while !stop.load(Ordering::Relaxed) {
                    flood(address, stop, answered, &request);
                }
            });
        }
        scope.spawn(|| drip(address, &stop));
        let p99 = p99(server);
        stop.store(true, Ordering::Relaxed);
        p99
    })?;
    let answered = answered.into_inner();
    ensure!(answered > 0, "nothing of the flood was answered");
    Ok((p99, answered))
}

/// Sends a request over a connection of its own; whatever becomes of it.
fn flood(address: SocketAddr, stop: &AtomicBool, answered: &AtomicU64, request: &[u8]) {
    std::thread::sleep(BREATH);
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    // Wakes up to see whether it is over.
    let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
    // The service may answer and close before all of it is sent.
    let _ = stream.write_all(request);
    while !stop.load(Ordering::Relaxed) {
        match stream.read(&mut [0; 1024]) {
            Ok(0) => return,
            Ok(_) => {
                answered.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
    }
}

/// Keeps connections open whose requests never become whole; those that are closed are made anew.
fn drip(address: SocketAddr, stop: &AtomicBool) {
    let head = requests::get("/projects");
    let mut connections: Vec<Option<TcpStream>> = (0..DRIPPING).map(|_| None).collect();
    for byte in head.iter().cycle() {
        for connection in &mut connections {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let sent = connection.as_mut().is_some_and(|stream| stream.write_all(std::slice::from_ref(byte)).is_ok());
            if !sent {
                *connection = TcpStream::connect(address).ok();
            }
        }
        std::thread::sleep(10 * BREATH);
    }
}
