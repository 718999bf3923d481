//! Paths and queries below the base, made of parts so that no value can break out of its place.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but RFC 3986's unreserved characters: right for a path segment, a query and a form.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `value` for use inside a path segment, a query or a form.
pub(crate) fn escape(value: &str) -> String {
    utf8_percent_encode(value, RESERVED).to_string()
}

/// `name=value&…`, escaped.
pub(crate) fn escape_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter().map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// What is asked for: a path below Jira's address, and a query.
///
/// ```text
/// Target::new("/rest/api/3/issue").segment("EX-1").segment("transitions").query("expand", "transitions.fields")
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    path: String,
    query: String,
    fault: Option<String>,
}

impl Target {
    /// A path that the program knows, such as `/rest/api/3/issue`.
    pub(crate) fn new(path: &'static str) -> Self {
        debug_assert!(path.starts_with('/'));
        Self { path: path.to_owned(), query: String::new(), fault: None }
    }

    /// Appends one segment: a slash, a question mark or a line end in it stays inside it.
    ///
    /// An empty segment, `.` and `..` would name another resource, escaped or not: sending such a
    /// target fails with [`BadTarget`](super::TransportError::BadTarget).
    #[must_use]
    pub(crate) fn segment(mut self, segment: &str) -> Self {
        if matches!(segment, "" | "." | "..") {
            self.fault = Some(segment.to_owned());
        }
        self.path.push('/');
        self.path.push_str(&escape(segment));
        self
    }

    /// Appends `name=value` to the query.
    #[must_use]
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(&escape_pairs([(name, value)]));
        self
    }

    /// The path, escaped and without the query: what errors and the log show.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The segment that no resource can have.
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Path and query, escaped.
    pub(super) fn path_and_query(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_keep_their_place() {
        let target = Target::new("/rest/api/3/issue").segment("A/../B?x#y").query("jql", "project = \"Ä\" & a=b");
        assert_eq!(
            target.path_and_query(),
            "/rest/api/3/issue/A%2F..%2FB%3Fx%23y?jql=project%20%3D%20%22%C3%84%22%20%26%20a%3Db"
        );
        assert_eq!(target.fault(), None);
        assert_eq!(Target::new("/x").segment("..").fault(), Some(".."));
        assert_eq!(Target::new("/x").segment("").fault(), Some(""));
    }

    proptest! {
        #[test]
        fn no_value_breaks_out(segment in ".*", name in ".*", value in ".*") {
            let text = Target::new("/a").segment(&segment).query(&name, &value).path_and_query();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
            prop_assert_eq!(text.matches('/').count(), 2);
            prop_assert_eq!(text.matches('?').count(), 1);
            prop_assert_eq!(text.matches(['#', '&']).count(), 0);
            prop_assert_eq!(text.matches('=').count(), 1);
            let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8().unwrap().into_owned();
            let (path, query) = text.split_once('?').unwrap();
            prop_assert_eq!(decoded(path), format!("/a/{segment}"));
            let (left, right) = query.split_once('=').unwrap();
            prop_assert_eq!((decoded(left), decoded(right)), (name, value));
        }
    }
}
