//! Query + state -> issues.

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use serde_json::Value;

use super::{Clause, Operand, Operator, Query};
use crate::field::FieldType;
use crate::rich_text;
use crate::state::{Issue, State};

/// One clause with its values looked up.
enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    /// Whether the field's values and the wanted ones overlap; `negated` also asks for a value at all.
    Any {
        field: Source,
        wanted: HashSet<String>,
        empty: bool,
        negated: bool,
    },
    Contains {
        fields: Vec<String>,
        words: String,
        negated: bool,
    },
    Compares {
        field: Source,
        operator: Operator,
        at: Bound,
    },
}

enum Bound {
    Moment(DateTime<Utc>),
    Number(f64),
    /// Of an issue's key, in its project.
    Key(String, u64),
}

/// Where a clause reads an issue.
#[derive(Debug, Clone, PartialEq)]
enum Source {
    Project,
    Key,
    Type,
    Status,
    Creator,
    Created,
    Updated,
    Field(String),
}

/// A search of the state for one query.
pub(crate) struct Search<'a> {
    state: &'a State,
    /// What dates are in.
    offset_minutes: i32,
    /// Values that do not exist: an error of the query, or warnings of a query that is not validated.
    pub(crate) missing: Vec<String>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(state: &'a State, offset_minutes: i32) -> Self {
        Self { state, offset_minutes, missing: Vec::new() }
    }

    /// The ids that the query finds, in its order; without an order the newest first.
    ///
    /// # Errors
    ///
    /// Jira's words about a field or an operator that it does not have.
    pub(crate) fn run(&mut self, query: &Query) -> Result<Vec<u64>, String> {
        let test = query.restriction.as_ref().map(|clause| self.prepare(clause)).transpose()?;
        let order = query
            .order
            .iter()
            .map(|order| Ok((self.source(&order.field)?, order.descending)))
            .collect::<Result<Vec<_>, String>>()?;
        let state = self.state;
        let mut found: Vec<&Issue> =
            state.issues.values().filter(|issue| test.as_ref().is_none_or(|test| self.holds(test, issue))).collect();
        found.sort_by(|a, b| {
            for (source, descending) in &order {
                let ordering = self.compare(source, a, b);
                let ordering = if *descending { ordering.reverse() } else { ordering };
                if ordering.is_ne() {
                    return ordering;
                }
            }
            b.id.cmp(&a.id)
        });
        Ok(found.into_iter().map(|issue| issue.id).collect())
    }

    fn source(&self, name: &str) -> Result<Source, String> {
        let lower = name.to_ascii_lowercase();
        let system = |id: &str| Ok(Source::Field(id.into()));
        match lower.as_str() {
            "project" => return Ok(Source::Project),
            "key" | "issuekey" | "issue" | "id" => return Ok(Source::Key),
            "issuetype" | "type" => return Ok(Source::Type),
            "status" => return Ok(Source::Status),
            "creator" => return Ok(Source::Creator),
            "created" | "createddate" => return Ok(Source::Created),
            "updated" | "updateddate" => return Ok(Source::Updated),
            "component" => return system("components"),
            "fixversion" => return system("fixVersions"),
            "affectedversion" => return system("versions"),
            "due" => return system("duedate"),
            _ => {}
        }
        let custom = lower.strip_prefix("cf[").and_then(|rest| rest.strip_suffix(']'));
        let id = custom.map_or_else(|| lower.clone(), |number| format!("customfield_{number}"));
        let named = |field: &&crate::Field| {
            field.id.to_ascii_lowercase() == id || field.name.to_lowercase() == name.to_lowercase()
        };
        match self.state.fields.iter().find(named) {
            Some(field) => Ok(Source::Field(field.id.clone())),
            None => Err(format!("Field '{name}' does not exist or you do not have permission to view it.")),
        }
    }

    fn prepare(&mut self, clause: &Clause) -> Result<Test, String> {
        Ok(match clause {
            Clause::And(clauses) => Test::And(self.prepare_all(clauses)?),
            Clause::Or(clauses) => Test::Or(self.prepare_all(clauses)?),
            Clause::Not(clause) => Test::Not(Box::new(self.prepare(clause)?)),
            Clause::Terminal { field, operator, operand } => self.terminal(field, *operator, operand)?,
        })
    }

    fn prepare_all(&mut self, clauses: &[Clause]) -> Result<Vec<Test>, String> {
        clauses.iter().map(|clause| self.prepare(clause)).collect()
    }

    fn terminal(&mut self, name: &str, operator: Operator, operand: &Operand) -> Result<Test, String> {
        let unsupported = || Err(format!("The operator '{operator:?}' is not supported by the '{name}' field."));
        if let Operator::Contains | Operator::Lacks = operator {
            let fields = match (name.to_ascii_lowercase().as_str(), self.source(name)) {
                ("text", _) => vec!["summary".to_owned(), "description".into(), "environment".into()],
                (_, Ok(Source::Field(id))) if self.is_text(&id) => vec![id],
                (_, Err(said)) => return Err(said),
                _ => return unsupported(),
            };
            let Operand::Value(words) = operand else { return unsupported() };
            let words = words.trim_matches(['"', '*']).to_lowercase();
            return Ok(Test::Contains { fields, words, negated: operator == Operator::Lacks });
        }
        let field = self.source(name)?;
        if matches!(&field, Source::Field(id) if self.is_text(id))
            && !matches!(operator, Operator::Is | Operator::IsNot)
        {
            return unsupported();
        }
        if let Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual = operator {
            let Operand::Value(text) = operand else { return unsupported() };
            let at = self.bound(name, &field, text)?;
            return Ok(Test::Compares { field, operator, at });
        }
        let (mut wanted, mut empty) = (HashSet::new(), false);
        let operands = match operand {
            Operand::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for operand in operands {
            match operand {
                Operand::Value(text) => wanted.extend(self.value(name, &field, text)),
                Operand::Empty => empty = true,
                Operand::Function(function) => wanted.extend(self.function(name, &field, function)?),
                Operand::List(_) => return unsupported(),
            }
        }
        let negated = matches!(operator, Operator::Differs | Operator::NotIn | Operator::IsNot);
        Ok(Test::Any { field, wanted, empty, negated })
    }

    fn is_text(&self, id: &str) -> bool {
        let text = [FieldType::String, FieldType::TextArea];
        self.state.field(id).is_some_and(|field| text.contains(&field.holds))
    }

    fn function(&self, name: &str, field: &Source, function: &str) -> Result<Vec<String>, String> {
        let types = self.state.projects.iter().flat_map(|project| &project.types);
        match (function.to_ascii_lowercase().as_str(), field) {
            ("standardissuetypes", Source::Type) => {
                Ok(types.filter(|kind| !kind.subtask).map(|kind| kind.id.clone()).collect())
            }
            ("subtaskissuetypes", Source::Type) => {
                Ok(types.filter(|kind| kind.subtask).map(|kind| kind.id.clone()).collect())
            }
            _ => Err(format!("Unable to find JQL function '{function}()' for the field '{name}'.")),
        }
    }

    /// The ids that a value stands for; one that does not exist is noted and stands for nothing.
    fn value(&mut self, name: &str, field: &Source, text: &str) -> Vec<String> {
        let same = |known: &str| known.eq_ignore_ascii_case(text) || known.to_lowercase() == text.to_lowercase();
        let state = self.state;
        let pairs = |list: &[(String, String)]| -> Vec<String> {
            list.iter().filter(|(id, name)| id == text || same(name)).map(|(id, _)| id.clone()).collect()
        };
        let found: Vec<String> = match field {
            Source::Project => {
                let known = state
                    .projects
                    .iter()
                    .filter(|project| project.id == text || same(&project.key) || same(&project.name));
                known.map(|project| project.id.clone()).collect()
            }
            Source::Key => match state.find(text) {
                Some(id) => vec![id.to_string()],
                None if text.parse::<u64>().is_ok() => {
                    self.missing.push(format!("A value with ID '{text}' does not exist for the field '{name}'."));
                    return Vec::new();
                }
                None => {
                    let said = match text.rsplit_once('-') {
                        Some((_, number)) if number.parse::<u64>().is_ok() => {
                            format!("An issue with key '{text}' does not exist for field '{name}'.")
                        }
                        _ => format!("The issue key '{text}' for field '{name}' is invalid."),
                    };
                    self.missing.push(said);
                    return Vec::new();
                }
            },
            Source::Type => {
                let types = state.projects.iter().flat_map(|project| &project.types);
                types.filter(|kind| kind.id == text || same(&kind.name)).map(|kind| kind.id.clone()).collect()
            }
            Source::Status => {
                let known = state.statuses.iter().filter(|status| status.id == text || same(&status.name));
                known.map(|status| status.id.clone()).collect()
            }
            Source::Creator => self.people(text),
            Source::Created | Source::Updated => vec![text.to_owned()],
            Source::Field(id) => match state.field(id).map(|field| (field.holds, field)) {
                Some((FieldType::Priority, _)) => pairs(&state.priorities),
                // `resolution = Unresolved` asks for none.
                Some((FieldType::Resolution, _)) if text.eq_ignore_ascii_case("unresolved") => vec![String::new()],
                Some((FieldType::Resolution, _)) => pairs(&state.resolutions),
                Some((FieldType::User | FieldType::Users, _)) => self.people(text),
                Some((FieldType::Components, _)) => {
                    state.projects.iter().flat_map(|project| pairs(&project.components)).collect()
                }
                Some((FieldType::Version | FieldType::Versions, _)) => {
                    state.projects.iter().flat_map(|project| pairs(&project.versions)).collect()
                }
                Some((FieldType::Option | FieldType::MultiOption | FieldType::Cascading, field)) => {
                    let all = field.options.iter().flat_map(|option| std::iter::once(option).chain(&option.children));
                    all.filter(|option| option.id == text || same(&option.value))
                        .map(|option| option.id.clone())
                        .collect()
                }
                Some((FieldType::Parent, _)) => state.find(text).map(|id| id.to_string()).into_iter().collect(),
                // Labels, dates and numbers: any value may be asked for.
                _ => vec![text.to_owned()],
            },
        };
        if found.is_empty() {
            self.missing.push(format!("The value '{text}' does not exist for the field '{name}'."));
        }
        found
    }

    fn people(&self, text: &str) -> Vec<String> {
        let cloud = self.state.cloud();
        let known =
            self.state.users.iter().filter(|user| if cloud { user.account_id == text } else { user.name == text });
        known.map(|user| user.account_id.clone()).collect()
    }

    fn bound(&mut self, name: &str, field: &Source, text: &str) -> Result<Bound, String> {
        let holds = match field {
            Source::Key => {
                let key = text.rsplit_once('-').and_then(|(project, number)| Some((project, number.parse().ok()?)));
                let Some((project, number)) = key else {
                    return Err(format!("The issue key '{text}' for field '{name}' is invalid."));
                };
                return Ok(Bound::Key(project.to_ascii_uppercase(), number));
            }
            Source::Created | Source::Updated => FieldType::DateTime,
            Source::Field(id) => self.state.field(id).map_or(FieldType::String, |field| field.holds),
            _ => FieldType::String,
        };
        match holds {
            FieldType::Date | FieldType::DateTime => self.moment(name, text).map(Bound::Moment),
            FieldType::Number => {
                text.parse().map(Bound::Number).map_err(|_| format!("'{text}' is not a number for the field '{name}'."))
            }
            _ => Err(format!("The operators '<' and '>' are not supported by the '{name}' field.")),
        }
    }

    /// A date of JQL has minutes at most, in the caller's time zone.
    fn moment(&self, name: &str, text: &str) -> Result<DateTime<Utc>, String> {
        let parsed = ["%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
            .or_else(|| {
                let day =
                    ["%Y-%m-%d", "%Y/%m/%d"].iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok());
                day.map(|day| day.and_time(NaiveTime::MIN))
            });
        let zone = FixedOffset::east_opt(self.offset_minutes * 60);
        parsed.zip(zone).and_then(|(at, zone)| zone.from_local_datetime(&at).single()).map(|at| at.to_utc()).ok_or_else(|| {
            format!("Date value '{text}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.")
        })
    }

    fn holds(&self, test: &Test, issue: &Issue) -> bool {
        match test {
            Test::And(tests) => tests.iter().all(|test| self.holds(test, issue)),
            Test::Or(tests) => tests.iter().any(|test| self.holds(test, issue)),
            Test::Not(test) => !self.holds(test, issue),
            Test::Any { field, wanted, empty, negated } => {
                let values = self.values(field, issue);
                let found = if values.is_empty() {
                    *empty || wanted.contains("")
                } else {
                    values.iter().any(|value| wanted.contains(value.as_ref()))
                };
                // `!=` and `not in` do not find issues without a value; `is not empty` does not either.
                if *negated { !found && !values.is_empty() } else { found }
            }
            Test::Contains { fields, words, negated } => {
                let text = |id: &String| issue.fields.get(id).map(rich_text::plain).unwrap_or_default();
                fields.iter().any(|id| text(id).to_lowercase().contains(words)) != *negated
            }
            Test::Compares { field, operator, at } => {
                let ordering = match at {
                    Bound::Moment(at) => self.time(field, issue).map(|time| time.cmp(at)),
                    Bound::Number(number) => {
                        let value = match field {
                            Source::Field(id) => issue.fields.get(id).and_then(Value::as_f64),
                            _ => None,
                        };
                        value.and_then(|value| value.partial_cmp(number))
                    }
                    Bound::Key(project, number) => {
                        (self.state.projects[issue.project].key == *project).then(|| issue.number.cmp(number))
                    }
                };
                ordering.is_some_and(|ordering| match operator {
                    Operator::Less => ordering.is_lt(),
                    Operator::LessOrEqual => ordering.is_le(),
                    Operator::Greater => ordering.is_gt(),
                    _ => ordering.is_ge(),
                })
            }
        }
    }

    fn time(&self, field: &Source, issue: &Issue) -> Option<DateTime<Utc>> {
        match field {
            Source::Created => Some(issue.created),
            Source::Updated => Some(issue.updated),
            Source::Field(id) => {
                let text = issue.fields.get(id)?.as_str()?;
                let moment = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok().map(|at| at.to_utc());
                moment.or_else(|| {
                    Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN).and_utc())
                })
            }
            _ => None,
        }
    }

    /// The ids that an issue has in a field.
    fn values<'b>(&'b self, field: &Source, issue: &'b Issue) -> Vec<Cow<'b, str>> {
        fn one(text: &str) -> Vec<Cow<'_, str>> {
            vec![text.into()]
        }
        match field {
            Source::Project => one(&self.state.projects[issue.project].id),
            Source::Type => one(&issue.issue_type),
            Source::Status => one(&issue.status),
            Source::Creator => one(&issue.reporter),
            Source::Key => vec![issue.id.to_string().into()],
            Source::Created | Source::Updated => Vec::new(),
            Source::Field(id) => match issue.fields.get(id) {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::String(text)) => one(text),
                Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(Cow::from).collect(),
                Some(Value::Object(object)) => {
                    ["id", "child"].iter().filter_map(|key| object.get(*key)?.as_str()).map(Cow::from).collect()
                }
                Some(other) => vec![other.to_string().into()],
            },
        }
    }

    fn compare(&self, source: &Source, a: &Issue, b: &Issue) -> std::cmp::Ordering {
        match source {
            Source::Key => {
                (&self.state.projects[a.project].key, a.number).cmp(&(&self.state.projects[b.project].key, b.number))
            }
            Source::Created | Source::Updated => self.time(source, a).cmp(&self.time(source, b)),
            _ => self.values(source, a).cmp(&self.values(source, b)),
        }
    }
}
