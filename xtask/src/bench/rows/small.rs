//! Small answers: ours and what axum can do at best.

use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::bench::load::throughput;
use crate::bench::process::Process;
use crate::bench::requests;
use crate::bench::series::{Measured, Turn, interleave, rate, time};
use crate::bench::servers::Server;
use crate::bench::table::{Goal, Other, Row, Table};

pub(crate) const TITLE: &str = "Small answers";

const CONNECTIONS: usize = 16;
const TURN: Duration = Duration::from_secs(10);

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let ours = bench.workshop.host("small-ours", bench.plan.small)?.start()?;
    let body = |path: &str| -> Result<Vec<u8>> { Ok(ours.connect()?.ask(&requests::get(path))?.1.to_vec()) };
    let bare = bench.workshop.bare_axum(&body("/settings")?, &body("/projects")?)?.start()?;
    let mut rows = Vec::new();
    for (path, what, goal) in [("/settings", "GET /settings", 0.8), ("/projects", "authenticated GET /projects", 0.5)] {
        let (ours, bare) = side_by_side(bench, &ours, &bare, path)?;
        let rates = Other { name: "bare axum", measured: &bare.0 };
        let row = Row::relative(what, &ours.0, &rates, rate, |ratio| Some(Goal::at_least(goal, "x its rate", ratio)));
        rows.push(row);
        let costs = Other { name: "bare axum", measured: &bare.1 };
        rows.push(Row::relative(format!("{what}: the server's CPU time"), &ours.1, &costs, time, |_| None));
    }
    let how = format!(
        "{CONNECTIONS} connections, {} requests in a turn, one after the other over each connection. The bare axum \
         handler answers with the same bytes, without looking at credentials; same tokio settings, same release \
         profile. The client runs on the same cores, which brings the rates closer to each other; the CPU time a \
         request costs the server (user and system, from /proc) leaves it out.",
        bench.plan.requests
    );
    Ok(Table { title: TITLE.to_owned(), how, rows })
}

/// Rate, and CPU seconds of a request, of both.
fn side_by_side(
    bench: &Bench,
    ours: &Server,
    bare: &Server,
    path: &str,
) -> Result<((Measured, Measured), (Measured, Measured))> {
    let request = requests::get(path);
    let (mut our_costs, mut bare_costs) = (Vec::new(), Vec::new());
    let turn = |server: &Server, costs: &mut Vec<f64>| {
        let process = Process::of(server);
        let before = process.cpu_seconds()?;
        let each = bench.plan.requests.div_ceil(CONNECTIONS);
        let done = throughput(server.port(), CONNECTIONS, each, TURN, &request, &|_| Ok(None))?;
        costs.push((process.cpu_seconds()? - before) / done.requests as f64);
        Ok(vec![done.per_second()])
    };
    // Logs in, and warms up.
    turn(ours, &mut Vec::new())?;
    turn(bare, &mut Vec::new())?;
    let turns = [Turn::new(|| turn(ours, &mut our_costs)), Turn::new(|| turn(bare, &mut bare_costs))];
    let [our_rates, bare_rates] = interleave(bench.plan.rounds, bench.plan.budget, turns);
    Ok(((our_rates, Ok(our_costs.into())), (bare_rates, Ok(bare_costs.into()))))
}
