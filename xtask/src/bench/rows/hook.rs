//! Others' requests while a synchronisation's command runs.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::bench::requests;
use crate::bench::series::{Series, Turn, interleave, time};
use crate::bench::servers::{HOOK, Server, Service};
use crate::bench::table::{Goal, Other, Row, Table, show};

pub(crate) const TITLE: &str = "During a slow sync hook";

/// When the other requests begin, after the hook did.
const HEAD_START: Duration = Duration::from_millis(200);

/// Between two requests.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let ours = bench.workshop.host("hook-ours", bench.plan.middle)?.start()?;
    let python = bench.workshop.python("hook-python", bench.plan.middle)?;
    let python = python.as_ref().map(Service::start).transpose()?;
    let projects = ours.connect()?.ask(&requests::get("/projects"))?.1.to_vec();
    let bare = bench.workshop.bare_axum(b"{}", &projects)?.start()?;
    let mut same_moments = Vec::new();
    let turns = [
        Turn::new(|| {
            let (values, bare) = during_hook(&ours, &bare)?;
            same_moments.extend(bare);
            Ok(values)
        }),
        Turn::of(python.as_ref(), |python| Ok(during_hook(python, &bare)?.0)),
    ];
    let [ours, python] = interleave(bench.plan.rounds.min(3), bench.plan.budget, turns);
    let slowest = ours.as_ref().ok().and_then(Series::max);
    let python = Other { name: "Python", measured: &python };
    let mut row = Row::faster("GET /projects during the hook", &ours, &python, time, |_| None);
    row.goal = Some(Goal::at_most(10.0, " ms, the slowest one", slowest.map(|seconds| seconds * 1e3)));
    let same_moments = Ok(Series::from(same_moments));
    let machine =
        Row::alone("a bare axum handler, without a hook, at the same moments", show(&same_moments, time), None);
    let how = format!(
        "The command of `sync/before` sleeps for {} s; from {} ms on, another connection asks for `/projects`, ten \
         times a second, until the hook's answer is due. 50 ms after each, a bare axum handler in a process of its \
         own is asked, too: what it takes there is the machine's.",
        HOOK.as_secs(),
        HEAD_START.as_millis()
    );
    Ok(Table { title: TITLE.to_owned(), how, rows: vec![row, machine] })
}

/// What the others' requests took, and those to the server beside.
fn during_hook(server: &Server, beside: &Server) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut hook, mut other, mut beside) = (server.connect()?, server.connect()?, beside.connect()?);
    let projects = requests::get("/projects");
    // Logs in.
    other.ask(&projects)?;
    std::thread::scope(|scope| {
        let begun = Instant::now();
        let running = scope.spawn(move || -> Result<Duration> {
            let (answer, body) = hook.ask(&requests::before_sync())?;
            let body = String::from_utf8_lossy(body);
            ensure!(body.contains("PUBLISH_SUCCESS"), "the hook went wrong: {body}");
            Ok(answer.time)
        });
        std::thread::sleep(HEAD_START);
        let (mut values, mut control) = (Vec::new(), Vec::new());
        while begun.elapsed() + HEAD_START < HOOK {
            values.push(other.ask(&projects)?.0.time.as_secs_f64());
            // After a pause of its own, so that the machine is as idle as before ours.
            std::thread::sleep(PAUSE);
            control.push(beside.ask(&projects)?.0.time.as_secs_f64());
            std::thread::sleep(PAUSE);
        }
        let took = running.join().map_err(|_| anyhow::anyhow!("the hook's thread panicked"))??;
        ensure!(took >= HOOK, "the hook ran for {took:?} only");
        Ok((values, control))
    })
}
