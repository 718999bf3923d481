//! Writers that come at the same time share one sync: one of them writes for all that wait.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use defect_plugin_api::model::Defect;

use super::super::error::StoreError;
use super::Folder;
use super::batch::Progress;

/// What is to be done.
#[derive(Debug, Clone)]
pub(in crate::store) enum Operation {
    Create(Defect),
    Update(String, Defect),
    Delete(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Outcome {
    /// The id, and the name of the file that holds it.
    Created(String, String),
    /// Whether there was such a defect.
    Changed(bool),
}

/// An operation that waits for its answer.
pub(in crate::store) struct Job {
    pub(super) project: String,
    pub(super) operation: Operation,
    answer: Mutex<Option<Result<Outcome, StoreError>>>,
}

impl Job {
    pub(super) fn answer(&self, answer: Result<Outcome, StoreError>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    fn take(&self) -> Option<Result<Outcome, StoreError>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_answered(&self) -> bool {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Arc<Job>>,
    /// Whether somebody writes for those who came before.
    is_led: bool,
    /// Whether somebody came while the last one wrote.
    has_company: bool,
    /// How long the last write took.
    last_took: Duration,
}

/// So many need not wait for more.
const COMPANY: usize = 4;
/// Nobody waits longer for company, however slow the disk is: then others come while it syncs.
const LONGEST_WAIT: Duration = Duration::from_millis(1);

impl Queue {
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

/// Somebody who writes for all of these; none is left without an answer, also after a panic.
struct Leader<'a> {
    folder: &'a Folder,
    jobs: Vec<Arc<Job>>,
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        for job in self.jobs.iter().filter(|job| !job.is_answered()) {
            job.answer(Err(StoreError::Abandoned));
        }
        self.folder.queue.lock().unwrap_or_else(PoisonError::into_inner).is_led = false;
        self.folder.answered.notify_all();
    }
}

/// How often another program may change a file while we are about to, before we give up.
const ATTEMPTS: usize = 5;

impl Folder {
    /// Does it; on stable storage, and in the file, when this returns.
    pub(in crate::store) fn write(&self, project: &str, operation: Operation) -> Result<Outcome, StoreError> {
        let job = Arc::new(Job { project: project.to_owned(), operation, answer: Mutex::new(None) });
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting.push_back(Arc::clone(&job));
        queue.has_company |= queue.is_led;
        if queue.is_led {
            self.arrived.notify_one();
        }
        loop {
            if let Some(answer) = job.take() {
                return answer;
            }
            if queue.is_led {
                queue = self.answered.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.is_led = true;
            queue = self.wait_for_company(queue);
            let leader = Leader { folder: self, jobs: queue.waiting.drain(..).collect() };
            queue.has_company = leader.jobs.len() > 1;
            drop(queue);
            let begun = Instant::now();
            self.commit(leader.jobs.iter().cloned().collect());
            let took = begun.elapsed();
            drop(leader);
            queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.last_took = took;
        }
    }

    /// Where writers come one close behind the other, and a sync is so quick that none comes during it,
    /// waiting as long as a write takes saves more syncs than it costs time. Who writes alone never waits.
    fn wait_for_company<'a>(&self, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        if !queue.has_company {
            return queue;
        }
        let patience = queue.last_took.min(LONGEST_WAIT);
        let alone = |queue: &mut Queue| queue.waiting.len() < COMPANY;
        self.arrived.wait_timeout_while(queue, patience, alone).unwrap_or_else(PoisonError::into_inner).0
    }

    fn commit(&self, mut jobs: VecDeque<Arc<Job>>) {
        let mut committer = self.committer();
        let mut attempts = 0;
        while let Some(first) = jobs.front() {
            let project = first.project.clone();
            let error = match self.batch(&mut committer, &project, &mut jobs) {
                Ok(Progress::Made) => {
                    attempts = 0;
                    continue;
                }
                Ok(Progress::FilesChanged(path)) => {
                    attempts += 1;
                    if attempts < ATTEMPTS {
                        continue;
                    }
                    StoreError::Changing(path)
                }
                Err(error) => error,
            };
            jobs.drain(..).for_each(|job| job.answer(Err(error.again())));
        }
    }
}
