//! Random operations, crashes and changes by other programs on a simulated disk, against a model.

use proptest::prelude::*;

use super::scenario::{FILE, IN_PLACE, Model, REWRITTEN, Step, World};
use super::simulated::Loss;
use super::{Limits, line as line_of};

#[derive(Debug, Clone)]
enum Event {
    /// With a title of this length.
    Create(usize),
    Update(prop::sample::Index, usize),
    Delete(prop::sample::Index),
    Tidy,
    /// The process or the power ends, at the call after so many of the next step, too.
    Crash(Loss, Option<u64>),
    /// Another program appends while nobody runs.
    AppendedAfterCrash(Loss, String),
    /// Another program changes the file: in place, or by putting another one there.
    Edited(Edit, bool),
}

#[derive(Debug, Clone)]
enum Edit {
    Append(String),
    Remove(prop::sample::Index),
    Replace(prop::sample::Index, String),
    Truncate(prop::sample::Index),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let index = any::<prop::sample::Index>;
    let loss = || prop_oneof![Just(Loss::Nothing), Just(Loss::Everything), any::<u64>().prop_map(Loss::Some)];
    let whole = || prop_oneof![Just(Loss::Nothing), Just(Loss::Everything)];
    let line = || {
        prop_oneof![
            (100..140u32).prop_map(|number| line_of(&format!("BUG-{number}"), "by hand")),
            (1..9u32).prop_map(|number| line_of(&format!("T-{number}"), "text id").replacen(
                '{',
                r#"{"extra": 1.50, "#,
                1
            )),
            "[a-z]{0,20}",
            Just("  \t".to_owned()),
        ]
    };
    let edit = prop_oneof![
        2 => line().prop_map(Edit::Append),
        1 => index().prop_map(Edit::Remove),
        1 => (index(), line()).prop_map(|(index, line)| Edit::Replace(index, line)),
        1 => index().prop_map(Edit::Truncate),
    ];
    let event = prop_oneof![
        4 => (0..120usize).prop_map(Event::Create),
        4 => (index(), 0..120usize).prop_map(|(index, length)| Event::Update(index, length)),
        2 => index().prop_map(Event::Delete),
        2 => Just(Event::Tidy),
        2 => (loss(), prop::option::of(0..12u64)).prop_map(|(loss, calls)| Event::Crash(loss, calls)),
        1 => (whole(), line()).prop_map(|(loss, line)| Event::AppendedAfterCrash(loss, line)),
        2 => (edit, any::<bool>()).prop_map(|(edit, new)| Event::Edited(edit, new)),
    ];
    prop::collection::vec(event, 1..40)
}

fn lines(content: &[u8]) -> Vec<Vec<u8>> {
    content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn edited(content: &[u8], edit: Edit) -> Vec<u8> {
    let mut all = lines(content);
    match edit {
        Edit::Append(line) => {
            if let Some(last) = all.last_mut().filter(|last| !last.ends_with(b"\n")) {
                last.push(b'\n');
            }
            all.push((line + "\n").into_bytes());
        }
        Edit::Remove(_) | Edit::Replace(..) if all.is_empty() => {}
        Edit::Remove(index) => drop(all.remove(index.index(all.len()))),
        Edit::Replace(index, line) => {
            let at = index.index(all.len());
            all[at] = (line + "\n").into_bytes();
        }
        Edit::Truncate(index) => all.truncate(index.index(all.len() + 1)),
    }
    // An id that is there twice is another test's.
    let mut ids = std::collections::BTreeSet::new();
    all.retain(|line| Model::of(line).titles.keys().all(|id| ids.insert(id.clone())));
    all.concat()
}

fn happen(world: &mut World, event: Event, round: usize) {
    let ids: Vec<String> =
        world.model.titles.iter().filter(|(_, titles)| **titles != [None]).map(|(id, _)| id.clone()).collect();
    let pick = |index: prop::sample::Index| {
        ids.get(index.index(ids.len() + 1)).cloned().unwrap_or_else(|| "BUG-999999".to_owned())
    };
    let title = |length: usize| format!("{round} {}", "x".repeat(length));
    let step = match event {
        Event::Create(length) => Step::Create(title(length)),
        Event::Update(index, length) => Step::Update(pick(index), title(length)),
        Event::Delete(index) => Step::Delete(pick(index)),
        Event::Tidy => Step::Tidy,
        Event::Crash(loss, calls) => {
            if let Some(calls) = calls {
                world.disk.stop_after(Some(calls));
                world.step(&Step::Update(pick_first(&ids), title(60)));
                world.step(&Step::Create(title(0)));
            }
            *world = world.crash(loss);
            return;
        }
        Event::AppendedAfterCrash(loss, line) => {
            *world = world.crash(loss);
            let content = edited(&world.disk.content(FILE), Edit::Append(line.clone()));
            if Model::of(line.as_bytes()).titles.keys().all(|id| !world.model.titles.contains_key(id)) {
                let added = Model::of(line.as_bytes());
                world.disk.put(FILE, &content);
                world.model.foreign.extend(if line.is_empty() { vec![String::new()] } else { added.foreign });
                world.model.titles.extend(added.titles);
                world.model.untouched.extend(added.untouched);
            }
            return;
        }
        Event::Edited(edit, new) => {
            world.check("before an edit");
            let content = edited(&world.disk.content(FILE), edit);
            if new {
                world.disk.put_new(FILE, &content)
            } else {
                world.disk.put(FILE, &content)
            }
            let gone: Vec<_> =
                world.model.titles.keys().filter(|id| world.model.handed_out.contains(*id)).cloned().collect();
            let handed_out = std::mem::take(&mut world.model.handed_out);
            let uncertain = std::mem::take(&mut world.model.uncertain);
            world.model = Model { handed_out, uncertain, ..Model::of(&content) };
            for id in gone {
                world.model.titles.entry(id).or_insert_with(|| vec![None]);
            }
            return;
        }
    };
    assert!(world.step(&step), "{step:?} failed");
}

fn pick_first(ids: &[String]) -> String {
    ids.first().cloned().unwrap_or_else(|| "BUG-999999".to_owned())
}

fn run(limits: Limits, events: Vec<Event>) {
    let content = [line_of("BUG-1", "first"), "broken".to_owned(), line_of("T-0", "text")].join("\n");
    let mut world = World::new(content.as_bytes(), limits);
    for (round, event) in events.into_iter().enumerate() {
        let context = format!("{round}: {event:?}");
        happen(&mut world, event, round);
        world.check(&context);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_happens_nothing_that_was_acknowledged_is_lost_in_place(events in events()) {
        run(IN_PLACE, events);
    }

    #[test]
    fn whatever_happens_nothing_that_was_acknowledged_is_lost_rewritten(events in events()) {
        run(REWRITTEN, events);
    }
}
