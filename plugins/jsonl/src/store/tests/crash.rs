//! Stops after every single call, loses what may be lost, and looks whether the promises hold.

use std::io::ErrorKind;

use super::line as line_of;
use super::scenario::{IN_PLACE, REWRITTEN, Step, World};
use super::simulated::Loss;

/// What other programs left: lines that nobody can read, unknown keys, spaces, no newline at the end.
fn content() -> Vec<u8> {
    let foreign = line_of("OTHER-1", "foreign").replacen('{', "{ \"extra\" : 1.50, ", 1) + "  ";
    let lines = [
        line_of("BUG-1", "a title that is long enough to be shortened"),
        foreign,
        "not json\t".to_owned(),
        String::new(),
        line_of("BUG-2", "b") + "\r",
        "  ".to_owned(),
        line_of("BUG-7", "c"),
    ];
    lines.join("\n").into_bytes()
}

fn create(title: &str) -> Step {
    Step::Create(title.to_owned())
}

fn update(id: &str, title: &str) -> Step {
    Step::Update(id.to_owned(), title.to_owned())
}

fn delete(id: &str) -> Step {
    Step::Delete(id.to_owned())
}

fn everything() -> Vec<Step> {
    vec![
        create("one"),
        update("BUG-1", "shorter"),
        update("BUG-1", "a title that is longer than it ever was, so that it has to go somewhere else"),
        delete("BUG-8"),
        update("OTHER-1", "by us"),
        create("two"),
        Step::Tidy,
        update("BUG-9", "moved by being longer than before, which it was not"),
        update("BUG-9", "once more, and even longer, so that it has to be moved again to the end of the file"),
        delete("BUG-2"),
        Step::Tidy,
        Step::Restart,
        create("three"),
        delete("BUG-1"),
        create("four"),
    ]
}

const LOSSES: [Loss; 7] =
    [Loss::Nothing, Loss::Everything, Loss::Some(1), Loss::Some(2), Loss::Some(3), Loss::Some(4), Loss::Some(5)];

/// Runs the steps up to the call after so many; `None` when there are not so many.
fn run(limits: super::Limits, steps: &[Step], calls: u64) -> Option<World> {
    let mut world = World::new(&content(), limits);
    world.disk.stop_after(Some(calls));
    for step in steps {
        if !world.step(step) || world.disk.has_stopped() {
            return Some(world);
        }
    }
    None
}

#[test]
fn without_a_crash_everything_is_as_it_should_be() {
    for limits in [IN_PLACE, REWRITTEN] {
        let mut world = World::new(&content(), limits);
        for step in everything() {
            assert!(world.step(&step), "{step:?}");
            world.check(&format!("{step:?}"));
        }
        let calls = world.disk.calls();
        assert!(calls > 60, "{calls}");
    }
}

#[test]
fn a_crash_at_any_call_loses_nothing_that_was_acknowledged() {
    for limits in [IN_PLACE, REWRITTEN] {
        for loss in LOSSES {
            for calls in 0.. {
                let Some(world) = run(limits, &everything(), calls) else { break };
                let mut world = world.crash(loss);
                let context = format!("{limits:?}, {loss:?} after {calls} calls");
                world.check(&context);
                assert!(world.step(&create("after")), "{context}");
                world.check(&context);
                assert!(world.step(&update("BUG-7", "after, and longer than before")), "{context}");
                world.check(&context);
                world.crash(Loss::Everything).check(&context);
            }
        }
    }
}

#[test]
fn a_second_crash_at_any_call_of_the_recovery_loses_nothing_either() {
    for limits in [IN_PLACE, REWRITTEN] {
        for (round, loss) in LOSSES.into_iter().enumerate().take(4) {
            for calls in 0.. {
                let Some(stopped) = run(limits, &everything(), calls) else { break };
                for second in 0.. {
                    let world = stopped.crash(loss);
                    world.disk.stop_after(Some(second));
                    let ended = world.folder.current("P").is_ok();
                    let ended = ended && !world.disk.has_stopped();
                    let mut world = world.crash(LOSSES[(round + second as usize) % LOSSES.len()]);
                    let context = format!("{limits:?}, {loss:?} after {calls} calls, then after {second}");
                    world.check(&context);
                    assert!(world.step(&create("after")), "{context}");
                    world.check(&context);
                    if ended {
                        break;
                    }
                }
            }
        }
    }
}

#[test]
fn a_call_that_fails_is_one_failed_request_and_loses_nothing() {
    for fault in [ErrorKind::StorageFull, ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem, ErrorKind::Other]
    {
        for limits in [IN_PLACE, REWRITTEN] {
            for calls in 0.. {
                let mut world = World::new(&content(), limits);
                world.disk.fail_once_after(calls, fault);
                let failed: Vec<_> = everything().into_iter().filter(|step| !world.step(step)).collect();
                let context = format!("{limits:?}, {fault} after {calls} calls, failed: {failed:?}");
                assert!(failed.len() <= 1, "{context}");
                world.check(&context);
                if !world.disk.has_failed_once() {
                    break;
                }
                let mut world = world.crash(Loss::Everything);
                world.check(&format!("{context}, and a crash"));
            }
        }
    }
}

#[test]
fn a_disk_that_is_full_for_a_while_loses_nothing_and_recovers() {
    for fault in [ErrorKind::StorageFull, ErrorKind::ReadOnlyFilesystem] {
        for limits in [IN_PLACE, REWRITTEN] {
            for full_from in 0..everything().len() {
                let mut world = World::new(&content(), limits);
                for (number, step) in everything().iter().enumerate() {
                    let is_full = (full_from..full_from + 3).contains(&number);
                    world.disk.fail_with(is_full.then_some(fault));
                    let done = world.step(step);
                    assert!(done || is_full, "{limits:?} {fault} from {full_from}: {step:?}");
                }
                world.disk.fail_with(None);
                let context = format!("{limits:?} {fault} from {full_from}");
                world.check(&context);
                world.crash(Loss::Everything).check(&context);
            }
        }
    }
}
