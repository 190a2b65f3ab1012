//! The part of the Common Expression Language that admission policies for NetworkPolicies need, after its language
//! definition: literals, fields, indices, `has`, `size`, `all`, `exists`, comparison and logic.

use std::collections::BTreeMap;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A text, number or truth value.
    Literal(Value),
    /// A variable.
    Name(String),
    /// `of.field`.
    Field(Box<Self>, String),
    /// `of[key]`.
    Index(Box<Self>, Box<Self>),
    /// `of.name(arguments)`, or `name(arguments)`.
    Call(Option<Box<Self>>, String, Vec<Self>),
    /// A list.
    List(Vec<Self>),
    /// `!of`.
    Not(Box<Self>),
    /// Two sides and what is between them.
    Binary(Operator, Box<Self>, Box<Self>),
}

/// What stands between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `in`
    In,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// `null`.
    Null,
    /// A list.
    List(Vec<Self>),
    /// A map or object.
    Map(BTreeMap<String, Self>),
    /// A question to the authorizer, as far as it has been put: names of the calls with their arguments.
    Authorizer(Vec<(String, String)>),
}

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The expression fails at run time: an absent field, a wrong type.
    Runtime,
    /// This evaluator does not know what the expression means.
    Unknown(String),
}

/// Parses an expression.
///
/// # Errors
/// Where this parser ends.
pub fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expression = parser.binary(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some(token) => Err(format!("`{token}` is not expected there")),
    }
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '\'' || first == '"' {
            let end = rest.get(1..).and_then(|inner| inner.find(first)).ok_or("a text does not end")?;
            if rest.get(1..=end).is_some_and(|inner| inner.contains('\\')) {
                return Err("a text has an escape, which this reader does not take".to_owned());
            }
            end + 2
        } else if first.is_ascii_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if ["||", "&&", "==", "!=", "<=", ">="].iter().any(|sign| rest.starts_with(sign)) {
            2
        } else if "!<>.,()[]".contains(first) {
            1
        } else {
            return Err(format!("`{first}` is nothing this reader knows"));
        };
        let (token, after) = rest.split_at_checked(length).ok_or("a character is cut")?;
        found.push(token.to_owned());
        rest = after.trim_start();
    }
    Ok(found)
}

/// Operators from the loosest to the tightest.
const LEVELS: [&[(&str, Operator)]; 3] = [
    &[("||", Operator::Or)],
    &[("&&", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("in", Operator::In),
    ],
];

/// Deeper expressions are refused.
const DEEPEST: usize = 64;

struct Parser {
    tokens: Vec<String>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn next_is(&self, token: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|next| next == token)
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.next_is(token);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(format!("`{token}` is missing")) }
    }

    fn word(&mut self) -> Result<String, String> {
        let word = self.tokens.get(self.at).cloned().ok_or("the expression ends too early")?;
        self.at += 1;
        Ok(word)
    }

    fn binary(&mut self, level: usize) -> Result<Expression, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.next_is(sign)) {
            self.at += 1;
            let right = self.binary(level + 1)?;
            left = Expression::Binary(*operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("the expression is too deep".to_owned());
        }
        let found = if self.take("!") {
            Expression::Not(Box::new(self.unary()?))
        } else {
            let first = self.primary()?;
            self.postfix(first)?
        };
        self.depth -= 1;
        Ok(found)
    }

    fn primary(&mut self) -> Result<Expression, String> {
        let word = self.word()?;
        if word == "(" {
            let inner = self.binary(0)?;
            self.need(")")?;
            return Ok(inner);
        }
        if word == "[" {
            return Ok(Expression::List(self.arguments("]")?));
        }
        let literal = match word.as_str() {
            "true" | "false" => Some(Value::Bool(word == "true")),
            "null" => Some(Value::Null),
            _ if word.starts_with(['\'', '"']) => {
                Some(Value::Text(word.get(1..word.len() - 1).unwrap_or_default().to_owned()))
            }
            _ if word.starts_with(|c: char| c.is_ascii_digit()) => {
                Some(Value::Int(word.parse().map_err(|_| format!("`{word}` is no number"))?))
            }
            _ => None,
        };
        if let Some(value) = literal {
            return Ok(Expression::Literal(value));
        }
        if !word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return Err(format!("`{word}` is not expected there"));
        }
        if self.take("(") { Ok(Expression::Call(None, word, self.arguments(")")?)) } else { Ok(Expression::Name(word)) }
    }

    fn postfix(&mut self, mut of: Expression) -> Result<Expression, String> {
        loop {
            if self.take(".") {
                let word = self.word()?;
                of = if self.take("(") {
                    Expression::Call(Some(Box::new(of)), word, self.arguments(")")?)
                } else {
                    Expression::Field(Box::new(of), word)
                };
            } else if self.take("[") {
                let key = self.binary(0)?;
                self.need("]")?;
                of = Expression::Index(Box::new(of), Box::new(key));
            } else {
                return Ok(of);
            }
        }
    }

    fn arguments(&mut self, end: &str) -> Result<Vec<Expression>, String> {
        let mut found = Vec::new();
        while !self.take(end) {
            if !found.is_empty() {
                self.need(",")?;
            }
            found.push(self.binary(0)?);
        }
        Ok(found)
    }
}
