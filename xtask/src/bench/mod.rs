//! `cargo xtask bench`: what a user of the service waits for, beside what else could serve him. Everything
//! goes through the HTTP API, so that it stays the same when the code behind it changes.

mod data;
mod document;
mod jira;
mod load;
mod machine;
mod process;
mod reaper;
mod requests;
mod rows;
mod series;
mod servers;
mod table;

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::shell::{self, cargo, find, say, target};
use document::Document;
use servers::{Programs, Workshop};
use table::Table;

pub(crate) use reaper::reap;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Small sizes and few rounds: shows that everything works, says little about speed
    #[arg(long)]
    quick: bool,
    /// Leave the Python service out
    #[arg(long)]
    skip_python: bool,
    /// Write the document to this file, such as `docs/benchmarks.md`
    #[arg(long, value_name = "PATH")]
    markdown: Option<PathBuf>,
    /// Measure only the subjects whose titles contain this
    #[arg(long, value_name = "TEXT", conflicts_with = "markdown")]
    only: Option<String>,
}

/// How much is measured. Everything is bounded: by rounds, and by the time that one server may take.
struct Plan {
    small: u64,
    middle: u64,
    large: u64,
    huge: u64,
    rounds: usize,
    /// For all turns of one server at one row.
    budget: Duration,
    /// In one turn, for small answers.
    requests: usize,
}

impl Plan {
    const FULL: Self = Self {
        small: 1_000,
        middle: 10_000,
        large: 100_000,
        huge: 1_000_000,
        rounds: 7,
        budget: Duration::from_secs(60),
        requests: 40_000,
    };
    const QUICK: Self = Self {
        small: 1_000,
        middle: 2_000,
        large: 10_000,
        huge: 50_000,
        rounds: 3,
        budget: Duration::from_secs(10),
        requests: 4_000,
    };
}

struct Bench {
    plan: Plan,
    workshop: Workshop,
}

type Subject = (&'static str, fn(&Bench) -> Result<Table>);

const SUBJECTS: [Subject; 11] = [
    (rows::list::TITLE, rows::list::measure),
    (rows::operations::TITLE, rows::operations::measure),
    (rows::creators::TITLE, rows::creators::measure),
    (rows::small::TITLE, rows::small::measure),
    (rows::start::TITLE, rows::start::measure),
    (rows::hook::TITLE, rows::hook::measure),
    (rows::memory::TITLE, rows::memory::measure),
    (rows::isolation::TITLE, rows::isolation::measure),
    (rows::growth::TITLE, rows::growth::measure),
    (rows::jira::TITLE, rows::jira::measure),
    (rows::flood::TITLE, rows::flood::measure),
];

/// Builds everything in release mode, the client too, and measures.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if cfg!(debug_assertions) {
        shell::run(&mut cargo(&["build", "--release", "--workspace", "--locked"]))?;
        shell::run(&mut cargo(&["build", "--release", "--locked", "--package", "xtask", "--example", "bare-axum"]))?;
        let mut itself = Command::new(target()?.join("release/xtask"));
        // In the place of this process: whoever ends it ends the benchmark.
        return Err(itself.args(std::env::args_os().skip(1)).exec()).context("the benchmark cannot be started");
    }
    let begun = Instant::now();
    let bench = prepare(arguments)?;
    let missing = bench.workshop.programs.missing();
    missing.iter().for_each(|missing| say(missing));
    let facts = machine::facts(&bench.workshop.programs, &bench.workshop.folder);
    for (name, fact) in &facts {
        say(&format!("{name}: {fact}"));
    }
    let mut tables = Vec::new();
    for (title, measure) in SUBJECTS {
        if arguments.only.as_ref().is_some_and(|only| !title.to_lowercase().contains(&only.to_lowercase())) {
            continue;
        }
        let table = measure(&bench).unwrap_or_else(|error| Table::failed(title, &error));
        say(&format!("\n{} ({:.0} s so far)\n\n{}", table.title, begun.elapsed().as_secs_f64(), table.render()));
        tables.push(table);
    }
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    let document = Document { quick: arguments.quick, facts: &facts, tables: &tables, missing: &missing, minutes };
    say(&document.summary());
    if arguments.quick {
        say("This was a quick run with small sizes: the goals are not about these numbers.");
    }
    if let Some(path) = &arguments.markdown {
        std::fs::write(path, document.render()).with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    // Some gigabytes.
    std::fs::remove_dir_all(&bench.workshop.folder)?;
    Ok(())
}

fn prepare(arguments: &Arguments) -> Result<Bench> {
    let target = target()?;
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)?;
    let python = target.join("python/bin/testbench-defect-service");
    let programs = Programs {
        host: target.join("release/defect-host"),
        bare_axum: target.join("release/examples/bare-axum"),
        jira_fake: target.join("release/jira-fake"),
        // Written last when it is installed.
        python: (target.join("python/complete").exists() && !arguments.skip_python).then_some(python),
        nginx: find("nginx"),
        strace: find("strace"),
    };
    let reaper = Arc::new(reaper::Reaper::start()?);
    let plan = if arguments.quick { Plan::QUICK } else { Plan::FULL };
    Ok(Bench { plan, workshop: Workshop { folder, programs, reaper } })
}
