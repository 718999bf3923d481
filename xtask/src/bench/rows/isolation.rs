//! What a plugin in a process of its own costs, beside the same plugin in the host's.

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::bench::load::Connection;
use crate::bench::requests;
use crate::bench::series::{Turn, count, interleave, time};
use crate::bench::table::{Goal, Other, Row, Table, median};

pub(crate) const TITLE: &str = "A plugin in a process of its own";

/// Small calls in one turn.
const CALLS: usize = 200;

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let defects = bench.plan.large;
    let (here, apart) =
        (bench.workshop.host("isolation-none", defects)?, bench.workshop.isolated_host("isolation-process", defects)?);
    let (here, apart) = (here.start()?, apart.start()?);
    let (mut here, mut apart) = (here.connect()?, apart.connect()?);
    let mut rows = Vec::new();
    for (what, request) in [("GET /projects", requests::get("/projects")), ("extended", requests::extended(1))] {
        let small = |connection: &mut Connection| -> Result<Vec<f64>> {
            (0..CALLS).map(|_| Ok(connection.ask(&request)?.0.time.as_secs_f64())).collect()
        };
        // Logs in, and warms up.
        small(&mut here)?;
        small(&mut apart)?;
        let turns = [Turn::new(|| small(&mut apart)), Turn::new(|| small(&mut here))];
        let [apart, here] = interleave(bench.plan.rounds, bench.plan.budget, turns);
        let added = median(&apart).zip(median(&here)).map(|(apart, here)| (apart - here) * 1e6);
        let here = Other { name: "in the host's", measured: &here };
        rows.push(Row::relative(what, &apart, &here, time, |_| Some(Goal::at_most(100.0, " µs more", added))));
    }
    let list = requests::list();
    let bytes = here.download(&list)?.bytes;
    let download = |connection: &mut Connection| {
        let answer = connection.download(&list)?;
        ensure!(answer.bytes == bytes, "a list has {} bytes instead of {bytes}", answer.bytes);
        Ok(vec![answer.time.as_secs_f64()])
    };
    download(&mut apart)?;
    let turns = [Turn::new(|| download(&mut apart)), Turn::new(|| download(&mut here))];
    let [apart, here] = interleave(bench.plan.rounds * 2, bench.plan.budget, turns);
    let here = Other { name: "in the host's", measured: &here };
    rows.push(Row::relative(format!("list {} defects", count(defects)), &apart, &here, time, |ratio| {
        Some(Goal::at_most(1.5, "x", ratio))
    }));
    let how = format!(
        "Two hosts over the same data, one of them with `isolation = \"process\"`, in turns of {CALLS} small calls, one \
         after the other over one connection; then the whole list of {} bytes. A call's time is that until the end of \
         its answer.",
        count(bytes)
    );
    Ok(Table { title: TITLE.to_owned(), how, rows })
}
