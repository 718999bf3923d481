//! Asks for the values of a table, as the JSON Schema says what they are.

use serde_json::{Map, Value};

use super::super::prose::shown;
use super::person::{Person, Stopped};
use super::questions::{Form, find, form, meaning, next, offered, plain, visible};
use super::values;
use crate::config::{Key, KeyPath, faults_at};

/// Questions about one table, the service's or a plugin's.
pub(super) struct Interview<'a> {
    pub(super) person: &'a mut dyn Person,
    /// What the table may hold.
    pub(super) schema: &'a Value,
    pub(super) keys: &'a [Key],
    /// What it holds.
    pub(super) values: Map<String, Value>,
    /// Is an environment variable set?
    pub(super) is_set: &'a dyn Fn(&str) -> bool,
}

impl Interview<'_> {
    /// Asks for what is needed, and offers the rest.
    pub(super) fn all(&mut self) -> Result<(), Stopped> {
        let keys = self.keys;
        let asked = self.needed(&KeyPath::default(), keys)?;
        let rest: Vec<&Key> = offered(keys, &self.values)
            .into_iter()
            .filter(|key| !asked.iter().any(|name| key.name.as_ref() == Some(name)))
            .collect();
        if rest.is_empty() {
            return Ok(());
        }
        self.person.say("");
        let settings =
            if rest.len() == 1 { "1 further setting".to_owned() } else { format!("{} further settings", rest.len()) };
        if self.person.yes(&format!("{settings} may stay as they are. Change some?"), false)? {
            self.pick(&KeyPath::default(), &rest)?;
        }
        Ok(())
    }

    /// Asks again for the value at a path, or offers to remove what does not belong there.
    pub(super) fn again(&mut self, path: &KeyPath) -> Result<(), Stopped> {
        let keys = self.keys;
        match find(keys, path.segments()) {
            Some(key) => self.question(path, key, false),
            None if values::get(&self.values, path).is_some() => {
                if self.person.yes(&format!("Remove `{}`?", shown(&path.to_string())), true)? {
                    values::remove(&mut self.values, path);
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Asks for what has to be there or is marked; gives the names of these keys.
    fn needed(&mut self, path: &KeyPath, keys: &[Key]) -> Result<Vec<String>, Stopped> {
        let mut asked = Vec::new();
        while let Some((key, name)) =
            next(keys, &values::table(&self.values, path), &asked).and_then(|key| Some((key, key.name.clone()?)))
        {
            self.question(&path.child(&name), key, true)?;
            asked.push(name);
        }
        Ok(asked)
    }

    /// Lets the person pick keys to change, as long as there is one.
    fn pick(&mut self, path: &KeyPath, keys: &[&Key]) -> Result<(), Stopped> {
        let names: Vec<&str> = keys.iter().filter_map(|key| key.name.as_deref()).collect();
        let mut list = true;
        loop {
            if list {
                self.person.say("");
                for (index, key) in keys.iter().enumerate() {
                    let name = key.name.as_deref().unwrap_or_default();
                    let value = self.standing(&path.child(name), key);
                    let label = format!("{:>4}) ", index + 1);
                    self.person.entry(
                        &label,
                        &format!("{}{}", shown(name), value.map_or_else(String::new, |value| format!(": {value}"))),
                    );
                }
            }
            let typed = self.person.line("Which one? Its number or name, `?` for the list [done]: ")?;
            list = typed == "?";
            let by_number = || keys.get(typed.parse::<usize>().ok()?.checked_sub(1)?);
            let found =
                names.iter().position(|name| *name == typed).and_then(|index| keys.get(index)).or_else(by_number);
            match found {
                _ if typed.is_empty() => return Ok(()),
                _ if list => {}
                Some(key) => self.question(&path.child(key.name.as_deref().unwrap_or_default()), key, false)?,
                None => self.person.say("  there is no such setting"),
            }
        }
    }

    /// What holds of a key now, for a list of keys.
    fn standing(&self, path: &KeyPath, key: &Key) -> Option<String> {
        match (values::get(&self.values, path), form(key)) {
            (Some(Value::Object(table)), _) if table.is_empty() => None,
            (Some(Value::Object(table)), _) => {
                Some(table.keys().map(|name| shown(name)).collect::<Vec<_>>().join(", "))
            }
            (Some(Value::Array(list)), Form::List(_)) => Some(format!("{} entries", list.len())),
            (Some(value), _) => Some(visible(key, value)),
            (None, Form::Table(_) | Form::Dictionary(_) | Form::List(_)) => None,
            (None, _) => key.default.as_ref().map(|value| shown(&plain(value))),
        }
    }

    /// Asks for one key until the answer is right. With `write_default`, a default that is agreed to is written.
    fn question(&mut self, path: &KeyPath, key: &Key, write_default: bool) -> Result<(), Stopped> {
        self.person.say("");
        let description = key.description.as_deref().unwrap_or_default();
        self.person.explain(description.split("\n\n").next().unwrap_or_default(), "");
        match form(key) {
            Form::Table(keys) => self.inside(path, keys),
            Form::Dictionary(entry) => self.entries(path, entry, true),
            Form::List(entry) => self.entries(path, entry, false),
            Form::Choice(choices) => {
                for (index, (value, description)) in choices.iter().enumerate() {
                    let about = description.as_deref().map_or_else(String::new, |about| format!(": {about}"));
                    self.person.entry(&format!("{:>4}) ", index + 1), &format!("{}{about}", shown(&plain(value))));
                }
                self.single(path, key, write_default)
            }
            Form::Flag | Form::Line | Form::Commas | Form::Toml => self.single(path, key, write_default),
        }
    }

    fn inside(&mut self, path: &KeyPath, keys: &[Key]) -> Result<(), Stopped> {
        let asked = self.needed(path, keys)?;
        let rest: Vec<&Key> = offered(keys, &values::table(&self.values, path))
            .into_iter()
            .filter(|key| !asked.iter().any(|name| key.name.as_ref() == Some(name)))
            .collect();
        if rest.is_empty() { Ok(()) } else { self.pick(path, &rest) }
    }

    fn single(&mut self, path: &KeyPath, key: &Key, write_default: bool) -> Result<(), Stopped> {
        let before = values::get(&self.values, path).cloned();
        let prompt = self.prompt(path, key, before.as_ref());
        loop {
            let typed = if key.secret { self.person.secret(&prompt)? } else { self.person.line(&prompt)? };
            let typed = typed.trim();
            let value = match (typed, &before, &key.default) {
                ("", Some(before), _) => before.clone(),
                ("", None, Some(default)) if write_default => default.clone(),
                ("", None, _) if !key.required => return Ok(()),
                ("", None, _) => {
                    self.person.say("  it has to be there");
                    continue;
                }
                ("-", _, _) if !key.required => {
                    values::remove(&mut self.values, path);
                    return Ok(());
                }
                _ => meaning(self.schema, path, key, typed),
            };
            let mut changed = self.values.clone();
            values::set(&mut changed, path, value);
            let faults = faults_at(self.schema, &changed, path);
            if faults.is_empty() {
                self.values = changed;
                return Ok(());
            }
            for fault in &faults {
                self.person.explain(&fault.sentence(), "  ");
                fault.hints().for_each(|hint| self.person.explain(&hint, "  "));
            }
        }
    }

    /// `port (at most 65535) [8030]: `
    fn prompt(&self, path: &KeyPath, key: &Key, value: Option<&Value>) -> String {
        let mut about: Vec<&str> = match form(key) {
            Form::Flag => vec!["yes or no"],
            Form::Commas => vec!["commas between"],
            Form::Toml => vec!["in TOML"],
            _ => vec![],
        };
        if key.secret {
            about.push("hidden");
        }
        if matches!(form(key), Form::Line) && !key.secret {
            about.extend(key.limits.iter().map(String::as_str).filter(|limit| limit.len() < 30));
        }
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        let stands = match (value, &key.hints.env_var) {
            (Some(value), _) => format!(" [{}]", visible(key, value)),
            (None, Some(variable)) => {
                let set = if (self.is_set)(variable) { "" } else { ", not set here" };
                format!(" [from {}{set}]", shown(variable))
            }
            (None, None) => match &key.default {
                Some(default) => format!(" [{}]", shown(&plain(default))),
                None if key.required => String::new(),
                None => " [none]".to_owned(),
            },
        };
        format!("{}{about}{stands}: ", shown(&path.to_string()))
    }

    /// Adds, changes and removes entries of a dictionary, or of a list.
    fn entries(&mut self, path: &KeyPath, entry: &Key, named: bool) -> Result<(), Stopped> {
        let new = if named { "a new name" } else { "`+` for a new one" };
        loop {
            let names = match values::get(&self.values, path) {
                Some(Value::Object(table)) => table.keys().cloned().collect(),
                Some(Value::Array(list)) => (0..list.len()).map(|index| index.to_string()).collect(),
                _ => Vec::new(),
            };
            for (index, name) in names.iter().enumerate() {
                let value =
                    self.standing(&path.child(name), entry).map_or_else(String::new, |value| format!(": {value}"));
                let name = if named { shown(name) } else { "entry".to_owned() };
                self.person.entry(&format!("{:>4}) ", index + 1), &format!("{name}{value}"));
            }
            let change = if names.is_empty() { "" } else { ", a number to change one, -number to remove it" };
            let typed = self.person.line(&format!("{}: {new}{change} [done]: ", shown(&path.to_string())))?;
            let numbered = |text: &str| names.get(text.parse::<usize>().ok()?.checked_sub(1)?);
            if typed.is_empty() {
                return Ok(());
            } else if let Some(name) = typed.strip_prefix('-').and_then(numbered) {
                values::remove(&mut self.values, &path.child(name));
            } else if let Some(name) = numbered(&typed) {
                self.one(&path.child(name), entry)?;
            } else if named {
                // In quotes it is a name, whatever it looks like.
                let unquoted = typed.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
                self.one(&path.child(unquoted.unwrap_or(&typed)), entry)?;
            } else if typed == "+" {
                if names.is_empty() {
                    values::set(&mut self.values, path, Value::Array(Vec::new()));
                }
                self.one(&path.child(names.len().to_string()), entry)?;
            } else {
                self.person.say("  there is no such entry");
            }
        }
    }

    fn one(&mut self, path: &KeyPath, entry: &Key) -> Result<(), Stopped> {
        if let Form::Table(keys) = form(entry) {
            if values::get(&self.values, path).is_none() {
                values::set(&mut self.values, path, Value::Object(Map::new()));
            }
            return self.inside(path, keys);
        }
        self.question(path, entry, false)
    }
}

#[cfg(test)]
mod tests;
