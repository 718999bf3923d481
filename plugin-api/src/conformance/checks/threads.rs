//! Many callers at once, as under a host.

use std::collections::BTreeSet;
use std::sync::Barrier;

use super::fields::all_kept;
use crate::conformance::report::Failure;
use crate::conformance::samples::{Sample, State};
use crate::conformance::tracker::Tracker;
use crate::conformance::verdict::{Stop, Verdict, all};

const THREADS: usize = 32;

/// Runs this on all threads at once, as nearly as can be.
fn at_once<T: Send>(run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(THREADS);
    let one = &|number| {
        barrier.wait();
        run(number)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|number| scope.spawn(move || one(number))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

const TO_DO: &str = "the methods are called from several threads at once: put what they share behind a lock, and make \
                     the new id and its defect under the same one";

/// Whether the defect that is read under this id is the one that was sent.
fn is_own(tracker: &Tracker<'_>, sample: &Sample) -> Result<(), Failure> {
    let extended = tracker.extended(tracker.project(), &sample.id).answered()?;
    if extended.id != sample.id || extended.defect.title != sample.sent.title {
        let wanted = format!("the defect `{}`, whose title is `{}`", sample.id, title(sample));
        return Err(extended.fails(wanted, TO_DO));
    }
    Ok(())
}

fn title(sample: &Sample) -> &str {
    sample.sent.title.as_deref().unwrap_or_default()
}

/// Whether the list has exactly these, each as it was sent.
fn list_has(tracker: &Tracker<'_>, samples: &[Sample]) -> Result<(), Failure> {
    let list = tracker.list(tracker.project()).answered()?;
    for sample in samples {
        let found: Vec<_> = list.value.iter().filter(|defect| defect.id == sample.id).collect();
        let [found] = found.as_slice() else {
            let wanted = format!("the defect `{}` once, and not {} times", sample.id, found.len());
            return Err(list.fails(wanted, TO_DO));
        };
        all_kept(tracker, &sample.sent, &found.defect).map_err(|fault| {
            let wanted =
                format!("the defect `{}` as it was sent by one of {THREADS} threads: {}", sample.id, fault.wanted);
            list.fails(wanted, TO_DO)
        })?;
    }
    Ok(())
}

/// A defect for each thread.
fn one_each(tracker: &Tracker<'_>) -> Result<Vec<Sample>, Stop> {
    (0..THREADS).map(|_| tracker.created(tracker.defect(State::Created))).collect()
}

fn first_failure(outcomes: Vec<Verdict>) -> Verdict {
    // One is enough: the others say the same.
    outcomes.into_iter().find(Result::is_err).unwrap_or(Ok(()))
}

pub(in super::super) fn create(tracker: &Tracker<'_>) -> Verdict {
    // Whatever fails under one caller fails in another check.
    tracker.samples()?;
    let created = at_once(|_| -> Result<Sample, Stop> {
        let sent = tracker.defect(State::Created);
        let created = tracker.create(tracker.project(), &sent).answered()?;
        let Some(id) = created.value.clone().filter(|id| !id.is_empty()) else {
            return Err(created.fails("an id", TO_DO).into());
        };
        let sample = Sample { id, sent };
        is_own(tracker, &sample)?;
        Ok(sample)
    });
    let samples = created.into_iter().collect::<Result<Vec<_>, _>>()?;
    let ids: BTreeSet<&str> = samples.iter().map(|sample| sample.id.as_str()).collect();
    if ids.len() < samples.len() {
        return Err(Stop::Failed(vec![Failure {
            asked: format!("create_defect, by {THREADS} threads at once"),
            answered: format!("{} different ids", ids.len()),
            wanted: format!("{THREADS} different ids"),
            to_do: TO_DO.to_owned(),
        }]));
    }
    Ok(list_has(tracker, &samples)?)
}

pub(in super::super) fn update(tracker: &Tracker<'_>) -> Verdict {
    let mut samples = one_each(tracker)?;
    for sample in &mut samples {
        sample.sent = tracker.defect(State::Changed);
    }
    let samples = samples;
    first_failure(at_once(|number| {
        let sample = &samples[number];
        tracker.update(tracker.project(), &sample.id, &sample.sent).answered()?;
        is_own(tracker, sample)?;
        tracker.batch(tracker.project(), &[&samples[(number + 1) % THREADS].id]).answered()?;
        Ok(())
    }))?;
    Ok(list_has(tracker, &samples)?)
}

pub(in super::super) fn delete(tracker: &Tracker<'_>) -> Verdict {
    let samples = one_each(tracker)?;
    let is_deleted = |number: usize| number % 2 == 1;
    first_failure(at_once(|number| {
        let sample = &samples[number];
        if is_deleted(number) {
            tracker.delete(tracker.project(), &sample.id, &sample.sent).answered()?;
        } else {
            is_own(tracker, sample)?;
            tracker.list(tracker.project()).answered()?;
        }
        Ok(())
    }))?;
    let (deleted, kept): (Vec<_>, Vec<_>) =
        samples.into_iter().enumerate().partition(|(number, _)| is_deleted(*number));
    let kept: Vec<Sample> = kept.into_iter().map(|(_, sample)| sample).collect();
    let list = tracker.list(tracker.project()).answered()?;
    let gone = deleted.iter().map(|(_, sample)| {
        if list.value.iter().all(|defect| defect.id != sample.id) {
            return Ok(());
        }
        Err(list.fails(format!("no defect `{}`: a thread deleted it", sample.id), TO_DO))
    });
    all(gone.chain([list_has(tracker, &kept)]))
}
