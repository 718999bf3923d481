//! Random operations, restarts and changes by other programs, against a model in memory.

use proptest::prelude::*;

use super::*;
use crate::line::Line;

/// Something that happens to a project.
#[derive(Debug, Clone)]
enum Step {
    Create,
    /// Of the defect at this place among all, or of none.
    Update(prop::sample::Index),
    Delete(prop::sample::Index),
    /// Another program appends to a file.
    Append(prop::sample::Index, String),
    /// Another program removes a line.
    Remove(prop::sample::Index),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let good = (1..40u32).prop_map(|number| line(&format!("BUG-{number}"), "by hand"));
    let text = prop_oneof![
        good.clone(),
        good.clone().prop_map(|line| line + "\n"),
        good.prop_map(|line| line.replacen('{', r#"{"extra": 1.50, "#, 1) + "\r\n"),
        Just("\n".to_owned()),
        Just("{\"id\":\"BUG-3\"}\n".to_owned()),
        "[ -~]{0,20}\n?",
    ];
    let step = prop_oneof![
        3 => Just(Step::Create),
        2 => index().prop_map(Step::Update),
        2 => index().prop_map(Step::Delete),
        2 => (index(), text).prop_map(|(file, text)| Step::Append(file, text)),
        1 => index().prop_map(Step::Remove),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..14)
}

/// What the files hold, line by line with their ends.
type Model = [Vec<String>; 2];
const FILES: [&str; 2] = ["a.jsonl", "b.jsonl"];

fn model_of(project: &Project) -> Model {
    FILES.map(|file| project.content(file).split_inclusive('\n').map(str::to_owned).collect())
}

fn id_of(line: &str) -> Option<String> {
    match Line::parse(line.as_bytes()) {
        Line::Defect(defect) => Some(defect.id),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_other_lines_keep_their_bytes_and_ids_are_new(steps in steps()) {
        let mut project = Project::new(&[("a.jsonl", ""), ("b.jsonl", "")]);
        let mut model: Model = Default::default();
        let mut used = HashSet::new();
        for (round, step) in steps.into_iter().enumerate() {
            let title = format!("round {round}");
            let ids: Vec<String> = model.iter().flatten().filter_map(|line| id_of(line)).collect();
            used.extend(ids.iter().cloned());
            let pick = |index: prop::sample::Index| {
                ids.get(index.index(ids.len() + 1)).cloned().unwrap_or_else(|| "BUG-999".to_owned())
            };
            match step {
                Step::Create => {
                    let id = project.create(&title);
                    prop_assert!(used.insert(id.clone()), "{} was there before", id);
                    if let Some(last) = model[0].last_mut().filter(|last| !last.ends_with('\n')) {
                        last.push('\n');
                    }
                    model[0].push(line(&id, &title) + "\n");
                }
                Step::Update(index) => {
                    let id = pick(index);
                    let found = project.store.update("P", &id, &defect(&title)).unwrap().found;
                    prop_assert_eq!(found, ids.contains(&id));
                    for old in model.iter_mut().flatten().filter(|old| id_of(old).as_ref() == Some(&id)) {
                        let mut new = line(&id, &title);
                        if old.contains(r#""extra":"#) {
                            new.insert_str(new.len() - 1, r#","extra":1.50"#);
                        }
                        *old = new + if old.ends_with("\r\n") { "\r\n" } else { "\n" };
                    }
                }
                Step::Delete(index) => {
                    let id = pick(index);
                    let found = project.store.delete("P", &id).unwrap().found;
                    prop_assert_eq!(found, ids.contains(&id));
                    model.iter_mut().for_each(|lines| lines.retain(|line| id_of(line).as_ref() != Some(&id)));
                }
                Step::Append(index, text) => {
                    let path = project.path(FILES[index.index(2)]);
                    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
                    model = model_of(&project);
                }
                Step::Remove(index) => {
                    let number = index.index(2);
                    let lines = &mut model[number];
                    if !lines.is_empty() {
                        lines.remove(index.index(lines.len()));
                    }
                    fs::write(project.path(FILES[number]), lines.concat()).unwrap();
                    model = model_of(&project);
                }
                Step::Restart => project.store = Store::new(project.root.path().to_owned()),
            }
            prop_assert_eq!(&model_of(&project).map(|lines| lines.concat()), &model.clone().map(|lines| lines.concat()));
            let expected: Vec<String> = model.iter().flatten().filter_map(|line| id_of(line)).collect();
            prop_assert_eq!(project.listed().0, expected);
        }
        prop_assert_eq!(project.leftovers(), [""; 0]);
    }
}
