//! Everything that this Jira knows, and how tests fill it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::auth::Logins;
use crate::face::{Face, Kind};
use crate::field::{Field, FieldOption, FieldType};
use crate::search::Pages;

/// One person.
#[derive(Debug, Clone)]
pub struct User {
    /// What Cloud calls people by, and the fake on both kinds.
    pub account_id: String,
    /// What Data Center calls people by: the login.
    pub name: String,
    /// As people see it.
    pub display_name: String,
    /// Also the login of Cloud.
    pub email: String,
    /// Whether issues may be assigned.
    pub active: bool,
    /// Shown only: the name of a time zone.
    pub time_zone: String,
    /// What dates in JQL are in, in minutes east of UTC.
    pub utc_offset_minutes: i32,
}

/// One status of a workflow.
#[derive(Debug, Clone)]
pub struct Status {
    /// As Jira numbers it.
    pub id: String,
    /// As people see it.
    pub name: String,
    /// `new`, `indeterminate` or `done`.
    pub category: String,
}

/// One way from a status to another.
#[derive(Debug, Clone)]
pub struct Transition {
    /// As Jira numbers it.
    pub id: String,
    /// As people see it.
    pub name: String,
    /// The ids of statuses where it starts; empty: all.
    pub from: Vec<String>,
    /// The id of the status where it ends.
    pub to: String,
    /// The ids of fields on its screen, and whether each is required.
    pub fields: Vec<(String, bool)>,
}

/// One issue type of a project with the fields of its screen.
#[derive(Debug, Clone)]
pub struct IssueType {
    /// As Jira numbers it.
    pub id: String,
    /// As people see it.
    pub name: String,
    /// Whether its issues have a parent.
    pub subtask: bool,
    /// The ids of fields that may be set, and whether each is required.
    pub screen: Vec<(String, bool)>,
}

/// One project.
#[derive(Debug, Clone)]
pub struct Project {
    /// As Jira numbers it.
    pub id: String,
    /// What issue keys begin with.
    pub key: String,
    /// As people see it.
    pub name: String,
    /// What an issue may be.
    pub types: Vec<IssueType>,
    /// What an issue may be in; new issues are in the first.
    pub statuses: Vec<String>,
    /// The ways between.
    pub transitions: Vec<Transition>,
    /// Ids and names.
    pub components: Vec<(String, String)>,
    /// Ids and names.
    pub versions: Vec<(String, String)>,
    pub(crate) last_number: u64,
}

/// One entry of an issue's history.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) created: DateTime<Utc>,
    /// As `items` in answers.
    pub(crate) items: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) created: DateTime<Utc>,
    pub(crate) body: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct Attachment {
    pub(crate) id: u64,
    pub(crate) issue: u64,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) author: String,
    pub(crate) created: DateTime<Utc>,
    pub(crate) bytes: Bytes,
}

#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    /// The index of its project, and its number there.
    pub(crate) project: usize,
    pub(crate) number: u64,
    /// Ids.
    pub(crate) issue_type: String,
    pub(crate) status: String,
    pub(crate) reporter: String,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
    /// By field id, in the form of [`crate::field::read`].
    pub(crate) fields: BTreeMap<String, Value>,
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) history: Vec<Change>,
    pub(crate) comments: Vec<Comment>,
}

impl Issue {
    fn parent(&self) -> Option<u64> {
        self.fields.get("parent")?.as_str()?.parse().ok()
    }
}

