//! The operations on single defects and on batches: what they cost at several sizes.

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::bench::load::Connection;
use crate::bench::requests;
use crate::bench::series::{Measured, Turn, count, interleave, time};
use crate::bench::servers::{Server, Service};
use crate::bench::table::{Goal, Other, Row, Table, divide, median, show};

pub(crate) const TITLE: &str = "Single defects and batches";

/// Defects of a batch.
pub(crate) const BATCH: u64 = 100;
/// How often our own is asked in a turn; slow ones less often, see [`TURN_SECONDS`].
const PER_TURN: usize = 10;
const TURN_SECONDS: f64 = 1.0;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Extended,
    Batch,
}

impl Operation {
    pub(crate) const ALL: [Self; 5] = [Self::Create, Self::Update, Self::Delete, Self::Extended, Self::Batch];

    pub(crate) fn name(self) -> String {
        match self {
            Self::Create => "create".to_owned(),
            Self::Update => "update".to_owned(),
            Self::Delete => "delete".to_owned(),
            Self::Extended => "extended".to_owned(),
            Self::Batch => format!("batch of {BATCH}"),
        }
    }

    /// What every good answer says, and how often: a defect that is not found is answered with 200 too.
    fn says(self) -> (&'static str, usize) {
        match self {
            Self::Create => ("INSERT_SUCCESS", 1),
            Self::Update | Self::Delete => ("PUBLISH_SUCCESS", 1),
            Self::Extended => (r#""attributes":"#, 1),
            Self::Batch => ("IMPORT_SUCCESS", BATCH as usize),
        }
    }

    /// How much faster than the Python service it is to be.
    fn goal(self) -> Option<f64> {
        match self {
            Self::Update | Self::Extended => Some(100.0),
            Self::Batch => Some(50.0),
            Self::Create | Self::Delete => None,
        }
    }
}

/// A server with so many defects, and a connection to it. Every request is about other defects.
pub(crate) struct Asked {
    connection: Connection,
    defects: u64,
    asked: u64,
}

impl Asked {
    pub(crate) fn new(server: &Server, defects: u64) -> Result<Self> {
        Ok(Self { connection: server.connect()?, defects, asked: 0 })
    }

    /// An even number, and spread over the whole file: no index gives one twice before all were given,
    /// because 7919 is a prime that divides no size. The odd ones are for deletes.
    fn number(&self, index: u64) -> u64 {
        2 * ((index * 7919) % (self.defects / 2)) + 2
    }

    /// Does it once, and gives the seconds that it took.
    pub(crate) fn once(&mut self, operation: Operation) -> Result<f64> {
        self.asked += 1;
        let request = match operation {
            Operation::Create => requests::create(self.asked),
            Operation::Update => requests::update(self.number(self.asked), self.asked),
            Operation::Delete => requests::delete(self.number(self.asked) - 1),
            Operation::Extended => requests::extended(self.number(self.asked)),
            Operation::Batch => {
                let ids = (0..BATCH).map(|step| self.number(self.asked * BATCH + step));
                requests::batch(&ids.collect::<Vec<_>>())
            }
        };
        let (answer, body) = self.connection.ask(&request)?;
        let (text, times) = operation.says();
        // The Python service puts a space behind a colon.
        let said = String::from_utf8_lossy(body).replace(r#"": "#, r#"":"#).matches(text).count();
        let begin = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        ensure!(said == times, "{}: {said} times `{text}` in the answer {begin}", operation.name());
        Ok(answer.time.as_secs_f64())
    }

    /// Does it several times.
    pub(crate) fn turn(&mut self, operation: Operation) -> Result<Vec<f64>> {
        let mut values = Vec::new();
        while values.len() < PER_TURN && values.iter().sum::<f64>() < TURN_SECONDS {
            values.push(self.once(operation)?);
        }
        Ok(values)
    }
}

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let sizes = [bench.plan.small, bench.plan.middle, bench.plan.large];
    let start = |size: u64| bench.workshop.host(&format!("operations-ours-{size}"), size)?.start();
    let servers = [start(sizes[0])?, start(sizes[1])?, start(sizes[2])?];
    let python = bench.workshop.python("operations-python", bench.plan.middle)?;
    let python = python.as_ref().map(Service::start).transpose()?;
    let ask = |index: usize| Asked::new(&servers[index], sizes[index]);
    let mut ours = [ask(0)?, ask(1)?, ask(2)?];
    let mut python = python.as_ref().map(|server| Asked::new(server, bench.plan.middle)).transpose()?;
    let (mut flat, mut compared) = (Vec::new(), Vec::new());
    for operation in Operation::ALL {
        let [small, middle, large, python] = all_sizes(bench, operation, &mut ours, python.as_mut());
        let growth = divide(median(&large), median(&small));
        let all = [&small, &middle, &large].map(|measured| show(measured, time)).join("; ");
        let mut row = Row::alone(
            format!("{} at {}", operation.name(), sizes.map(count).join("; ")),
            all,
            Some(Goal::at_most(2.0, "x from the smallest to the largest", growth)),
        );
        row.ratio = growth.map(crate::bench::series::ratio).unwrap_or_default();
        flat.push(row);
        let what = format!("{} at {}", operation.name(), count(bench.plan.middle));
        let other = Other { name: "Python", measured: &python };
        compared.push(Row::faster(what, &middle, &other, time, |ratio| {
            operation.goal().map(|goal| Goal::at_least(goal, "x faster", ratio))
        }));
    }
    flat.extend(compared);
    let how = "One request after the other over one connection, each about other defects spread over the file, in \
               turns over all sizes and the Python service. The first request of each kind is not counted. Writes are \
               answered when they are on stable storage; the Python service does not sync. It checks the password anew \
               for every request, which is part of its times."
        .to_owned();
    Ok(Table { title: TITLE.to_owned(), how, rows: flat })
}

/// Ours at each size, then the Python service.
fn all_sizes(
    bench: &Bench,
    operation: Operation,
    [small, middle, large]: &mut [Asked; 3],
    python: Option<&mut Asked>,
) -> [Measured; 4] {
    let turn = |asked: &mut Asked, cold: &mut bool| {
        if std::mem::take(cold) {
            asked.once(operation)?;
        }
        asked.turn(operation)
    };
    let ours = |asked| Turn::of(Some((asked, true)), move |(asked, cold): &mut (&mut Asked, bool)| turn(asked, cold));
    let python = Turn::of(python.map(|asked| (asked, true)), |(asked, cold)| {
        if std::mem::take(cold) {
            asked.once(operation)?;
        }
        Ok(vec![asked.once(operation)?])
    });
    interleave(bench.plan.rounds, bench.plan.budget, [ours(small), ours(middle), ours(large), python])
}
