//! Both services over copies of one data set, asked the same.

use std::cell::RefCell;

use defect_host_tests::{Client, HostFolder, PythonService, Response, TestHost};
use serde_json::Value;

use crate::meaning::Meaning;

/// A request.
pub(crate) struct Call {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    credentials: Option<Option<(&'static str, &'static str)>>,
}

/// A request without a body.
pub(crate) fn get(path: &str) -> Call {
    raw("GET", path, "")
}

/// A request with these bytes as its body.
pub(crate) fn raw(method: &'static str, path: &str, body: impl AsRef<[u8]>) -> Call {
    // A connection of its own: the Python service closes idle ones whenever it likes.
    let headers = vec![("connection", "close".to_owned())];
    Call { method, path: path.to_owned(), headers, body: body.as_ref().to_vec(), credentials: None }
}

/// POST of JSON.
pub(crate) fn post(path: &str, body: &Value) -> Call {
    raw("POST", path, body.to_string()).with_header("content-type", "application/json")
}

/// PUT of JSON.
pub(crate) fn put(path: &str, body: &Value) -> Call {
    raw("PUT", path, body.to_string()).with_header("content-type", "application/json")
}

impl Call {
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With other credentials than the configured ones, or with none.
    pub(crate) fn with_credentials(mut self, credentials: Option<(&'static str, &'static str)>) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Method and path.
    pub(crate) fn what(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn send(&self, client: &Client) -> Response {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        match self.credentials {
            None => client.send(self.method, &self.path, &headers, &self.body),
            Some(other) => client.with_credentials(other).send(self.method, &self.path, &headers, &self.body),
        }
    }
}

/// The answers of the two services.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) python: Response,
    pub(crate) ours: Response,
}

impl Answers {
    /// The statuses: the Python service's, then ours.
    pub(crate) fn statuses(&self) -> (u16, u16) {
        (self.python.status, self.ours.status)
    }
}

/// Both services, each in a folder of its own that began as a copy of the other's.
pub(crate) struct Both {
    pub(crate) python: PythonService,
    pub(crate) ours: TestHost,
    unequal: RefCell<Vec<String>>,
}

impl Both {
    /// Starts both with this `config.toml`, in folders that `fill` fills.
    pub(crate) fn start(config: &str, fill: impl Fn(&HostFolder)) -> Self {
        let folder = || {
            let folder = HostFolder::with_config(config);
            fill(&folder);
            folder
        };
        Self::of(folder(), folder())
    }

    /// Starts each in a folder of its own.
    pub(crate) fn of(python: HostFolder, ours: HostFolder) -> Self {
        Self { python: PythonService::start(python), ours: ours.start(), unequal: RefCell::default() }
    }

    /// Both answers to a request.
    pub(crate) fn ask(&self, call: &Call) -> Answers {
        Answers { python: call.send(self.python.client()), ours: call.send(self.ours.client()) }
    }

    /// Writes a file of the data set in both folders.
    pub(crate) fn write(&self, name: &str, content: &str) {
        self.python.folder().write(name, content);
        self.ours.folder().write(name, content);
    }

    /// A file of the data set: the Python service's, then ours.
    pub(crate) fn read(&self, name: &str) -> (String, String) {
        (self.python.folder().read(name), self.ours.folder().read(name))
    }

    /// Asks both. Their answers must have the same status and meaning, which is returned; see
    /// [`Both::assert_equal`].
    pub(crate) fn same(&self, case: &str, call: &Call) -> Meaning {
        self.same_but(case, call, |_| {})
    }

    /// As [`Both::same`], after a change to what both mean.
    pub(crate) fn same_but(&self, case: &str, call: &Call, change: impl Fn(&mut Meaning)) -> Meaning {
        let answers = self.ask(call);
        let (mut python, mut ours) = (Meaning::of(&answers.python), Meaning::of(&answers.ours));
        change(&mut python);
        change(&mut ours);
        self.compare(case, &call.what(), &python, &ours);
        ours
    }

    /// Notes a difference; see [`Both::assert_equal`].
    pub(crate) fn compare<T: PartialEq + std::fmt::Debug>(&self, case: &str, what: &str, python: &T, ours: &T) {
        if python != ours {
            let report = format!("{case}: {what}\n  python: {python:?}\n  ours:   {ours:?}");
            self.unequal.borrow_mut().push(report);
        }
    }

    /// Fails with all differences that were noted, not just the first.
    pub(crate) fn assert_equal(&self) {
        let unequal = self.unequal.take();
        assert!(unequal.is_empty(), "{} cases differ:\n{}", unequal.len(), unequal.join("\n"));
    }
}
