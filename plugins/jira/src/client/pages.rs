//! The pages of a long list: read ahead, and put together so that nothing is missing or there twice.
//!
//! Cloud's pages follow from each other by tokens, so that one is read ahead. Data Center's begin at numbers, so that
//! several are read at once, in turn by [`READERS`] threads. Each thread keeps one page until it is taken: however long
//! the list, no more of it is in memory.
//!
//! While a list is read, issues come and go. On Data Center that shifts the later ones: those that came twice are told
//! by their ids, and pages overlap, so that an issue that moved to the page before is still seen.

#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::{After, Found, Jira, JiraError, Place, Search};

/// Pages of Data Center that are read at once. More would be slower for the people who use Jira at the same time, and
/// with four a long list took more than 16 MiB.
const READERS: usize = 3;
/// Issues that a page of Data Center has in common with the one before: so many may go away while the two are read.
const OVERLAP: usize = 10;
/// The host begins to count its time for a call anew with every 32 KiB of a list, which so many defects fill.
const PIECE: usize = 100;

type Page = Result<Found, JiraError>;

/// All issues that a search finds, page by page. An error is the last entry: the list is not whole then.
pub(super) struct Pages {
    jira: Jira,
    search: Arc<Search>,
    /// The first page, until it is taken.
    first: Option<Found>,
    /// Where the next pages come from, in turn.
    readers: VecDeque<Receiver<Page>>,
    /// Pages of Data Center that the readers were told to read and that were not taken yet.
    ordered: usize,
    over: bool,
    /// Why no page follows on the one that was given last.
    failed: Option<JiraError>,
    seen: HashSet<u64>,
    /// How many issues a page of Data Center has: Jira's limit may be lower than ours.
    size: usize,
    /// How many issues of Data Center were read, from the first on.
    covered: usize,
    /// What is left of the time for waiting, and how many issues came since it was the whole.
    patience: Duration,
    since: usize,
}

impl Pages {
    /// Reads the first page, within the time of `jira`'s call.
    pub(super) fn begin(jira: Jira, search: Search) -> Result<Self, JiraError> {
        let first = jira.page(&search, &Place::Beginning)?;
        Ok(Self {
            size: first.issues.len(),
            first: Some(first),
            patience: jira.limit(),
            jira,
            search: Arc::new(search),
            readers: VecDeque::new(),
            ordered: 0,
            over: false,
            failed: None,
            seen: HashSet::new(),
            covered: 0,
            since: 0,
        })
    }

    fn take(&mut self) -> Page {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let died = || JiraError::Unavailable("the thread that reads Jira's pages has ended".to_owned());
        let reader = self.readers.pop_front().ok_or_else(died)?;
        let began = Instant::now();
        let page = reader.recv_timeout(self.patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                let seconds = self.jira.limit().as_secs();
                JiraError::Unavailable(format!("it took longer than {seconds} s (`time_limit`)"))
            }
            RecvTimeoutError::Disconnected => died(),
        })??;
        self.readers.push_back(reader);
        self.ordered = self.ordered.saturating_sub(1);
        self.patience = self.patience.saturating_sub(began.elapsed());
        self.since += page.issues.len();
        if self.since >= PIECE {
            (self.patience, self.since) = (self.jira.limit(), 0);
        }
        Ok(page)
    }

    /// Sees to it that what comes after a page of so many issues is read.
    fn go_on(&mut self, issues: usize, known: usize, after: After) -> Result<(), JiraError> {
        let total = match after {
            After::Nothing => {
                self.over = true;
                return Ok(());
            }
            After::Token(token) if self.readers.is_empty() => return self.follow(token),
            After::Token(_) => return Ok(()),
            After::Of(total) => total,
        };
        let overlap = if self.covered == 0 { 0 } else { self.overlap() };
        if overlap > 0 && known == 0 && issues > 0 {
            return Err(JiraError::Unavailable("too many issues went away while the list was read".to_owned()));
        }
        let covered = self.covered;
        self.covered += issues.saturating_sub(overlap);
        if self.covered >= total {
            self.over = true;
        } else if issues == 0 || self.covered == covered {
            let said = format!("there are {total} issues, it says, and it gives no more than {covered} of them");
            return Err(JiraError::Unavailable(said));
        } else if self.ordered == 0 || issues < self.size {
            // The list has grown, or Jira gave less than a page.
            self.read(total)?;
        }
        Ok(())
    }

    fn overlap(&self) -> usize {
        OVERLAP.min(self.size / 2)
    }

    /// One reader from a token on.
    fn follow(&mut self, token: String) -> Result<(), JiraError> {
        let (jira, search) = (self.jira.begin_again(), Arc::clone(&self.search));
        let read = move |sender: SyncSender<Page>| {
            let mut tokens = HashSet::new();
            let mut next = Some(token);
            while let Some(token) = next {
                let page = if tokens.insert(token.clone()) {
                    jira.begin_again().page(&search, &Place::Token(token))
                } else {
                    Err(JiraError::Unavailable("it gives the same pages again and again".to_owned()))
                };
                next = match &page {
                    Ok(Found { after: After::Token(token), .. }) => Some(token.clone()),
                    _ => None,
                };
                if sender.send(page).is_err() {
                    return;
                }
            }
        };
        self.readers = [reader(read)?].into();
        Ok(())
    }

    /// Several readers for what is not covered yet of so many issues.
    fn read(&mut self, total: usize) -> Result<(), JiraError> {
        let (start, step) = (self.covered - self.overlap(), self.size - self.overlap());
        let pages = (total - self.covered).div_ceil(step);
        let readers = READERS.min(pages);
        self.readers.clear();
        for number in 0..readers {
            let (jira, search) = (self.jira.begin_again(), Arc::clone(&self.search));
            let read = move |sender: SyncSender<Page>| {
                for page in (number..pages).step_by(readers) {
                    let page = jira.begin_again().page(&search, &Place::At(start + page * step));
                    let failed = page.is_err();
                    if sender.send(page).is_err() || failed {
                        return;
                    }
                }
            };
            self.readers.push_back(reader(read)?);
        }
        self.ordered = pages;
        Ok(())
    }

    fn next_page(&mut self) -> Result<Vec<Value>, JiraError> {
        let Found { mut issues, after } = self.take()?;
        let all = issues.len();
        let id = |issue: &Value| issue["id"].as_str().and_then(|id| id.parse::<u64>().ok());
        issues.retain(|issue| id(issue).is_none_or(|id| self.seen.insert(id)));
        self.failed = self.go_on(all, all - issues.len(), after).err();
        Ok(issues)
    }
}

impl Iterator for Pages {
    type Item = Result<Vec<Value>, JiraError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let page = self.failed.take().map_or_else(|| self.next_page(), Err);
        self.over |= page.is_err();
        if self.over {
            self.readers.clear();
        }
        Some(page)
    }
}

/// A thread that hands over pages one by one. It ends with their receiver.
fn reader(read: impl FnOnce(SyncSender<Page>) + Send + 'static) -> Result<Receiver<Page>, JiraError> {
    // Without room for a page: each thread keeps one until it is taken.
    let (sender, pages) = sync_channel(0);
    let span = tracing::Span::current();
    let run = move || span.in_scope(|| read(sender));
    let begun = std::thread::Builder::new().name("jira-pages".to_owned()).spawn(run);
    begun.map_err(|error| JiraError::Unavailable(format!("no thread to read Jira's pages: {error}")))?;
    Ok(pages)
}
