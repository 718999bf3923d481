//! From the start of the process to its first answer.

use anyhow::Result;

use crate::bench::Bench;
use crate::bench::requests;
use crate::bench::series::{Series, Turn, count, interleave, time};
use crate::bench::table::{Goal, Other, Row, Table, median, show};

pub(crate) const TITLE: &str = "Start";

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let defects = bench.plan.large;
    let ours = bench.workshop.host("start-ours", defects)?;
    let python = bench.workshop.python("start-python", defects)?;
    let (mut first_defects, mut after_kill) = (Vec::new(), Vec::new());
    let turns = [
        Turn::new(|| {
            let server = ours.start()?;
            let ready = server.ready_after.as_secs_f64();
            server.connect()?.ask(&requests::extended(defects / 2))?;
            first_defects.push(server.spawned.elapsed().as_secs_f64());
            server.connect()?.ask(&requests::update(defects / 2, 1))?;
            // SIGKILL; what is left behind is for the next start to clear up.
            drop(server);
            let server = ours.start()?;
            after_kill.push(server.ready_after.as_secs_f64());
            server.stop()?;
            Ok(vec![ready])
        }),
        Turn::of(python.as_ref(), |python| Ok(vec![python.start()?.ready_after.as_secs_f64()])),
    ];
    let [ready, python] = interleave(bench.plan.rounds, bench.plan.budget, turns);
    let (first_defect, after_kill) = (Ok(Series::from(first_defects)), Ok(Series::from(after_kill)));
    let python = Other { name: "Python", measured: &python };
    let seconds = |value| Some(Goal::at_most(0.3, " s", value));
    let what = format!("ready with {} defects on disk", count(defects));
    let mut row = Row::faster(&what, &ready, &python, time, |_| None);
    row.goal = seconds(median(&ready));
    let rows = vec![
        row,
        Row::alone(format!("{what}, after SIGKILL"), show(&after_kill, time), seconds(median(&after_kill))),
        Row::alone("start to the first defect read, with the first login", show(&first_defect, time), None),
    ];
    let how = "From making the process to the first 200 of `/readyz` (the Python service, which has none: of \
               `/settings`), asked for every half millisecond. The file is in the page cache. The last row is the \
               answer of the first `extended`, so that nothing is hidden that is only done when it is asked for."
        .to_owned();
    Ok(Table { title: TITLE.to_owned(), how, rows })
}
