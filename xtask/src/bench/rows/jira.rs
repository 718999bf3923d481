//! Jira: ours and the Python service, each over a fake of its own with 20 ms for every request.

use std::cell::RefCell;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::bench::load::Connection;
use crate::bench::process::Process;
use crate::bench::requests;
use crate::bench::rows::memory::mib;
use crate::bench::series::{Measured, Series, Turn, count, interleave, time};
use crate::bench::servers::Server;
use crate::bench::table::{Goal, Other, Row, Table, divide, median, show};

pub(crate) const TITLE: &str = "Jira";

/// What each request to Jira takes at least, in milliseconds.
const LATENCY_MS: u64 = 20;
const ISSUES: u64 = 1_000;
const BATCH: u64 = 100;
/// Defects that `correct` looks at.
const CORRECTED: usize = 10;
/// As with the lists of the JSONL plugin.
const LIMIT_MIB: f64 = 16.0;
const PROJECT: &str = "/projects/Shop%20App%20(SHOP)";

#[derive(Clone, Copy)]
enum Operation {
    List,
    Batch,
    Create,
    Update,
    Correct,
}

impl Operation {
    const ALL: [Self; 5] = [Self::List, Self::Batch, Self::Create, Self::Update, Self::Correct];

    fn name(self) -> String {
        match self {
            Self::List => format!("list of {}", count(ISSUES)),
            Self::Batch => format!("batch of {BATCH}"),
            Self::Create => "create with a transition".to_owned(),
            Self::Update => "update of the title".to_owned(),
            Self::Correct => format!("correct {CORRECTED} defects"),
        }
    }

    fn request(self, turn: u64) -> Vec<u8> {
        let context =
            json!({ "statusAttribute": "status", "priorityAttribute": "priority", "classAttribute": "issuetype" });
        let send = |method: &str, path: &str, body: &Value| {
            requests::json(method, &format!("{PROJECT}/defects{path}"), &body.to_string())
        };
        match self {
            Self::List => send("POST", "", &context),
            Self::Batch => {
                let first = (turn * BATCH) % ISSUES;
                let ids: Vec<_> = (1..=BATCH).map(|step| format!("SHOP-{}", first + step)).collect();
                send("POST", "/batch", &json!({ "defectIds": ids, "syncContext": context }))
            }
            Self::Create => {
                let new = defect(&format!("New {turn}"), "In Progress");
                send("POST", "/create", &json!({ "defect": new, "syncContext": context }))
            }
            // It is open: no transition.
            Self::Update => {
                let changed = defect(&format!("Changed {turn}"), "Open");
                send("PUT", "/SHOP-1/update", &json!({ "defect": changed, "syncContext": context }))
            }
            Self::Correct => {
                let mut new = defect("New", "Open");
                new["localPk"] = json!("1");
                send("POST", "/correct", &json!({ "remote": { "create": vec![new; CORRECTED] } }))
            }
        }
    }

