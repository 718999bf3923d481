//! Many testers who create defects at once, and how many of their creates share a sync.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::bench::Bench;
use crate::bench::load::throughput;
use crate::bench::requests;
use crate::bench::series::{Turn, count, interleave, rate};
use crate::bench::servers::{Server, Service};
use crate::bench::table::{Goal, Other, Row, Table};

pub(crate) const TITLE: &str = "32 creators at once";

const CREATORS: usize = 32;
/// Creates of each creator in a turn.
const OURS: usize = 20;
const PYTHON: usize = 1;
/// No turn takes longer than this and one more answer.
const TURN: Duration = Duration::from_secs(10);

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let defects = bench.plan.middle;
    let ours = bench.workshop.host("creators-ours", defects)?.start()?;
    let python = bench.workshop.python("creators-python", defects)?;
    let python = python.as_ref().map(Service::start).transpose()?;
    let burst = |server: &Server, each| Ok(vec![burst(server, each)?.1]);
    // Logs in, and makes an index where there is one.
    burst(&ours, 1)?;
    let turns = [Turn::new(|| burst(&ours, OURS)), Turn::of(python.as_ref(), |python| burst(python, PYTHON))];
    let [ours, python] = interleave(bench.plan.rounds, bench.plan.budget, turns);
    let python = Other { name: "Python", measured: &python };
    let what = format!("creates a second at {} defects", count(defects));
    let goal = |ratio| Some(Goal::at_least(100.0, "x as many", ratio));
    let rows = vec![Row::relative(what, &ours, &python, rate, goal), syncs(bench)?];
    let how = format!(
        "{CREATORS} connections, {OURS} creates over each in a turn (the Python service: {PYTHON}), every id looked at: \
         none may be handed out twice. Syncs (fdatasync and fsync) are counted by strace in a run of its own, which \
         makes them a little slower; those of a run with one create less the burst are taken off."
    );
    Ok(Table { title: TITLE.to_owned(), how, rows })
}

/// Creates made, and how many in a second.
fn burst(server: &Server, each: usize) -> Result<(usize, f64)> {
    let id = |body: &[u8]| {
        let answer: serde_json::Value = serde_json::from_slice(body)?;
        let id = answer["value"].as_str().context("a create is answered without an id")?;
        Ok(Some(id.to_owned()))
    };
    let done = throughput(server.port(), CREATORS, each, TURN, &requests::create(1), &id)?;
    let ids: BTreeSet<_> = done.taken.iter().collect();
    ensure!(ids.len() == done.requests, "{} creates were given {} ids", done.requests, ids.len());
    Ok((done.requests, done.per_second()))
}

fn syncs(bench: &Bench) -> Result<Row> {
    let what = format!("creates that share a sync, {CREATORS} creators");
    let goal = |value| Some(Goal::at_least(2.0, " creates a sync", value));
    let Some(service) = bench.workshop.traced_host("creators-traced", bench.plan.middle)? else {
        return Ok(Row::alone(what, "not measured: strace is missing", goal(None)));
    };
    let counted = |each: usize| -> Result<(usize, usize)> {
        let server = service.start()?;
        server.connect()?.ask(&requests::create(0))?;
        let creates = if each > 0 { burst(&server, each)?.0 } else { 0 };
        server.stop()?;
        Ok((creates, count_syncs(&service.folder().join("syncs"))?))
    };
    let (_, before) = counted(0)?;
    let (creates, with_burst) = counted(OURS)?;
    let syncs = with_burst.saturating_sub(before);
    let each = (syncs > 0).then(|| creates as f64 / syncs as f64);
    let ours = match each {
        Some(each) => format!("{creates} creates, {syncs} syncs: {each:.1} creates a sync"),
        None => format!("{creates} creates, no sync at all"),
    };
    Ok(Row::alone(what, ours, goal(Some(each.unwrap_or(0.0)))))
}

/// Calls in strace's output: a line that only tells how one ended has no bracket behind the name.
fn count_syncs(path: &Path) -> Result<usize> {
    let text = std::fs::read_to_string(path).context("strace has written nothing")?;
    Ok(text.lines().filter(|line| line.contains("fdatasync(") || line.contains(" fsync(")).count())
}
