//! ValidatingAdmissionPolicy and its binding, `admissionregistration.k8s.io/v1`, after the API documentation: which
//! requests for NetworkPolicies the API server refuses.

pub mod cel;
pub mod evaluate;

use self::cel::{Expression, Fault, Value};
use self::evaluate::{Scope, evaluate};
use super::cluster::object::{Field, Fields, Read};
use super::cluster::selector::{Selector, Subject};
use super::network_policy::label_selector;
use std::collections::{BTreeMap, BTreeSet};

/// A policy.
#[derive(Clone, Debug)]
pub struct AdmissionPolicy {
    /// Its name.
    pub name: String,
    /// Requests are refused when an expression fails.
    pub closed: bool,
    /// Conditions on the labels of the namespace.
    namespaces: Selector,
    /// Operations on NetworkPolicies that it looks at.
    operations: BTreeSet<String>,
    variables: Vec<(String, Expression)>,
    validations: Vec<Expression>,
}

/// What policies are asked about.
#[derive(Clone, Debug)]
pub struct Request {
    /// `CREATE`, `UPDATE` or `DELETE`.
    pub operation: &'static str,
    /// The object as it shall be; nothing for a deletion.
    pub object: Value,
    /// The object as it is; nothing for a creation.
    pub old: Value,
    /// Whether the requester may create NetworkPolicies in `kube-system`.
    pub platform: bool,
}

impl AdmissionPolicy {
    /// Whether it looks at requests in a namespace with these labels.
    #[must_use]
    pub fn covers(&self, labels: &BTreeMap<String, String>) -> bool {
        let label = |subject: &Subject| match subject {
            Subject::Namespace(key) => labels.get(key).map(String::as_str),
            _ => None,
        };
        self.namespaces.0.iter().all(|r| r.test.passes(label(&r.subject)))
    }

    /// Whether the API server refuses a request in a namespace that it covers, with this policy bound to `Deny`.
    ///
    /// # Errors
    /// What the evaluator does not know.
    pub fn refuses(&self, request: &Request) -> Result<bool, String> {
        if !self.operations.contains("*") && !self.operations.contains(request.operation) {
            return Ok(false);
        }
        let mut scope = Scope::from([
            ("object".to_owned(), request.object.clone()),
            ("oldObject".to_owned(), request.old.clone()),
            ("authorizer".to_owned(), Value::Authorizer(Vec::new())),
            (
                "request".to_owned(),
                Value::Map(BTreeMap::from([("operation".to_owned(), Value::Text(request.operation.to_owned()))])),
            ),
        ]);
        let allowed = |question: &[(String, String)]| {
            let asked: Vec<(&str, &str)> =
                question.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            (asked == PLATFORM).then_some(request.platform)
        };
        let mut variables = BTreeMap::new();
        for (name, expression) in &self.variables {
            scope.insert("variables".to_owned(), Value::Map(variables.clone()));
            match evaluate(expression, &scope, &allowed) {
                Ok(value) => {
                    variables.insert(name.clone(), value);
                }
                // Whoever uses it fails; an absent field does that too.
                Err(Fault::Runtime) => {}
                Err(Fault::Unknown(what)) => return Err(what),
            }
        }
        scope.insert("variables".to_owned(), Value::Map(variables));
        let mut refused = false;
        for validation in &self.validations {
            match evaluate(validation, &scope, &allowed) {
                Ok(Value::Bool(valid)) => refused |= !valid,
                Ok(_) | Err(Fault::Runtime) => refused |= self.closed,
                Err(Fault::Unknown(what)) => return Err(what),
            }
        }
        Ok(refused)
    }
}

/// The one question to the authorizer that this reader knows the answer to.
const PLATFORM: [(&str, &str); 4] = [
    ("group", "networking.k8s.io"),
    ("resource", "networkpolicies"),
    ("namespace", "kube-system"),
    ("check", "create"),
];

/// Reads a policy; nothing when it is about other objects than NetworkPolicies.
///
/// # Errors
/// When a field is unknown, or an expression is none that this reader takes.
pub fn policy(name: &str, mut object: Fields<'_, '_>) -> Read<Option<AdmissionPolicy>> {
    let mut spec = object.need("spec")?.map()?;
    object.finish()?;
    let closed = match spec.take("failurePolicy") {
        None => true,
        Some(field) => match field.text()?.as_str() {
            "Fail" => true,
            "Ignore" => false,
            _ => return Err(field.fault("is neither Fail nor Ignore")),
        },
    };
    let mut constraints = spec.need("matchConstraints")?.map()?;
    constraints.take("matchPolicy");
    let namespaces = constraints.take("namespaceSelector");
    let namespaces =
        namespaces.map(|field| label_selector(&field, Subject::Namespace)).transpose()?.unwrap_or_default();
    if let Some(objects) = constraints.take("objectSelector")
        && !label_selector(&objects, Subject::Pod)?.0.is_empty()
    {
        return Err(objects.fault("looks at some objects only, by labels that their authors set"));
    }
    let operations = operations(&constraints.need("resourceRules")?)?;
    constraints.finish()?;
    let mut variables = Vec::new();
    for item in spec.take("variables").map(|field| field.list()).transpose()?.unwrap_or_default() {
        let mut fields = item.map()?;
        variables.push((fields.need("name")?.text()?, expression(&fields.need("expression")?)?));
        fields.finish()?;
    }
    let mut validations = Vec::new();
    for item in spec.need("validations")?.list()? {
        let mut fields = item.map()?;
        validations.push(expression(&fields.need("expression")?)?);
        fields.take("message");
        fields.take("reason");
        fields.finish()?;
    }
    spec.finish()?;
    Ok((!operations.is_empty()).then(|| AdmissionPolicy {
        name: name.to_owned(),
        closed,
        namespaces,
        operations,
        variables,
        validations,
    }))
}

fn expression(field: &Field<'_, '_>) -> Read<Expression> {
    cel::parse(&field.text()?).map_err(|reason| field.fault(format!("cannot be read: {reason}")))
}

/// The operations on NetworkPolicies that some rule names.
fn operations(field: &Field<'_, '_>) -> Read<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for item in field.list()? {
        let mut fields = item.map()?;
        let texts = |field: Field<'_, '_>| field.list()?.iter().map(Field::text).collect::<Read<BTreeSet<_>>>();
        let groups = texts(fields.need("apiGroups")?)?;
        let versions = texts(fields.need("apiVersions")?)?;
        let operations = texts(fields.need("operations")?)?;
        let resources = texts(fields.need("resources")?)?;
        let scope = fields.take("scope").map(|field| field.text()).transpose()?;
        fields.finish()?;
        let has = |set: &BTreeSet<String>, name: &str| set.contains("*") || set.contains(name);
        if has(&groups, "networking.k8s.io")
            && has(&versions, "v1")
            && has(&resources, "networkpolicies")
            && scope.is_none_or(|scope| scope != "Cluster")
        {
            found.extend(operations);
        }
    }
    Ok(found)
}

/// Reads a binding: the policy that it enforces, or nothing when it only warns.
///
/// # Errors
/// When a field is unknown: it could narrow what is enforced.
pub fn binding(mut object: Fields<'_, '_>) -> Read<Option<String>> {
    let mut spec = object.need("spec")?.map()?;
    object.finish()?;
    let policy = spec.need("policyName")?.text()?;
    let actions = spec.need("validationActions")?;
    let actions = actions.list()?.iter().map(Field::text).collect::<Read<BTreeSet<_>>>()?;
    spec.finish()?;
    Ok(actions.contains("Deny").then_some(policy))
}