/// Everything that this Jira knows. Tests fill it through [`crate::JiraFake::state`]; what they change
/// there is no request, appears in no log, and obeys no screen or workflow.
pub struct State {
    pub(crate) kind: Kind,
    /// The version: on Data Center, what there is depends on it. Default: 10.3.24.
    pub version: [u32; 3],
    /// The people. Further ones: push.
    pub users: Vec<User>,
    /// The fields of all projects. Further ones: [`State::add_field`].
    pub fields: Vec<Field>,
    /// All statuses of all projects.
    pub statuses: Vec<Status>,
    /// Ids and names.
    pub priorities: Vec<(String, String)>,
    /// Ids and names.
    pub resolutions: Vec<(String, String)>,
    /// The projects. Further ones: [`State::add_project`].
    pub projects: Vec<Project>,
    /// The largest attachment, in bytes. Default: 10 MiB.
    pub upload_limit: u64,
    /// The most issues of one page. Default: 1000 on Data Center; 100 on Cloud, where pages of ids alone
    /// may have 5000 all the same.
    pub largest_page: usize,
    /// The entries of one page of an issue's change history on Cloud. Default: 100.
    pub changelog_page: usize,
    /// How far this Jira's clock is ahead of the machine's, in seconds: `created`, `updated` and the
    /// header `Date`.
    pub clock_ahead_secs: i64,
    /// Where this Jira's clock stands still, for two of them that are to be the same. Default: it goes.
    pub clock_stands_at: Option<DateTime<Utc>>,
    /// Whether new issues stay out of searches, as for a moment on Cloud, until this is false again.
    /// `reconcileIssues` finds them.
    pub index_stands_still: bool,
    /// Who may come in.
    pub logins: Logins,
    pub(crate) issues: BTreeMap<u64, Issue>,
    /// By key in capitals; keys that an issue had before it was moved stay.
    pub(crate) keys: HashMap<String, u64>,
    pub(crate) unindexed: BTreeSet<u64>,
    /// Pairs of parent and child.
    children: BTreeSet<(u64, u64)>,
    pub(crate) attachments: BTreeMap<u64, Attachment>,
    pub(crate) pages: Pages,
    next_id: u64,
    /// Raised by every change of an issue: what searches may be remembered by.
    pub(crate) revision: u64,
}

impl State {
    pub(crate) fn new(kind: Kind) -> Self {
        let mut state = Self {
            kind,
            version: [10, 3, 24],
            users: Vec::new(),
            fields: Vec::new(),
            statuses: Vec::new(),
            priorities: Vec::new(),
            resolutions: Vec::new(),
            projects: Vec::new(),
            upload_limit: 10 * 1024 * 1024,
            largest_page: if kind == Kind::Cloud { 100 } else { 1000 },
            changelog_page: 100,
            clock_ahead_secs: 0,
            clock_stands_at: None,
            index_stands_still: false,
            logins: Logins::new(kind),
            issues: BTreeMap::new(),
            keys: HashMap::new(),
            unindexed: BTreeSet::new(),
            children: BTreeSet::new(),
            attachments: BTreeMap::new(),
            pages: Pages::default(),
            next_id: 10_000,
            revision: 0,
        };
        crate::seed::furnish(&mut state);
        state
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock_stands_at.unwrap_or_else(Utc::now) + TimeDelta::seconds(self.clock_ahead_secs)
    }

    pub(crate) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn cloud(&self) -> bool {
        self.kind == Kind::Cloud
    }

    /// Adds a custom field and answers its id. Put it onto screens with [`State::put_on_screens`].
    ///
    /// `options` are of select lists; of a cascading one `Parent > Child` adds a child.
    pub fn add_field(&mut self, name: &str, holds: FieldType, options: &[&str]) -> String {
        let id = format!("customfield_{}", self.id());
        let mut list: Vec<FieldOption> = Vec::new();
        for text in options {
            let (parent, child) = text.split_once(" > ").map_or((*text, None), |(parent, child)| (parent, Some(child)));
            let index = list.iter().position(|option| option.value == parent).unwrap_or_else(|| {
                list.push(FieldOption { id: self.id().to_string(), value: parent.into(), children: Vec::new() });
                list.len() - 1
            });
            if let Some(child) = child {
                let id = self.id().to_string();
                list[index].children.push(FieldOption { id, value: child.into(), children: Vec::new() });
            }
        }
        self.fields.push(Field { id: id.clone(), name: name.into(), holds, options: list });
        id
    }

    /// Puts a field on the screens of all issue types of a project, once.
    ///
    /// # Panics
    ///
    /// Without such a project.
    pub fn put_on_screens(&mut self, project: &str, field: &str, required: bool) {
        let index = self.project_index(project);
        for issue_type in &mut self.projects[index].types {
            issue_type.screen.retain(|(id, _)| id != field);
            issue_type.screen.push((field.into(), required));
        }
    }

    #[expect(clippy::panic, reason = "a test names a project that it did not make")]
    pub(crate) fn project_index(&self, key: &str) -> usize {
        let found = self.projects.iter().position(|project| project.key == key);
        found.unwrap_or_else(|| panic!("the fake has no project `{key}`"))
    }

    pub(crate) fn project(&self, id_or_key: &str) -> Option<usize> {
        self.projects.iter().position(|project| project.id == id_or_key || project.key.eq_ignore_ascii_case(id_or_key))
    }

    pub(crate) fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    pub(crate) fn status(&self, id: &str) -> Option<&Status> {
        self.statuses.iter().find(|status| status.id == id)
    }

