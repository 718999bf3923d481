//! `docs/benchmarks.md`: made from a run, no number in it is typed by hand.

use super::table::{Goal, Row, Table};

/// What was measured, as a document.
pub(crate) struct Document<'a> {
    pub(crate) quick: bool,
    pub(crate) facts: &'a [(&'static str, String)],
    pub(crate) tables: &'a [Table],
    pub(crate) missing: &'a [&'static str],
    pub(crate) minutes: f64,
}

const INTRODUCTION: &str = "# Benchmarks

What a user of the service waits for, measured over HTTP on loopback: ours, the Python service that it
replaces, nginx with the same bytes and a bare axum handler, side by side in one run. This page is written by
the command below; no number in it is typed by hand.
";

const COMMAND: &str = "
It builds in release mode, starts every server itself on a free port of the loopback address, ends them, and
takes about as long as this run: ";

const NEEDS: &str = "
Beside Rust it uses Debian's packages `nginx-light` and `strace`, and `cargo xtask python` for the Python
service. Without one of them its column says so and the rest is measured. `--quick` uses smaller sizes,
`--skip-python` leaves the Python service out. Linux only: memory and times of processes come from `/proc`.

Every value is the median, with the smallest, the largest and the number of measurements. Servers that are
compared are asked in turns, so that whatever else the machine does meets all of them alike. The client is
blocking, with one connection and one buffer per thread, and runs on the same cores as the servers. Ours logs
warnings to the console, the Python service errors; both keep idle connections for 120 s and have the demo's
credentials. A defect has about 610 bytes, as our own store writes it; the data are the same in every run.
";

const REMARKS: &str = "
## What these numbers do not say

- Everything is on one machine: there is no network, and client and server share the cores.
- Files are in the page cache. After a restart of the machine the first list waits for the disk.
- How long a sync takes is the disk's matter: the machine's table has it for this one. A virtual disk may
  answer before the data are on anything that survives a loss of power.
- nginx only sends a file. Ours reads the lines, looks at them and writes the answer anew each time.
- The Python service does not sync its writes and rewrites the file in place; a part of its time for each
  request is the check of the password.
- A few runs on one machine show large differences, not those of a few percent.
";

impl Document<'_> {
    pub(crate) fn render(&self) -> String {
        let command = if self.quick { "cargo xtask bench --quick" } else { "cargo xtask bench" };
        let mut text = format!("{INTRODUCTION}\n```console\n{command} --markdown docs/benchmarks.md\n```\n");
        text.push_str(&format!("{COMMAND}{:.0} minutes.\n{NEEDS}", self.minutes.max(1.0)));
        if self.quick {
            text.push_str("\n**This was a quick run with small sizes: the goals are not about these numbers.**\n");
        }
        for missing in self.missing {
            text.push_str(&format!("\n**Not everything was measured: {missing}.**\n"));
        }
        text.push_str("\n## The machine\n\n| | |\n| --- | --- |\n");
        for (name, fact) in self.facts {
            text.push_str(&format!("| {name} | {fact} |\n"));
        }
        text.push_str(&format!("\n## Goals\n\n{}\n", self.summary()));
        for table in self.tables {
            text.push_str(&format!("\n## {}\n\n{}\n{}\n", table.title, table.render(), table.how));
        }
        text.push_str(REMARKS);
        text
    }

    /// Which goals were met, and by name which were not.
    pub(crate) fn summary(&self) -> String {
        let goals: Vec<(&Row, &Goal)> = self
            .tables
            .iter()
            .flat_map(|table| &table.rows)
            .filter_map(|row| row.goal.as_ref().map(|goal| (row, goal)))
            .collect();
        let with = |met: Option<bool>| goals.iter().filter(move |(_, goal)| goal.met == met);
        let mut text = format!("{} of {} goals are met.", with(Some(true)).count(), goals.len());
        for (met, word) in [(Some(false), "Missed"), (None, "Not measured")] {
            let names: Vec<_> = with(met).map(|(row, goal)| format!("{} ({})", row.what, goal.text)).collect();
            if !names.is_empty() {
                text.push_str(&format!(" {word}: {}.", names.join("; ")));
            }
        }
        text
    }
}
