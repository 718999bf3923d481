//! The keys of a configuration as TOML to paste: what is required is there, with a value to replace;
//! everything else is commented out.
//!
//! A line that begins with `#` and no space behind it is such a key: without the `#` it is valid TOML
//! as well. All other comments begin with `# `.

use serde_json::Value;
use toml_writer::ToTomlKey;

use super::super::prose::wrapped;
use super::key_table::constraints;
use crate::config::{Key, SECTION, Shape};
use crate::edit::{literal, string};

/// A line of the file is at most so wide, as far as words can be wrapped.
const WIDTH: usize = 100;

/// The section of a service that runs a client; `about` says which one that is.
pub(super) fn template(about: &str, client_class: &str, keys: &[Key]) -> String {
    let mut template = Template { text: String::new() };
    template.comment(about);
    template.blank();
    template.line(false, &format!("[{SECTION}]"));
    template.line(false, &format!("client_class = {}", string(client_class)));
    let path = vec![SECTION.to_owned(), "client_config".to_owned()];
    template.blank();
    template.line(false, &header(&path, false));
    template.keys(keys, &path, false);
    template.text
}

struct Template {
    text: String,
}

impl Template {
    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn line(&mut self, commented: bool, line: &str) {
        if commented {
            self.text.push('#');
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn comment(&mut self, text: &str) {
        for line in wrapped(text, "# ", WIDTH) {
            self.line(false, &line);
        }
    }

    /// TOML wants a table's own keys before the tables in it.
    fn keys(&mut self, keys: &[Key], path: &[String], commented: bool) {
        let (tables, values): (Vec<_>, Vec<_>) = keys.iter().partition(|key| is_section(key));
        for key in values {
            let commented = commented || !key.required;
            self.about(key);
            let default = key.default.as_ref().and_then(literal);
            if default.is_none() && !key.required && key.name.is_some() {
                self.comment("No default: this is an example.");
            }
            let value = default.or_else(|| literal(&key.placeholder)).unwrap_or_else(|| string(""));
            self.line(commented, &format!("{} = {value}", name(key, keys).to_toml_key()));
        }
        for key in tables {
            let commented = commented || !key.required;
            let path = [path, &[name(key, keys)]].concat();
            self.about(key);
            let inside = match &key.shape {
                Shape::List(entry) => &entry.shape,
                other => other,
            };
            self.line(commented, &header(&path, matches!(key.shape, Shape::List(_))));
            if let Shape::Table(keys) = inside {
                self.keys(keys, &path, commented);
            }
        }
    }

    /// What is said of a key, behind an empty line; nothing at all for the only key of a dictionary.
    fn about(&mut self, key: &Key) {
        if key.name.is_some() || matches!(key.shape, Shape::Table(_)) {
            self.blank();
        }
        self.comment(key.description.as_deref().unwrap_or_default());
        for sentence in constraints(key) {
            self.comment(&sentence);
        }
    }
}

/// Is it written as a section of its own, not as a value on a line?
fn is_section(key: &Key) -> bool {
    let empty = |value: &Value| match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(table) => table.is_empty(),
        _ => false,
    };
    // A default that says something is shown as such.
    let open = key.default.as_ref().is_none_or(empty);
    match &key.shape {
        Shape::Table(keys) => open && !keys.is_empty(),
        Shape::List(entry) => open && matches!(&entry.shape, Shape::Table(keys) if !keys.is_empty()),
        Shape::Value | Shape::More => false,
    }
}

/// A key's name; of one that stands for any name, one that no other key has.
fn name(key: &Key, siblings: &[Key]) -> String {
    key.name.clone().unwrap_or_else(|| {
        let mut name = "<name>".to_owned();
        while siblings.iter().any(|key| key.name.as_deref() == Some(&name)) {
            name.push('_');
        }
        name
    })
}

fn header(path: &[String], of_list: bool) -> String {
    let path: Vec<String> = path.iter().map(|name| name.to_toml_key()).collect();
    let path = path.join(".");
    if of_list { format!("[[{path}]]") } else { format!("[{path}]") }
}

#[cfg(test)]
mod tests;
