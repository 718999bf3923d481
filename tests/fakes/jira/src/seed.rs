//! What is there before the first request.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::face::{Face, Kind};
use crate::field::{Field, FieldType};
use crate::state::{Change, Issue, IssueType, Project, State, Status, Transition, User};

/// What every Jira of this fake has: people, fields, statuses, priorities; no project.
pub(crate) fn furnish(state: &mut State) {
    state.users = vec![
        person("fred", "Fred F. User", true),
        person("mia", "Mia Krystof", true),
        person("old", "Old Timer", false),
    ];
    let system = |id: &str, name: &str, holds| Field { id: id.into(), name: name.into(), holds, options: Vec::new() };
    state.fields = vec![
        system("summary", "Summary", FieldType::String),
        system("description", "Description", FieldType::TextArea),
        system("environment", "Environment", FieldType::TextArea),
        system("priority", "Priority", FieldType::Priority),
        system("labels", "Labels", FieldType::Labels),
        system("components", if state.cloud() { "Components" } else { "Component/s" }, FieldType::Components),
        system("fixVersions", if state.cloud() { "Fix versions" } else { "Fix Version/s" }, FieldType::Versions),
        system("versions", if state.cloud() { "Affects versions" } else { "Affects Version/s" }, FieldType::Versions),
        system("duedate", if state.cloud() { "Due date" } else { "Due Date" }, FieldType::Date),
        system("assignee", "Assignee", FieldType::User),
        system("reporter", "Reporter", FieldType::User),
        system("parent", "Parent", FieldType::Parent),
        system("resolution", "Resolution", FieldType::Resolution),
    ];
    let named = |names: &[&str]| {
        names.iter().enumerate().map(|(index, name)| ((index + 1).to_string(), (*name).into())).collect::<Vec<_>>()
    };
    state.priorities = named(&["Highest", "High", "Medium", "Low", "Lowest"]);
    state.resolutions = named(&["Done", "Won't Do", "Duplicate"]);
    let status =
        |id: &str, name: &str, category: &str| Status { id: id.into(), name: name.into(), category: category.into() };
    state.statuses = vec![
        status("1", "Open", "new"),
        status("3", "In Progress", "indeterminate"),
        status("4", "In Review", "indeterminate"),
        status("5", "Done", "done"),
    ];
}

fn person(name: &str, display_name: &str, active: bool) -> User {
    User {
        account_id: format!("5b10{name}"),
        name: name.into(),
        display_name: display_name.into(),
        email: format!("{name}@example.com"),
        active,
        time_zone: "Etc/UTC".into(),
        utc_offset_minutes: 0,
    }
}

/// Open -> In Progress <-> In Review -> Done -> Open; Done wants a resolution.
fn workflow() -> Vec<Transition> {
    let way = |id: &str, name: &str, from: &[&str], to: &str| Transition {
        id: id.into(),
        name: name.into(),
        from: from.iter().map(|id| (*id).into()).collect(),
        to: to.into(),
        fields: Vec::new(),
    };
    let mut done = way("31", "Done", &["4"], "5");
    done.fields = vec![("resolution".into(), true), ("fixVersions".into(), false)];
    vec![
        way("11", "Start progress", &["1", "4"], "3"),
        way("21", "Review", &["3"], "4"),
        done,
        way("41", "Stop progress", &["3"], "1"),
        way("51", "Reopen", &["5"], "1"),
    ]
}

impl State {
    /// Adds a project with issue types Bug, Task and Sub-task, two components, two versions and a workflow
    /// Open -> In Progress <-> In Review -> Done -> Open, of which the step to Done wants a resolution.
    pub fn add_project(&mut self, key: &str, name: &str) -> &mut Project {
        let screen: Vec<(String, bool)> = [
            ("summary", true),
            ("description", false),
            ("environment", false),
            ("priority", false),
            ("labels", false),
            ("components", false),
            ("fixVersions", false),
            ("versions", false),
            ("duedate", false),
            ("assignee", false),
            ("reporter", false),
        ]
        .map(|(id, required)| (id.to_owned(), required))
        .into();
        let mut types = Vec::new();
        // Issue types are the site's, not the project's.
        for (id, name, subtask) in [("1", "Bug", false), ("2", "Task", false), ("3", "Sub-task", true)] {
            let mut screen = screen.clone();
            if subtask {
                screen.push(("parent".into(), true));
            }
            types.push(IssueType { id: id.into(), name: name.into(), subtask, screen });
        }
        let mut named = |names: [&str; 2]| names.map(|name| (self.id().to_string(), name.to_owned())).into();
        let (components, versions) = (named(["Backend", "Frontend"]), named(["1.0", "2.0"]));
        let project = Project {
            id: self.id().to_string(),
            key: key.into(),
            name: name.into(),
            types,
            statuses: ["1", "3", "4", "5"].map(str::to_owned).into(),
            transitions: workflow(),
            components,
            versions,
            last_number: 0,
        };
        let index = self.projects.len();
        self.projects.push(project);
        &mut self.projects[index]
    }

