//! What the kernel knows of a server's process.

use std::fs;

use anyhow::{Context, Result};

use super::servers::Server;

/// A process of Linux.
#[derive(Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn of(server: &Server) -> Self {
        Self(server.pid())
    }

    fn read(self, file: &str) -> Result<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.0)).with_context(|| format!("no `{file}` of the process"))
    }

    /// A line of `status` such as `VmRSS`, in bytes.
    fn status(self, key: &str) -> Result<u64> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        Ok(kib.with_context(|| format!("the kernel tells no `{key}`"))? * 1024)
    }

    /// Bytes in memory now, files that are mapped into it too.
    pub(crate) fn resident(self) -> Result<u64> {
        self.status("VmRSS")
    }

    /// Bytes in memory now that are no file's.
    pub(crate) fn anonymous(self) -> Result<u64> {
        self.status("RssAnon")
    }

    /// The most bytes in memory since the last [`Process::reset_peak`].
    pub(crate) fn peak(self) -> Result<u64> {
        self.status("VmHWM")
    }

    pub(crate) fn reset_peak(self) -> Result<()> {
        fs::write(format!("/proc/{}/clear_refs", self.0), "5").context("the peak of memory cannot be reset")
    }

    /// Seconds on a core so far, user and system, of all threads.
    pub(crate) fn cpu_seconds(self) -> Result<f64> {
        let stat = self.read("stat")?;
        // The second field is the program's name, in brackets; it may contain anything.
        let (_, fields) = stat.rsplit_once(") ").context("a `stat` without a name")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
        Ok(ticks / TICKS_PER_SECOND)
    }
}

/// Linux tells programs times in hundredths of a second, whatever it counts in itself.
const TICKS_PER_SECOND: f64 = 100.0;
