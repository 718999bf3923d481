//! What becomes of everything when there are ten times as many defects as anybody was promised.

use anyhow::Result;

use super::memory::{extra_of_a_list, mib};
use super::operations::{Asked, Operation};
use crate::bench::Bench;
use crate::bench::process::Process;
use crate::bench::requests;
use crate::bench::series::{Turn, count, interleave, ratio, time};
use crate::bench::servers::Service;
use crate::bench::table::{Goal, Other, Row, Table, divide};

pub(crate) const TITLE: &str = "Growth";

/// Bytes of memory that the index may take for a defect.
const INDEX_LIMIT: f64 = 100.0;

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let (large, huge) = (bench.plan.large, bench.plan.huge);
    let services = [
        bench.workshop.host("growth-large", large)?,
        bench.workshop.host("growth-huge", huge)?,
        bench.workshop.host("growth-small", bench.plan.small)?,
    ];
    let [of_large, of_huge, of_small] = &services;
    let at_large = format!("at {}", count(large));
    let mut rows = Vec::new();
    let mut add = |what: String, turns: [Turn<'_>; 2], show: fn(f64) -> String| {
        let [large, huge] = interleave(bench.plan.rounds, bench.plan.budget, turns);
        rows.push(Row::relative(what, &huge, &Other { name: &at_large, measured: &large }, show, |_| None));
    };
    let ready = |service: &Service| Ok(vec![service.start()?.ready_after.as_secs_f64()]);
    add("ready".to_owned(), [Turn::new(|| ready(of_large)), Turn::new(|| ready(of_huge))], time);
    let extra = |service: &Service, defects| Ok(vec![extra_of_a_list(service, defects)?.0]);
    add(
        "extra peak memory of a list".to_owned(),
        [Turn::new(|| extra(of_large, large)), Turn::new(|| extra(of_huge, huge))],
        mib,
    );
    let (server_large, server_huge) = (of_large.start()?, of_huge.start()?);
    let (mut asked_large, mut asked_huge) = (Asked::new(&server_large, large)?, Asked::new(&server_huge, huge)?);
    for operation in Operation::ALL {
        asked_large.once(operation)?;
        asked_huge.once(operation)?;
        let turns = [Turn::new(|| asked_large.turn(operation)), Turn::new(|| asked_huge.turn(operation))];
        add(operation.name(), turns, time);
    }
    let (mut list_large, mut list_huge) = (server_large.connect()?, server_huge.connect()?);
    let list = requests::list();
    let turns = [
        Turn::new(|| Ok(vec![list_large.download(&list)?.time.as_secs_f64()])),
        Turn::new(|| Ok(vec![list_huge.download(&list)?.time.as_secs_f64()])),
    ];
    add("list".to_owned(), turns, time);
    drop((server_large, server_huge));
    rows.push(memory_per_defect(bench, of_small, of_huge)?);
    let how = format!(
        "Ours with {} defects beside ours with {}, turn by turn, as in the tables above. Memory for each defect: \
         what a fresh process has (RssAnon) after one `extended` and one create, less the same with {} defects.",
        count(huge),
        count(large),
        count(bench.plan.small)
    );
    Ok(Table { title: format!("{TITLE} to {} defects", count(huge)), how, rows })
}

fn memory_per_defect(bench: &Bench, small: &Service, huge: &Service) -> Result<Row> {
    let in_use = |service: &Service| -> Result<u64> {
        let server = service.start()?;
        let mut connection = server.connect()?;
        connection.ask(&requests::extended(1_000.min(bench.plan.small)))?;
        connection.ask(&requests::create(1))?;
        Process::of(&server).anonymous()
    };
    let (few, many) = (in_use(small)?, in_use(huge)?);
    let more = bench.plan.huge - bench.plan.small;
    let each = many.saturating_sub(few) as f64 / more as f64;
    let mut row = Row::alone(
        "memory for each defect, for good",
        format!("{each:.0} bytes ({} in all)", mib(many as f64)),
        Some(Goal::at_most(INDEX_LIMIT, " bytes", Some(each))),
    );
    row.other = format!("at {}: {}", count(bench.plan.small), mib(few as f64));
    row.ratio = divide(Some(many as f64), Some(few as f64)).map(ratio).unwrap_or_default();
    Ok(row)
}
