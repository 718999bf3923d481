//! A table of JSON values, read and changed at any place in it.

use serde_json::{Map, Value};

use crate::config::KeyPath;

/// The value at a path; none at the root.
pub(super) fn get<'a>(values: &'a Map<String, Value>, path: &KeyPath) -> Option<&'a Value> {
    let (first, rest) = path.segments().split_first()?;
    rest.iter().try_fold(values.get(first)?, |value, segment| match value {
        Value::Array(list) => list.get(segment.parse::<usize>().ok()?),
        other => other.get(segment),
    })
}

/// The table at a path; an empty one where there is none.
pub(super) fn table(values: &Map<String, Value>, path: &KeyPath) -> Map<String, Value> {
    if path.segments().is_empty() {
        return values.clone();
    }
    get(values, path).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Puts a value at a path. The tables around it are made; behind the end of a list it is one entry more.
pub(super) fn set(values: &mut Map<String, Value>, path: &KeyPath, value: Value) {
    set_in(values, path.segments(), value);
}

/// Takes the value at a path away. Tables and lists that are empty without it go as well.
pub(super) fn remove(values: &mut Map<String, Value>, path: &KeyPath) {
    if let Some((first, rest)) = path.segments().split_first()
        && values.get_mut(first).is_some_and(|value| remove_in(value, rest))
    {
        values.remove(first);
    }
}

fn set_in(table: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    set_at(table.entry(first).or_insert(Value::Null), rest, value);
}

fn set_at(place: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *place = value;
        return;
    };
    match place {
        Value::Object(table) => set_in(table, path, value),
        Value::Array(list) => {
            let index = first.parse().unwrap_or(list.len()).min(list.len());
            if index == list.len() {
                list.push(Value::Null);
            }
            set_at(&mut list[index], rest, value);
        }
        other => {
            *other = Value::Object(Map::new());
            set_at(other, path, value);
        }
    }
}

/// Is nothing left of it?
fn remove_in(place: &mut Value, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match place {
        Value::Object(table) => {
            if table.get_mut(first).is_some_and(|value| remove_in(value, rest)) {
                table.remove(first);
            }
            table.is_empty()
        }
        Value::Array(list) => {
            let index = first.parse::<usize>().ok().filter(|index| *index < list.len());
            if let Some(index) = index
                && remove_in(&mut list[index], rest)
            {
                list.remove(index);
            }
            list.is_empty()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn after(change: impl FnOnce(&mut Map<String, Value>)) -> Value {
        let mut values = json!({"a": {"b": [{"c": 1}, 2]}, "d": 1}).as_object().unwrap().clone();
        change(&mut values);
        Value::Object(values)
    }

    fn path(path: &[&str]) -> KeyPath {
        path.iter().copied().collect()
    }

    #[test]
    fn a_value_is_put_anywhere() {
        let put = |at: &[&str]| after(|values| set(values, &path(at), json!("x")));
        assert_eq!(put(&["a", "b", "0", "c"]), json!({"a": {"b": [{"c": "x"}, 2]}, "d": 1}));
        assert_eq!(put(&["a", "b", "2", "c"]), json!({"a": {"b": [{"c": 1}, 2, {"c": "x"}]}, "d": 1}));
        assert_eq!(put(&["d", "e", "f"]), json!({"a": {"b": [{"c": 1}, 2]}, "d": {"e": {"f": "x"}}}));
        let values = after(|_| {});
        assert_eq!(get(values.as_object().unwrap(), &path(&["a", "b", "1"])), Some(&json!(2)));
        assert_eq!(get(values.as_object().unwrap(), &path(&["a", "b", "x"])), None);
    }

    #[test]
    fn what_is_empty_then_goes_with_it() {
        let removed = |at: &[&str]| after(|values| remove(values, &path(at)));
        assert_eq!(removed(&["a", "b", "0", "c"]), json!({"a": {"b": [2]}, "d": 1}));
        assert_eq!(removed(&["a", "b"]), json!({"d": 1}));
        assert_eq!(removed(&["a", "x"]), after(|_| {}));
    }
}