    /// What every good answer says, and how often.
    fn says(self) -> (&'static str, usize) {
        match self {
            Self::List => (r#""id":"SHOP-"#, ISSUES as usize),
            Self::Batch => (r#""id":"SHOP-"#, BATCH as usize),
            Self::Create => ("INSERT_SUCCESS", 1),
            Self::Update => ("PUBLISH_SUCCESS", 1),
            Self::Correct => (r#""localPk":"#, CORRECTED),
        }
    }

    /// How many times faster than the Python service it is to be.
    fn faster(self) -> Option<f64> {
        match self {
            Self::List => Some(2.0),
            Self::Batch => Some(10.0),
            Self::Create | Self::Update | Self::Correct => None,
        }
    }

    /// Of its requests to Jira.
    fn goal(self, ours: Option<f64>, ratio: Option<f64>) -> Option<Goal> {
        match self {
            Self::Batch => Some(Goal::at_most(3.0, " requests", ours)),
            Self::Create => Some(Goal::at_most(0.5, "x the Python service's", ratio)),
            Self::List | Self::Update | Self::Correct => None,
        }
    }
}

fn defect(title: &str, status: &str) -> Value {
    json!({
        "title": title, "description": "What happened\nin two lines", "reporter": null, "status": status,
        "classification": "Bug", "priority": "High", "userDefinedFields": [], "lastEdited": "2026-01-31T12:00:00Z",
        "references": [], "principal": { "username": "", "password": "" }
    })
}

/// A service, and the fake that it asks.
struct Asked {
    service: Connection,
    fake: Connection,
    turn: u64,
    // They end with it.
    _servers: [Server; 2],
}

impl Asked {
    fn new(service: Server, fake: Server) -> Result<Self> {
        Ok(Self { service: service.connect()?, fake: fake.connect()?, turn: 0, _servers: [service, fake] })
    }

    /// Does it once: the seconds that it took, and its requests to Jira.
    fn once(&mut self, operation: Operation) -> Result<(f64, f64)> {
        self.turn += 1;
        let before = self.requests()?;
        let (answer, body) = self.service.ask(&operation.request(self.turn))?;
        let seconds = answer.time.as_secs_f64();
        // The Python service puts a space behind a colon.
        let (text, times) = operation.says();
        let body = String::from_utf8_lossy(body).replace(r#"": "#, r#"":"#);
        let said = body.matches(text).count();
        ensure!(said == times, "{}: {said} times `{text}` in {:.200}", operation.name(), body);
        Ok((seconds, self.requests()? - before))
    }

    fn requests(&mut self) -> Result<f64> {
        let (_, body) = self.fake.ask(&requests::get("/__fake__/count"))?;
        let counted: Value = serde_json::from_slice(body)?;
        counted["count"].as_f64().context("the fake does not count")
    }
}

pub(crate) fn measure(bench: &Bench) -> Result<Table> {
    let mut rows = Vec::new();
    for product in ["cloud", "dc"] {
        let shown = if product == "cloud" { "Cloud" } else { "Data Center" };
        let fake = |whose: &str| {
            bench.workshop.jira_fake(&format!("jira-{product}-{whose}"), product, ISSUES, LATENCY_MS)?.start()
        };
        let own_fake = fake("ours")?;
        let service = bench.workshop.host_of_jira(&format!("jira-host-{product}"), product, own_fake.port())?;
        let mut ours = Asked::new(service.start()?, own_fake)?;
        let mut python = match &bench.workshop.programs.python {
            None => None,
            Some(_) => {
                let fake = fake("python")?;
                let service = bench.workshop.python_of_jira(&format!("jira-python-{product}"), product, fake.port())?;
                service.map(|service| Asked::new(service.start()?, fake)).transpose()?
            }
        };
        // The list first: creates would make it longer.
        for operation in Operation::ALL {
            rows.extend(compared(bench, operation, shown, &mut ours, python.as_mut()));
        }
    }
    for product in ["cloud", "dc"] {
        rows.push(memory(bench, product)?);
    }
    let how = format!(
        "A fake of each kind of Jira, {LATENCY_MS} ms for every request, each service with one of its own. One request \
         after the other, in turns; the first of each kind, which asks for metadata, is not counted. `requests` are \
         those that Jira got. Extra peak as with the other lists, of a project of {} issues and without latency.",
        count(bench.plan.large)
    );
    Ok(Table { title: TITLE.to_owned(), how, rows })
}

/// The time of an operation, and its requests.
fn compared(
    bench: &Bench,
    operation: Operation,
    shown: &str,
    ours: &mut Asked,
    python: Option<&mut Asked>,
) -> [Row; 2] {
    let asked = [RefCell::new(Vec::new()), RefCell::new(Vec::new())];
    let turn = |asked: &mut Asked, cold: &mut bool, requests: &RefCell<Vec<f64>>| {
        if std::mem::take(cold) {
            asked.once(operation)?;
        }
        let (seconds, sent) = asked.once(operation)?;
        requests.borrow_mut().push(sent);
        Ok(vec![seconds])
    };
    let turns = [
        Turn::of(Some((ours, true)), |(ours, cold)| turn(ours, cold, &asked[0])),
        Turn::of(python.map(|python| (python, true)), |(python, cold)| turn(python, cold, &asked[1])),
    ];
    let times = interleave(bench.plan.rounds, bench.plan.budget, turns);
    let requests: [Measured; 2] = std::array::from_fn(|at| match &times[at] {
        Ok(_) => Ok(Series::from(asked[at].take())),
        Err(error) => Err(error.clone()),
    });
    let what = format!("{}, {shown}", operation.name());
    let other = Other { name: "Python", measured: &times[1] };
    let faster = Row::faster(&what, &times[0], &other, time, |ratio| {
        operation.faster().map(|goal| Goal::at_least(goal, "x faster", ratio))
    });
    let other = Other { name: "Python", measured: &requests[1] };
    let whole = |requests: f64| format!("{requests:.0}");
    let fewer = Row::relative(format!("requests of it, {shown}"), &requests[0], &other, whole, |_| {
        let ratio = divide(median(&requests[0]), median(&requests[1]));
        operation.goal(median(&requests[0]), ratio)
    });
    [faster, fewer]
}

/// What a long list takes beyond what the host has.
fn memory(bench: &Bench, product: &str) -> Result<Row> {
    let issues = bench.plan.large;
    let fake = bench.workshop.jira_fake(&format!("jira-{product}-large"), product, issues, 0)?.start()?;
    let service = bench.workshop.host_of_jira(&format!("jira-large-{product}"), product, fake.port())?;
    let list = Operation::List.request(0);
    let turn = Turn::new(|| {
        let server = service.start()?;
        let mut connection = server.connect()?;
        connection.ask(&Operation::Batch.request(0))?;
        let process = Process::of(&server);
        process.reset_peak()?;
        let before = process.resident()?;
        let answer = connection.download(&list)?;
        ensure!(answer.bytes > issues * 300, "a list of {issues} has {} bytes only", answer.bytes);
        Ok(vec![process.peak()?.saturating_sub(before) as f64])
    });
    let [measured] = interleave(bench.plan.rounds.min(3), bench.plan.budget, [turn]);
    let shown = if product == "cloud" { "Cloud" } else { "Data Center" };
    let goal = Goal::at_most(LIMIT_MIB, " MiB", median(&measured).map(|bytes| bytes / (1024.0 * 1024.0)));
    Ok(Row::alone(format!("extra peak, one list of {}, {shown}", count(issues)), show(&measured, mib), Some(goal)))
}
