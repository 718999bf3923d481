//! The threads on which the plugin runs.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A thread that nobody needs for so long ends.
const IDLE: Duration = Duration::from_secs(10);

/// Threads for calls that may block.
///
/// Small calls are done one after the other by a few threads as long as they are quick: waking a thread
/// for each costs more than a small call does, which is why tokio's pool for blocking calls is not used.
/// Who waits too long says so with [`CallThreads::hurry`]; then those who are at work count as slow, and
/// more threads come, as many as there may be calls. All other calls have a thread at once.
pub(super) struct CallThreads(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    /// How many threads are woken without anybody's hurry.
    quick: usize,
    /// How many threads there may be.
    most: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Call>,
    threads: usize,
    idle: usize,
    /// How many of those that slept are told to go to work and have not noticed yet.
    called: usize,
    /// How many are made and have not begun yet.
    made: usize,
    /// How many are at work, or about to be, and count as quick.
    quick: usize,
    /// Counts the times at which all who were at work were found slow.
    hurries: u64,
}

struct Call {
    size: Size,
    code: Box<dyn FnOnce() + Send>,
}

/// What is known of a call before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// It is usually quicker than a thread is woken.
    Small,
    /// It waits for a disk or a command, or makes much.
    Large,
}

impl CallThreads {
    /// No thread yet. `most` is how many calls run at once.
    pub(super) fn new(most: usize) -> Self {
        let quick = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self(Arc::new(Shared { state: Mutex::default(), work: Condvar::new(), quick, most }))
    }

    /// Runs a call, soon. A panic of its ends with it.
    pub(super) fn run(&self, size: Size, call: impl FnOnce() + Send + 'static) {
        let mut state = self.0.state();
        state.waiting.push_back(Call { size, code: Box::new(call) });
        if size == Size::Large || state.quick < self.0.quick {
            self.one_more(state);
        }
    }

    /// Somebody's call does not begin: those who are at work will not be back soon.
    pub(super) fn hurry(&self) {
        let mut state = self.0.state();
        if !state.waiting.is_empty() {
            state.hurries += 1;
            state.quick = state.called + state.made;
            self.one_more(state);
        }
    }

    fn one_more(&self, mut state: MutexGuard<'_, State>) {
        if state.idle > 0 {
            state.idle -= 1;
            state.called += 1;
            state.quick += 1;
            drop(state);
            self.0.work.notify_one();
        } else if state.threads < self.0.most {
            state.threads += 1;
            state.made += 1;
            state.quick += 1;
            drop(state);
            let shared = Arc::clone(&self.0);
            let begun = std::thread::Builder::new().name("plugin".to_owned()).spawn(move || shared.work());
            if let Err(error) = begun {
                tracing::error!("a thread for the plugin cannot be made: {error}");
                let mut state = self.0.state();
                state.threads -= 1;
                state.made -= 1;
                state.quick -= 1;
            }
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread does.
    fn work(&self) {
        let mut state = self.state();
        state.made -= 1;
        // The hurries that this thread has seen: it counts as quick since the last.
        let mut seen = state.hurries;
        loop {
            while let Some(Call { size, code }) = state.waiting.pop_front() {
                if size == Size::Large {
                    state.quick -= 1;
                }
                drop(state);
                // Who waits for the call notices: it ends without having answered.
                let _ = catch_unwind(AssertUnwindSafe(code));
                state = self.state();
                if size == Size::Large || seen != state.hurries {
                    seen = state.hurries;
                    state.quick += 1;
                }
            }
            state.quick -= 1;
            state.idle += 1;
            let nothing_to_do = |state: &mut State| state.called == 0;
            let woken = self.work.wait_timeout_while(state, IDLE, nothing_to_do);
            let timeout;
            (state, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() {
                state.idle -= 1;
                state.threads -= 1;
                return;
            }
            state.called -= 1;
            seen = state.hurries;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn threads(quick: usize, most: usize) -> CallThreads {
        let (state, work) = (Mutex::default(), Condvar::new());
        CallThreads(Arc::new(Shared { state, work, quick, most }))
    }

    /// A call that tells when it begins and ends when it is told to.
    fn call(threads: &CallThreads, begun: &mpsc::Sender<usize>, number: usize) -> mpsc::Sender<()> {
        let (end, ended) = mpsc::channel();
        let begun = begun.clone();
        threads.run(Size::Small, move || {
            begun.send(number).unwrap();
            let _ = ended.recv();
        });
        end
    }

    #[test]
    fn quick_calls_share_few_threads() {
        let threads = threads(2, 64);
        let (done, all) = mpsc::channel();
        for number in 0..1_000 {
            let done = done.clone();
            threads.run(Size::Small, move || done.send(number).unwrap());
        }
        let mut numbers: Vec<i32> = (0..1_000).map(|_| all.recv_timeout(PATIENCE).unwrap()).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..1_000));
        assert!(threads.0.state().threads <= 2);
    }

    #[test]
    fn slow_calls_keep_nobody_waiting_who_hurries_and_no_more_run_than_may() {
        let threads = threads(2, 5);
        let (begun, begins) = mpsc::channel();
        let mut ends: Vec<_> = (0..2).map(|number| call(&threads, &begun, number)).collect();
        let mut seen: Vec<_> = (0..2).map(|_| begins.recv_timeout(PATIENCE).unwrap()).collect();
        ends.extend((2..7).map(|number| call(&threads, &begun, number)));
        assert_eq!(threads.0.state().threads, 2, "nobody is in a hurry yet");
        (0..5).for_each(|_| threads.hurry());
        seen.extend((0..3).map(|_| begins.recv_timeout(PATIENCE).unwrap()));
        let state = threads.0.state();
        assert_eq!((state.threads, state.waiting.len()), (5, 2));
        drop(state);
        ends.clear();
        seen.extend((0..2).map(|_| begins.recv_timeout(PATIENCE).unwrap()));
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
        // Those who were slow count as quick again, and go to sleep.
        let mut state = threads.0.state();
        while state.idle < 5 {
            drop(state);
            std::thread::yield_now();
            state = threads.0.state();
        }
        assert_eq!((state.quick, state.called, state.made), (0, 0, 0));
        drop(state);
        let ends: Vec<_> = (7..9).map(|number| call(&threads, &begun, number)).collect();
        (0..2).for_each(|_| assert!(begins.recv_timeout(PATIENCE).unwrap() >= 7));
        drop(ends);
    }

    #[test]
    fn a_large_call_has_a_thread_at_once_and_keeps_no_small_one_waiting() {
        let threads = threads(1, 64);
        let (begun, begins) = mpsc::channel();
        let ends: Vec<_> = (0..8)
            .map(|number| {
                let (end, ended) = mpsc::channel::<()>();
                let begun = begun.clone();
                threads.run(Size::Large, move || {
                    begun.send(number).unwrap();
                    let _ = ended.recv();
                });
                end
            })
            .collect();
        let mut seen: Vec<_> = (0..8).map(|_| begins.recv_timeout(PATIENCE).unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
        threads.run(Size::Small, move || begun.send(8).unwrap());
        assert_eq!(begins.recv_timeout(PATIENCE), Ok(8));
        drop(ends);
    }

    #[test]
    fn a_panic_ends_its_call_and_no_other() {
        let threads = threads(1, 1);
        let (done, all) = mpsc::channel();
        let unanswered = done.clone();
        threads.run(Size::Small, move || {
            let _unanswered = unanswered;
            panic!("told to");
        });
        threads.run(Size::Small, move || done.send("next").unwrap());
        assert_eq!(all.iter().collect::<Vec<_>>(), ["next"]);
    }
}
