//! A list of all defects: ours, nginx with the very same bytes, the Python service.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::bench::load::Connection;
use crate::bench::requests;
use crate::bench::series::{Series, Turn, count, interleave, time};
use crate::bench::servers::{Server, Service};
use crate::bench::table::{Goal, Other, Row, Table, show};

pub(crate) const TITLE: &str = "List of all defects";

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let defects = bench.plan.large;
    let host = bench.workshop.host("list-ours", defects)?;
    let nginx = bench.workshop.nginx()?;
    let python = bench.workshop.python("list-python", defects)?;
    let server = host.start()?;
    let mut ours = server.connect()?;
    // Warms it up, too.
    let bytes = save_answer(&mut ours, nginx.as_ref().map(|nginx| nginx.folder().join("www/list")), defects)?;
    let nginx = nginx.as_ref().map(Service::start).transpose()?;
    let mut nginx = nginx.as_ref().map(Server::connect).transpose()?;
    let python = python.as_ref().map(Service::start).transpose()?;
    let mut python = python.as_ref().map(Server::connect).transpose()?;
    let (list, file) = (requests::list(), requests::get("/list"));
    if let Some(nginx) = &mut nginx {
        ensure!(nginx.download(&file)?.bytes == bytes, "nginx serves other bytes than ours");
    }
    let mut first_bytes = Vec::new();
    let turns = [
        Turn::new(|| {
            let answer = ours.download(&list)?;
            ensure!(answer.bytes == bytes, "a list has {} bytes instead of {bytes}", answer.bytes);
            first_bytes.push(answer.first_byte.as_secs_f64());
            Ok(vec![answer.time.as_secs_f64()])
        }),
        Turn::of(nginx.as_mut(), |nginx| Ok(vec![nginx.download(&file)?.time.as_secs_f64()])),
    ];
    let [ours, nginx] = interleave(bench.plan.rounds * 2, bench.plan.budget, turns);
    // Apart, because nginx's turns are to be close to ours. One list is not counted, as with ours.
    let mut cold = true;
    let turn = Turn::of(python.as_mut(), |python| {
        let answer = python.download(&list)?;
        Ok(if std::mem::take(&mut cold) { vec![] } else { vec![answer.time.as_secs_f64()] })
    });
    let [python] = interleave(bench.plan.rounds + 1, bench.plan.budget, [turn]);
    let what = format!("list {} defects", count(defects));
    let first_byte = Ok(Series::from(first_bytes));
    let nginx = Other { name: "nginx", measured: &nginx };
    let python = Other { name: "Python", measured: &python };
    let how = format!(
        "`POST /projects/…/defects`, the whole answer of {} bytes read over one connection in pieces of 256 KiB. \
         nginx serves the same bytes from a file (`GET`, sendfile, one process). One list each is not counted. The \
         files are in the page cache.",
        count(bytes)
    );
    let rows = vec![
        Row::relative(&what, &ours, &nginx, time, |ratio| {
            Some(Goal::at_most(2.0, "x nginx's time (aim: 1.2x)", ratio))
        }),
        Row::faster(&what, &ours, &python, time, |ratio| Some(Goal::at_least(50.0, "x faster", ratio))),
        Row::alone("the same, to its first byte", show(&first_byte, time), None),
    ];
    Ok(Table { title: TITLE.to_owned(), how, rows })
}

/// Lists once, keeps the answer in a file, and looks whether it is what it should be.
fn save_answer(ours: &mut Connection, path: Option<PathBuf>, defects: u64) -> Result<u64> {
    let mut file = path.map(File::create).transpose()?;
    let (mut ids, mut before) = (0, Vec::new());
    let answer = ours.send(&requests::list(), &mut |piece| {
        // A piece may begin in the middle of an id.
        before.extend_from_slice(piece);
        ids += before.windows(ID.len()).filter(|window| *window == ID).count() as u64;
        before.drain(..before.len().saturating_sub(ID.len() - 1));
        match &mut file {
            Some(file) => Ok(file.write_all(piece)?),
            None => Ok(()),
        }
    })?;
    ensure!(answer.status == 200, "the list is answered with {}", answer.status);
    ensure!(ids == defects, "the list has {ids} defects instead of {defects}");
    if let Some(file) = file {
        file.sync_all()?;
    }
    Ok(answer.bytes)
}

/// What every defect of a list has once, and nothing else of it.
const ID: &[u8] = br#""id":"BUG-"#;
