//! Values of expressions, with the language's rules for failing parts: `&&` and `||` take a decided side over a failing one.

use super::cel::{Expression, Fault, Operator, Value};
use std::collections::BTreeMap;

/// What names stand for.
pub type Scope = BTreeMap<String, Value>;

/// What the authorizer answers to a finished question; nothing for one that it does not know.
pub type Authorizer<'a> = dyn Fn(&[(String, String)]) -> Option<bool> + 'a;

type Outcome = Result<Value, Fault>;

/// The value of an expression.
///
/// # Errors
/// A run-time failure, or what this evaluator does not know.
pub fn evaluate(expression: &Expression, scope: &Scope, allowed: &Authorizer<'_>) -> Outcome {
    Evaluator { allowed }.value(expression, scope)
}

struct Evaluator<'a> {
    allowed: &'a Authorizer<'a>,
}

impl Evaluator<'_> {
    fn value(&self, expression: &Expression, scope: &Scope) -> Outcome {
        match expression {
            Expression::Literal(value) => Ok(value.clone()),
            Expression::Name(name) => {
                scope.get(name).cloned().ok_or_else(|| Fault::Unknown(format!("the name `{name}`")))
            }
            Expression::Field(of, field) => at(&self.value(of, scope)?, field),
            Expression::Index(of, key) => match (self.value(of, scope)?, self.value(key, scope)?) {
                (map @ Value::Map(_), Value::Text(key)) => at(&map, &key),
                (Value::List(list), Value::Int(place)) => {
                    usize::try_from(place).ok().and_then(|place| list.get(place).cloned()).ok_or(Fault::Runtime)
                }
                _ => Err(Fault::Runtime),
            },
            Expression::List(items) => {
                items.iter().map(|item| self.value(item, scope)).collect::<Result<_, _>>().map(Value::List)
            }
            Expression::Not(of) => match self.value(of, scope)? {
                Value::Bool(truth) => Ok(Value::Bool(!truth)),
                _ => Err(Fault::Runtime),
            },
            Expression::Binary(Operator::And, left, right) => self.decided(false, [left, right], scope),
            Expression::Binary(Operator::Or, left, right) => self.decided(true, [left, right], scope),
            Expression::Binary(operator, left, right) => {
                compare(*operator, &self.value(left, scope)?, &self.value(right, scope)?)
            }
            Expression::Call(of, name, arguments) => self.call(of.as_deref(), name, arguments, scope),
        }
    }

    /// A side with the value `winner` decides, whatever the other side is.
    fn decided(&self, winner: bool, sides: [&Expression; 2], scope: &Scope) -> Outcome {
        let sides = sides.map(|side| self.value(side, scope));
        if let Some(unknown) = sides.iter().find(|side| matches!(side, Err(Fault::Unknown(_)))) {
            return unknown.clone();
        }
        if sides.contains(&Ok(Value::Bool(winner))) {
            return Ok(Value::Bool(winner));
        }
        match sides.iter().all(|side| *side == Ok(Value::Bool(!winner))) {
            true => Ok(Value::Bool(!winner)),
            false => Err(Fault::Runtime),
        }
    }

    fn call(&self, of: Option<&Expression>, name: &str, arguments: &[Expression], scope: &Scope) -> Outcome {
        match (of, name, arguments) {
            (None, "has", [Expression::Field(of, field)]) => match self.value(of, scope)? {
                Value::Map(fields) => Ok(Value::Bool(fields.contains_key(field))),
                _ => Err(Fault::Runtime),
            },
            (None, "size", [of]) | (Some(of), "size", []) => size(&self.value(of, scope)?),
            (Some(of), "all" | "exists", [Expression::Name(each), test]) => {
                self.quantified(name == "exists", &self.value(of, scope)?, each, test, scope)
            }
            (Some(of), "allowed", []) => match self.value(of, scope)? {
                Value::Authorizer(question) => (self.allowed)(&question)
                    .map(Value::Bool)
                    .ok_or_else(|| Fault::Unknown(format!("the authorizer's answer to {question:?}"))),
                _ => Err(Fault::Runtime),
            },
            (Some(of), "group" | "resource" | "namespace" | "check", [argument]) => {
                match (self.value(of, scope)?, self.value(argument, scope)?) {
                    (Value::Authorizer(mut question), Value::Text(text)) => {
                        question.push((name.to_owned(), text));
                        Ok(Value::Authorizer(question))
                    }
                    _ => Err(Fault::Runtime),
                }
            }
            _ => Err(Fault::Unknown(format!("the function `{name}`"))),
        }
    }

    fn quantified(&self, some: bool, of: &Value, each: &str, test: &Expression, scope: &Scope) -> Outcome {
        let items: Vec<Value> = match of {
            Value::List(list) => list.clone(),
            Value::Map(fields) => fields.keys().cloned().map(Value::Text).collect(),
            _ => return Err(Fault::Runtime),
        };
        let mut inner = scope.clone();
        let mut failed = false;
        for item in items {
            inner.insert(each.to_owned(), item);
            match self.value(test, &inner) {
                Ok(Value::Bool(truth)) if truth == some => return Ok(Value::Bool(some)),
                Ok(Value::Bool(_)) => {}
                Err(Fault::Unknown(what)) => return Err(Fault::Unknown(what)),
                _ => failed = true,
            }
        }
        if failed { Err(Fault::Runtime) } else { Ok(Value::Bool(!some)) }
    }
}

fn at(of: &Value, field: &str) -> Outcome {
    match of {
        Value::Map(fields) => fields.get(field).cloned().ok_or(Fault::Runtime),
        _ => Err(Fault::Runtime),
    }
}

fn size(of: &Value) -> Outcome {
    let size = match of {
        Value::List(list) => list.len(),
        Value::Map(fields) => fields.len(),
        Value::Text(text) => text.chars().count(),
        _ => return Err(Fault::Runtime),
    };
    i64::try_from(size).map(Value::Int).map_err(|_| Fault::Runtime)
}

fn compare(operator: Operator, left: &Value, right: &Value) -> Outcome {
    let numbers = || match (left, right) {
        (Value::Int(left), Value::Int(right)) => Ok((*left, *right)),
        _ => Err(Fault::Runtime),
    };
    Ok(Value::Bool(match operator {
        Operator::Equal => left == right,
        Operator::Unequal => left != right,
        Operator::Less => numbers().map(|(l, r)| l < r)?,
        Operator::AtMost => numbers().map(|(l, r)| l <= r)?,
        Operator::Greater => numbers().map(|(l, r)| l > r)?,
        Operator::AtLeast => numbers().map(|(l, r)| l >= r)?,
        Operator::In => match right {
            Value::List(list) => list.contains(left),
            Value::Map(fields) => matches!(left, Value::Text(key) if fields.contains_key(key)),
            _ => return Err(Fault::Runtime),
        },
        Operator::And | Operator::Or => return Err(Fault::Runtime),
    }))
}