    /// Adds a custom field of every type to a project's screens, none required: `Text`, `Notes` (textarea),
    /// `Link`, `Day`, `Moment`, `Points`, `Severity`, `Platforms`, `Place` (cascading), `Tags`, `Found in`
    /// (version), `Broken in` (versions), `Tester`, `Watchers`.
    ///
    /// # Panics
    ///
    /// Without such a project.
    pub fn add_fields_of_every_type(&mut self, project: &str) {
        for (name, holds, options) in [
            ("Text", FieldType::String, &[][..]),
            ("Notes", FieldType::TextArea, &[]),
            ("Link", FieldType::Url, &[]),
            ("Day", FieldType::Date, &[]),
            ("Moment", FieldType::DateTime, &[]),
            ("Points", FieldType::Number, &[]),
            ("Severity", FieldType::Option, &["Critical", "Major", "Minor"]),
            ("Platforms", FieldType::MultiOption, &["Linux", "Windows", "macOS"]),
            ("Place", FieldType::Cascading, &["Shop > Cart", "Shop > Till", "Office"]),
            ("Tags", FieldType::Labels, &[]),
            ("Found in", FieldType::Version, &[]),
            ("Broken in", FieldType::Versions, &[]),
            ("Tester", FieldType::User, &[]),
            ("Watchers", FieldType::Users, &[]),
        ] {
            let id = self.add_field(name, holds, options);
            self.put_on_screens(project, &id, false);
        }
    }

    /// Adds `count` issues of type Bug at once, `<KEY>-<n>` with the summary `Defect <n>`, in the statuses
    /// and priorities in turn, a second apart, the newest now.
    ///
    /// # Panics
    ///
    /// Without such a project.
    pub fn add_issues(&mut self, project: &str, count: u64) {
        let index = self.project_index(project);
        let now = self.now();
        for turn in 0..count {
            let number = self.projects[index].last_number + 1;
            let status =
                self.projects[index].statuses[(turn % 4) as usize % self.projects[index].statuses.len()].clone();
            let mut fields = BTreeMap::from([("summary".into(), Value::from(format!("Defect {number}")))]);
            fields.insert(
                "priority".into(),
                self.priorities[(turn % 5) as usize % self.priorities.len()].0.clone().into(),
            );
            let at = now - TimeDelta::seconds((count - turn) as i64);
            let issue = Issue {
                id: self.id(),
                project: index,
                number,
                issue_type: self.projects[index].types[0].id.clone(),
                status,
                reporter: self.users[0].account_id.clone(),
                created: at,
                updated: at,
                fields,
                properties: BTreeMap::new(),
                history: Vec::new(),
                comments: Vec::new(),
            };
            self.insert(issue);
        }
    }

    pub(crate) fn insert(&mut self, issue: Issue) {
        self.projects[issue.project].last_number = issue.number;
        self.keys.insert(self.key(&issue).to_ascii_uppercase(), issue.id);
        self.put(issue);
    }

    /// Puts a value into an issue's field as it is kept, unchecked: an ADF document with nodes that nobody
    /// knows, text with newlines. Values with ids (options, users, versions) are the ids.
    ///
    /// # Panics
    ///
    /// Without such an issue.
    pub fn set_field(&mut self, key: &str, field: &str, value: Value) {
        let now = self.now();
        let issue = self.issue_mut(key);
        issue.fields.insert(field.into(), value);
        issue.updated = now;
        self.changed();
    }

    /// Adds `count` entries to an issue's history, each a change of its priority, a minute apart, the newest
    /// now.
    ///
    /// # Panics
    ///
    /// Without such an issue.
    pub fn add_changes(&mut self, key: &str, count: u64) {
        let (now, author) = (self.now(), self.users[0].account_id.clone());
        for turn in 0..count {
            let id = self.id();
            let (from, to) = (self.priorities[0].clone(), self.priorities[1].clone());
            let (from, to) = if turn % 2 == 0 { (from, to) } else { (to, from) };
            let mut item = json!({"field": "priority", "fieldtype": "jira", "from": from.0, "fromString": from.1,
                                  "to": to.0, "toString": to.1});
            if self.cloud() {
                item["fieldId"] = "priority".into();
            }
            let created = now - TimeDelta::minutes((count - turn) as i64);
            self.issue_mut(key).history.push(Change { id, author: author.clone(), created, items: vec![item] });
        }
        self.changed();
    }

    /// Moves an issue to another project, where it gets a new key; the old one still finds it.
    ///
    /// # Panics
    ///
    /// Without such an issue or project.
    pub fn move_issue(&mut self, key: &str, project: &str) -> String {
        let index = self.project_index(project);
        let number = self.projects[index].last_number + 1;
        let issue = self.issue_mut(key);
        (issue.project, issue.number) = (index, number);
        let issue = issue.clone();
        let key = self.key(&issue);
        self.insert(issue);
        key
    }

    /// The keys of a project's issues, oldest first.
    pub fn keys(&self, project: &str) -> Vec<String> {
        let of = |issue: &&Issue| self.projects[issue.project].key == project;
        self.issues.values().filter(of).map(|issue| self.key(issue)).collect()
    }

    /// What an issue holds now, as v2 answers it, with all fields; none without such an issue.
    pub fn issue(&self, key: &str) -> Option<Value> {
        let face = Face {
            kind: self.kind,
            version: if self.kind == Kind::Cloud { 3 } else { 2 },
            base: String::new(),
            site: String::new(),
            media: String::new(),
            gateway: false,
        };
        let issue = &self.issues[&self.find(key)?];
        Some(crate::issues::show(self, &face, issue, &crate::issues::Wanted::all()))
    }

    #[expect(clippy::panic, reason = "a test names an issue that it did not make")]
    fn issue_mut(&mut self, key: &str) -> &mut Issue {
        let found = self.find(key).and_then(|id| self.issues.get_mut(&id));
        found.unwrap_or_else(|| panic!("the fake has no issue `{key}`"))
    }
}
