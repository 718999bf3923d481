//! The memory that lists take.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::bench::process::Process;
use crate::bench::requests;
use crate::bench::series::{Measured, Series, Turn, count, interleave, time};
use crate::bench::servers::Service;
use crate::bench::table::{Goal, Row, Table, median, show};

pub(crate) const TITLE: &str = "Memory";

const READERS: usize = 40;
/// How long the readers do not read.
const STALL: Duration = Duration::from_millis(1_500);
/// The promise, for one list and for all stalled ones together.
const LIMIT_MIB: f64 = 16.0;

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let defects = bench.plan.large;
    let service = bench.workshop.host("memory-ours", defects)?;
    let (mut others, mut bytes) = (Vec::new(), 0);
    let turns = [
        Turn::new(|| {
            let (extra, length) = extra_of_a_list(&service, defects)?;
            bytes = length;
            Ok(vec![extra])
        }),
        Turn::new(|| {
            let (extra, mut times) = extra_of_stalled_readers(&service, defects, HEAD)?;
            others.append(&mut times);
            Ok(vec![extra])
        }),
    ];
    let [list, stalled] = interleave(bench.plan.rounds.min(5), bench.plan.budget, turns);
    let late = Turn::new(|| Ok(vec![extra_of_stalled_readers(&service, defects, bytes * 3 / 4)?.0]));
    let [late] = interleave(bench.plan.rounds.min(3), bench.plan.budget, [late]);
    let others = Ok(Series::from(others));
    let goal = |measured: &Measured| Some(Goal::at_most(LIMIT_MIB, " MiB", median(measured).map(|bytes| bytes / MIB)));
    let rows = vec![
        Row::alone(format!("extra peak, one list of {}", count(defects)), show(&list, mib), goal(&list)),
        Row::alone(format!("extra peak, {READERS} stalled readers of it"), show(&stalled, mib), goal(&stalled)),
        Row::alone("the same, stalled after three quarters of it", show(&late, mib), goal(&late)),
        Row::alone(format!("an `extended` while {READERS} readers stall"), show(&others, time), None),
    ];
    let how = format!(
        "A fresh process each time, after one `extended` and nothing else: no earlier list has left memory behind. \
         Extra peak is VmHWM at the end, its mark reset before the list, less VmRSS before it. A stalled reader takes \
         the answer's head, or three quarters of the answer, and then nothing for {} s. What the kernel holds for \
         its sockets is not the process' memory.",
        STALL.as_secs_f64()
    );
    Ok(Table { title: TITLE.to_owned(), how, rows })
}

const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / MIB)
}

/// Bytes that a list takes at most beyond what the process has, and the list's length.
pub(crate) fn extra_of_a_list(service: &Service, defects: u64) -> Result<(f64, u64)> {
    let server = service.start()?;
    let mut connection = server.connect()?;
    connection.ask(&requests::extended(defects / 2))?;
    let process = Process::of(&server);
    process.reset_peak()?;
    let before = process.resident()?;
    let bytes = connection.download(&requests::list())?.bytes;
    Ok((process.peak()?.saturating_sub(before) as f64, bytes))
}

/// A reader who has so many bytes has the head of the answer. The head is shorter, but a few more make no
/// difference.
const HEAD: u64 = 512;

/// The same for many who ask for the list and stop after so many bytes; and how long others' requests take.
fn extra_of_stalled_readers(service: &Service, defects: u64, read: u64) -> Result<(f64, Vec<f64>)> {
    let server = service.start()?;
    let mut connection = server.connect()?;
    connection.ask(&requests::extended(defects / 2))?;
    let process = Process::of(&server);
    process.reset_peak()?;
    let before = process.resident()?;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port()))?;
        reader.set_read_timeout(Some(Duration::from_secs(60)))?;
        reader.write_all(&requests::list())?;
        readers.push(reader);
    }
    for reader in &mut readers {
        let mut head = [0; HEAD as usize];
        reader.read_exact(&mut head)?;
        ensure!(head.starts_with(b"HTTP/1.1 200"), "a stalled reader gets no list");
        let more = std::io::copy(&mut reader.take(read - HEAD), &mut std::io::sink())?;
        ensure!(more == read - HEAD, "a list ended too early");
    }
    std::thread::sleep(STALL);
    let mut times = Vec::new();
    for step in 1..=20 {
        times.push(connection.ask(&requests::extended(defects * step / 20))?.0.time.as_secs_f64());
    }
    Ok((process.peak()?.saturating_sub(before) as f64, times))
}
