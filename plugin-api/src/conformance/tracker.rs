//! The tracker as the checks see it: its operations, asked as the host asks them.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Callee, Exchange, Pieces, Question, Refusal};
use super::report::Failure;
use super::samples::{Sample, Values};
use super::scratch::ScratchProject;
use crate::model::{
    Defect, DefectWithAttributes, Login, Password, Protocol, ProtocolledDefectSet, ProtocolledString, Results, Settings,
};
use crate::operation::{Operation, Request};

pub(super) struct Tracker<'a> {
    client: &'a dyn Callee,
    pub(super) scratch: &'a ScratchProject,
    /// Whether this is the check of a client that changes nothing.
    pub(super) is_read_only: bool,
    /// In the title of every defect of this run.
    pub(super) mark: String,
    pub(super) numbers: AtomicU32,
    pub(super) principal: Login,
    pub(super) values: OnceLock<Values>,
    /// Two defects that nobody changes, made when they are first needed.
    pub(super) samples: Mutex<Option<[Sample; 2]>>,
    /// The ids of what was created and not deleted yet.
    pub(super) created: Mutex<BTreeSet<String>>,
    /// Answers that held the password.
    leaks: Mutex<Vec<Failure>>,
}

impl<'a> Tracker<'a> {
    pub(super) fn new(client: &'a dyn Callee, scratch: &'a ScratchProject, is_read_only: bool) -> Self {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
        let mark = format!("{now:x}-{:x}-{:x}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
        let secret = format!("secret of {mark}");
        let made_up = || Login { username: "conformance".to_owned(), password: Password::new(secret) };
        Self {
            client,
            scratch,
            is_read_only,
            mark,
            numbers: AtomicU32::new(0),
            principal: scratch.principal.clone().unwrap_or_else(made_up),
            values: OnceLock::new(),
            samples: Mutex::default(),
            created: Mutex::default(),
            leaks: Mutex::default(),
        }
    }

    /// The scratch project.
    pub(super) fn project(&self) -> &'a str {
        &self.scratch.project
    }

    /// Whether the checks may and can do this.
    pub(super) fn can(&self, operation: Operation) -> bool {
        let writes = matches!(operation, Operation::CreateDefect | Operation::UpdateDefect | Operation::DeleteDefect);
        self.scratch.can(operation) && !(writes && self.is_read_only)
    }

    /// Answers that held the password, so far.
    pub(super) fn leaks(&self) -> Vec<Failure> {
        hold(&self.leaks).clone()
    }
}

