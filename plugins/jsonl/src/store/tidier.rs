//! The thread that brings projects in order while nobody waits for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Folder, Folders, hold};

/// Started by the first write; gone when this is dropped.
pub(super) struct Tidier {
    folders: Weak<Folders>,
    pause: Duration,
    running: Mutex<Option<(SyncSender<()>, JoinHandle<()>)>>,
}

impl Tidier {
    pub(super) fn new(folders: Weak<Folders>, pause: Duration) -> Self {
        Self { folders, pause, running: Mutex::new(None) }
    }

    /// There may be something to do.
    pub(super) fn wake(&self) {
        let mut running = hold(&self.running);
        if let Some((waker, _)) = &*running
            && !matches!(waker.try_send(()), Err(TrySendError::Disconnected(())))
        {
            return;
        }
        let (waker, woken) = sync_channel(1);
        let (folders, pause) = (Weak::clone(&self.folders), self.pause);
        let thread = std::thread::Builder::new().name("jsonl-tidier".to_owned());
        match thread.spawn(move || run(&folders, &woken, pause)) {
            Ok(thread) => {
                let _ = waker.try_send(());
                *running = Some((waker, thread));
            }
            Err(error) => tracing::warn!("no thread to tidy up defects: {error}"),
        }
    }
}

impl Drop for Tidier {
    fn drop(&mut self) {
        let running = self.running.get_mut().ok().and_then(Option::take);
        if let Some((waker, thread)) = running {
            drop(waker);
            // The lock of the folder is given back only when nothing is under way any more.
            let _ = thread.join();
        }
    }
}

fn run(folders: &Weak<Folders>, woken: &Receiver<()>, pause: Duration) {
    let mut is_done = true;
    loop {
        if is_done && woken.recv().is_err() {
            return;
        }
        let due = Instant::now() + pause;
        loop {
            match woken.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => break,
                Ok(()) => {}
            }
        }
        let Some(folders) = folders.upgrade() else { return };
        let folders: Vec<Arc<Folder>> = hold(&folders).values().cloned().collect();
        is_done = !folders.iter().fold(false, |more, folder| folder.tidy() | more);
    }
}
