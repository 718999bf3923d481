//! The part of JQL that clients of a defect service need.

mod evaluate;
mod parse;

pub(crate) use evaluate::Search;

/// One query.
#[derive(Debug, PartialEq)]
pub(crate) struct Query {
    /// None: the query has no restriction.
    pub(crate) restriction: Option<Clause>,
    pub(crate) order: Vec<Order>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Clause {
    And(Vec<Clause>),
    Or(Vec<Clause>),
    Not(Box<Clause>),
    Terminal { field: String, operator: Operator, operand: Operand },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equals,
    Differs,
    Contains,
    Lacks,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Is,
    IsNot,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Operand {
    Value(String),
    Function(String),
    Empty,
    List(Vec<Operand>),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) field: String,
    pub(crate) descending: bool,
}

pub(crate) use parse::parse;
