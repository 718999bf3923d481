//! A client in a process that is started again when it ends.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use defect_plugin_api::Operation;
use serde_json::Value;

use super::Isolation;
use super::handle::{Process, Watch};
use crate::plugin::client::{Answer, CallError};

/// How long a call waits for a process that is being started again.
const PATIENCE: Duration = Duration::from_secs(1);
/// The first restart comes at once, the second after this, each further one after twice the time.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// After so long without an end, the next restart counts as the first.
const HEALTHY: Duration = Duration::from_secs(60);

/// What is needed to make the client again.
pub(in crate::plugin) struct Recipe {
    pub(in crate::plugin) plugin: String,
    pub(in crate::plugin) library: PathBuf,
    pub(in crate::plugin) class: String,
    pub(in crate::plugin) config: Value,
    pub(in crate::plugin) isolation: Isolation,
}

/// A client in a process of its own. Its process ends with it.
pub(in crate::plugin) struct Supervised(Arc<Shared>);

struct Shared {
    recipe: Recipe,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    phase: Phase,
    /// How many processes there were.
    run: u64,
}

enum Phase {
    Running(Arc<Process>),
    /// It has ended; another one is started at this time, unless it is being started already.
    Down {
        why: String,
        next: Instant,
    },
    /// Nobody needs it any more.
    Over,
}

impl Supervised {
    /// Looks after this process, in which the client was made.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(in crate::plugin) fn new(recipe: Recipe, process: Process) -> std::io::Result<Self> {
        let watch = process.watch();
        let state = State { phase: Phase::Running(Arc::new(process)), run: 0 };
        let shared = Arc::new(Shared { recipe, state: Mutex::new(state), changed: Condvar::new() });
        let supervised = Self(Arc::clone(&shared));
        std::thread::Builder::new().name("plugin-watch".to_owned()).spawn(move || shared.supervise(watch))?;
        Ok(supervised)
    }

    /// Runs an operation, in the process that is there or comes soon.
    pub(in crate::plugin) fn call(&self, operation: Operation, request: &[u8]) -> Result<Answer, CallError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let process = self.process(deadline)?;
            match process.call(operation, request) {
                // It ended before it could be asked.
                Err(CallError::Down { .. }) if Instant::now() < deadline => {}
                outcome => return outcome,
            }
        }
    }

    fn process(&self, deadline: Instant) -> Result<Arc<Process>, CallError> {
        let patience = deadline.saturating_duration_since(Instant::now());
        let (state, _) = self
            .0
            .changed
            .wait_timeout_while(self.0.state(), patience, |state| match &state.phase {
                // Its end is about to be noticed.
                Phase::Running(process) => process.is_ending(),
                Phase::Down { next, .. } => *next <= Instant::now(),
                Phase::Over => false,
            })
            .unwrap_or_else(PoisonError::into_inner);
        match &state.phase {
            Phase::Running(process) => Ok(Arc::clone(process)),
            Phase::Down { why, .. } => Err(CallError::Down { reason: why.clone() }),
            Phase::Over => Err(CallError::Down { reason: "the host is ending".to_owned() }),
        }
    }

    /// How many processes there were before this one.
    pub(in crate::plugin) fn run(&self) -> u64 {
        self.0.state().run
    }

    /// Ends the process if it is still that of this number.
    pub(in crate::plugin) fn give_up(&self, run: u64, reason: &str) {
        let state = self.0.state();
        if let Phase::Running(process) = &state.phase
            && state.run == run
        {
            let process = Arc::clone(process);
            drop(state);
            process.kill(reason);
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        let running = std::mem::replace(&mut self.0.state().phase, Phase::Over);
        self.0.changed.notify_all();
        // Not under the lock: it waits for the plugin.
        drop(running);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn supervise(&self, mut watch: Watch) {
        let mut failures = 0;
        loop {
            let begun = Instant::now();
            let end = watch.wait_for_end();
            if begun.elapsed() > HEALTHY {
                failures = 0;
            }
            let why = format!("its process {end}");
            let started = self.start_again(why, &mut failures);
            match started {
                Some(new) => watch = new,
                None => return,
            }
        }
    }

    /// Tries until there is a process; `None` when nobody needs one any more.
    fn start_again(&self, mut why: String, failures: &mut u32) -> Option<Watch> {
        let plugin = &self.recipe.plugin;
        loop {
            let delay = delay(*failures);
            *failures = failures.saturating_add(1);
            let next = Instant::now() + delay;
            {
                let mut state = self.state();
                if matches!(state.phase, Phase::Over) {
                    return None;
                }
                let ended = std::mem::replace(&mut state.phase, Phase::Down { why: why.clone(), next });
                drop(state);
                drop(ended);
                self.changed.notify_all();
            }
            tracing::error!("plugin `{plugin}`: {why}; it is started again in {} s", delay.as_secs_f64());
            let (state, _) = self
                .changed
                .wait_timeout_while(self.state(), delay, |state| !matches!(state.phase, Phase::Over))
                .unwrap_or_else(PoisonError::into_inner);
            drop(state);
            match self.start() {
                Ok(process) => {
                    let (watch, id) = (process.watch(), process.id());
                    let mut state = self.state();
                    if matches!(state.phase, Phase::Over) {
                        return None;
                    }
                    state.phase = Phase::Running(Arc::new(process));
                    state.run += 1;
                    drop(state);
                    self.changed.notify_all();
                    tracing::info!("plugin `{plugin}`: its process runs again, number {id}");
                    return Some(watch);
                }
                Err(reason) => why = reason,
            }
        }
    }

    fn start(&self) -> Result<Process, String> {
        let Recipe { library, class, config, isolation, .. } = &self.recipe;
        (isolation.vet)()?;
        let (process, _) = Process::start(library, isolation).map_err(|error| error.to_string())?;
        process.create(library, class, config, isolation.patience).map_err(|error| error.to_string())?;
        Ok(process)
    }
}

fn delay(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_DELAY.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_DELAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_at_once_and_the_others_are_ever_later_up_to_a_limit() {
        let delays: Vec<_> = (0..6).map(|failures| delay(failures).as_millis()).collect();
        assert_eq!(delays, [0, 100, 200, 400, 800, 1_600]);
        assert_eq!(delay(u32::MAX), LONGEST_DELAY);
    }
}