/// The operations.
impl Tracker<'_> {
    pub(super) fn settings(&self) -> Exchange<Settings> {
        self.ask(Operation::GetSettings, None, None, None)
    }

    /// An operation about a project or the tracker as a whole.
    pub(super) fn about<T>(&self, operation: Operation, project: Option<&str>) -> Exchange<T> {
        self.ask(operation, project, None, None)
    }

    pub(super) fn list(&self, project: &str) -> Exchange<ProtocolledDefectSet> {
        self.ask(Operation::GetDefects, Some(project), None, Some(json!({})))
    }

    /// A list whose pieces were not read yet.
    pub(super) fn open_list(&self) -> (Exchange<ProtocolledDefectSet>, Option<Pieces>) {
        let question = self.question(Operation::GetDefects, Some(self.project()), None, Some(json!({})));
        match self.send(&question) {
            Ok(pieces) => (self.exchange(question, Ok(Vec::new())), Some(pieces)),
            Err(refusal) => (self.exchange(question, Err(refusal)), None),
        }
    }

    pub(super) fn batch<T: Serialize>(&self, project: &str, ids: &[T]) -> Exchange<ProtocolledDefectSet> {
        let body = json!({ "defectIds": ids, "syncContext": {} });
        self.ask(Operation::GetDefectsBatch, Some(project), None, Some(body))
    }

    pub(super) fn extended(&self, project: &str, id: &str) -> Exchange<DefectWithAttributes> {
        self.ask(Operation::GetDefectExtended, Some(project), Some(id), Some(json!({})))
    }

    pub(super) fn create(&self, project: &str, defect: &Defect) -> Exchange<ProtocolledString> {
        let exchange: Exchange<ProtocolledString> =
            self.ask(Operation::CreateDefect, Some(project), None, Some(self.defect_request(defect)));
        let answer = exchange.outcome.as_ref().ok().and_then(|json| serde_json::from_slice(json).ok());
        if let Some(ProtocolledString { value: Some(id), .. }) = answer
            && !id.is_empty()
            && project == self.project()
        {
            hold(&self.created).insert(id);
        }
        exchange
    }

    pub(super) fn update(&self, project: &str, id: &str, defect: &Defect) -> Exchange<Protocol> {
        self.ask(Operation::UpdateDefect, Some(project), Some(id), Some(self.defect_request(defect)))
    }

    pub(super) fn delete(&self, project: &str, id: &str, defect: &Defect) -> Exchange<Protocol> {
        self.ask(Operation::DeleteDefect, Some(project), Some(id), Some(self.defect_request(defect)))
    }

    pub(super) fn sync(&self, operation: Operation, project: &str, sync_type: Option<&str>) -> Exchange<Protocol> {
        let body = json!({ "syncType": sync_type, "syncContext": {} });
        self.ask(operation, Some(project), None, Some(body))
    }

    pub(super) fn correct(&self, project: &str, results: &Results) -> Exchange<Results> {
        let mut body = json!(results);
        self.add_passwords(&mut body);
        self.ask(Operation::CorrectSyncResults, Some(project), None, Some(body))
    }

    fn defect_request(&self, defect: &Defect) -> Value {
        let mut body = json!({ "defect": defect, "syncContext": {} });
        self.add_passwords(&mut body);
        body
    }

    /// The models never write a password; callers do.
    fn add_passwords(&self, body: &mut Value) {
        match body {
            Value::Object(members) => {
                if let Some(Value::Object(principal)) = members.get_mut("principal") {
                    principal.insert("password".to_owned(), self.principal.password.reveal().into());
                }
                members.values_mut().for_each(|member| self.add_passwords(member));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.add_passwords(item)),
            _ => {}
        }
    }

    fn ask<T>(
        &self,
        operation: Operation,
        project: Option<&str>,
        id: Option<&str>,
        body: Option<Value>,
    ) -> Exchange<T> {
        let question = self.question(operation, project, id, body);
        let outcome = self.send(&question).and_then(Pieces::whole);
        self.exchange(question, outcome)
    }

    fn question(&self, operation: Operation, project: Option<&str>, id: Option<&str>, body: Option<Value>) -> Question {
        let request = Request { project: project.map(str::to_owned), defect_id: id.map(str::to_owned), body };
        Question { operation, request, secret: self.principal.password.reveal().to_owned() }
    }

    /// The request as the host would send it.
    fn send(&self, question: &Question) -> Result<Pieces, Refusal> {
        self.client.call(question.operation, json!(question.request).to_string().as_bytes())
    }

    fn exchange<T>(&self, question: Question, outcome: Result<Vec<u8>, Refusal>) -> Exchange<T> {
        let exchange = Exchange { question, outcome, answer: PhantomData };
        self.look_for_the_password(&exchange);
        exchange
    }

    fn look_for_the_password<T>(&self, exchange: &Exchange<T>) {
        /// A shorter one may be in an answer by chance.
        const TELLING: usize = 8;
        let secret = &exchange.question.secret;
        let text = match &exchange.outcome {
            Ok(json) => String::from_utf8_lossy(json),
            Err(Refusal::Error(error)) => format!("{error:?}").into(),
            Err(Refusal::Panic(report)) => report.into(),
        };
        let escaped = json!(secret).to_string();
        if secret.len() >= TELLING && (text.contains(secret) || text.contains(escaped.trim_matches('"'))) {
            let to_do = "leave it out: `Password::reveal` is for handing it to the backend only";
            hold(&self.leaks).push(exchange.fails("the password is in no answer and no error", to_do));
        }
    }
}

pub(super) fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
