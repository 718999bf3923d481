//! Whatever happens to the benchmark, nothing that it started goes on: a second process knows all process
//! groups and kills those that are left when the benchmark's end of the pipe closes. `Drop` alone is not
//! enough: ctrl-c and SIGKILL run none.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

/// The benchmark's end of the pipe.
pub(crate) struct Reaper(Mutex<ChildStdin>);

impl Reaper {
    pub(crate) fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        // A group of its own: ctrl-c must not end it before its work is done.
        command.arg("reaper").process_group(0).stdin(Stdio::piped()).stdout(Stdio::null());
        let child = command.spawn().context("the process that cleans up cannot be started")?;
        Ok(Self(Mutex::new(child.stdin.context("it has a pipe")?)))
    }

    /// Takes responsibility for a process group.
    pub(crate) fn add(&self, group: u32) -> Result<()> {
        writeln!(self.0.lock().unwrap_or_else(PoisonError::into_inner), "+{group}")?;
        Ok(())
    }

    /// The group is gone; its number may soon be another's.
    pub(crate) fn release(&self, group: u32) {
        let _ = writeln!(self.0.lock().unwrap_or_else(PoisonError::into_inner), "-{group}");
    }
}

/// The second process: reads groups until the pipe closes, then kills what is left.
pub(crate) fn reap() -> Result<()> {
    let mut groups = BTreeSet::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match line.split_at_checked(1) {
            Some(("+", group)) => drop(groups.insert(group.parse::<u32>()?)),
            Some(("-", group)) => drop(groups.remove(&group.parse::<u32>()?)),
            _ => {}
        }
    }
    for group in groups {
        signal_group(group, Signal::KILL);
    }
    Ok(())
}

/// Sends a signal to all processes of a group. One that is gone is no error.
pub(crate) fn signal_group(group: u32, signal: Signal) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}