    pub(crate) fn key(&self, issue: &Issue) -> String {
        format!("{}-{}", self.projects[issue.project].key, issue.number)
    }

    /// The issue of an id or a key, also of one that it had before it was moved.
    pub(crate) fn find(&self, id_or_key: &str) -> Option<u64> {
        match id_or_key.parse::<u64>() {
            Ok(id) => self.issues.contains_key(&id).then_some(id),
            Err(_) => self.keys.get(&id_or_key.to_ascii_uppercase()).copied(),
        }
    }

    pub(crate) fn issue_type(&self, issue: &Issue) -> Option<&IssueType> {
        self.projects[issue.project].types.iter().find(|kind| kind.id == issue.issue_type)
    }

    pub(crate) fn versions(&self, project: usize) -> impl Iterator<Item = (&String, &String)> {
        self.projects[project].versions.iter().map(|(id, name)| (id, name))
    }

    pub(crate) fn show_user(&self, face: &Face, account_id: &str) -> Value {
        let Some(user) = self.users.iter().find(|user| user.account_id == account_id) else { return Value::Null };
        if face.cloud() {
            json!({"self": face.link(&format!("user?accountId={}", user.account_id)), "accountId": user.account_id,
                   "accountType": "atlassian", "displayName": user.display_name, "emailAddress": user.email,
                   "active": user.active, "timeZone": user.time_zone})
        } else {
            json!({"self": face.link(&format!("user?username={}", user.name)), "name": user.name,
                   "key": format!("JIRAUSER{}", user.account_id), "displayName": user.display_name,
                   "emailAddress": user.email, "active": user.active, "timeZone": user.time_zone})
        }
    }

    pub(crate) fn show_priority(&self, face: &Face, id: &str) -> Value {
        let name = self.priorities.iter().find(|(known, _)| known == id).map(|(_, name)| name);
        json!({"self": face.link(&format!("priority/{id}")), "id": id, "name": name,
               "iconUrl": format!("{}/images/icons/priorities/{id}.svg", face.site)})
    }

    pub(crate) fn show_resolution(&self, face: &Face, id: &str) -> Value {
        let name = self.resolutions.iter().find(|(known, _)| known == id).map(|(_, name)| name);
        json!({"self": face.link(&format!("resolution/{id}")), "id": id, "name": name, "description": ""})
    }

    pub(crate) fn show_status(&self, face: &Face, id: &str) -> Value {
        let Some(status) = self.status(id) else { return Value::Null };
        let (number, name, color) = match status.category.as_str() {
            "new" => (2, "To Do", "blue-gray"),
            "done" => (3, "Done", "green"),
            _ => (4, "In Progress", "yellow"),
        };
        json!({"self": face.link(&format!("status/{id}")), "id": id, "name": status.name, "description": "",
               "iconUrl": format!("{}/images/icons/statuses/generic.png", face.site),
               "statusCategory": {"self": face.link(&format!("statuscategory/{number}")), "id": number,
                                  "key": status.category, "name": name, "colorName": color}})
    }

    /// What every answer about an issue type has.
    pub(crate) fn show_type(&self, face: &Face, kind: &IssueType) -> Value {
        json!({"self": face.link(&format!("issuetype/{}", kind.id)), "id": kind.id, "name": kind.name,
               "description": "", "iconUrl": format!("{}/images/icons/issuetypes/generic.png", face.site),
               "subtask": kind.subtask})
    }

    /// Puts an issue in the place of what was there by its id.
    pub(crate) fn put(&mut self, issue: Issue) {
        self.forget_parent(issue.id);
        if let Some(parent) = issue.parent() {
            self.children.insert((parent, issue.id));
        }
        self.issues.insert(issue.id, issue);
        self.changed();
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.forget_parent(id);
        self.issues.remove(&id);
        self.keys.retain(|_, known| *known != id);
        self.attachments.retain(|_, attachment| attachment.issue != id);
        self.changed();
    }

    fn forget_parent(&mut self, id: u64) {
        if let Some(parent) = self.issues.get(&id).and_then(Issue::parent) {
            self.children.remove(&(parent, id));
        }
    }

    pub(crate) fn children(&self, id: u64) -> impl Iterator<Item = &Issue> {
        self.children.range((id, 0)..=(id, u64::MAX)).filter_map(|(_, child)| self.issues.get(child))
    }

    /// Notes that an issue changed, so that searches are made anew.
    pub(crate) fn changed(&mut self) {
        self.revision += 1;
    }
}
