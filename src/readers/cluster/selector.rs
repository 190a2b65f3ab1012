//! Label selectors over pods, nodes and what lies outside, in one form for all policy kinds.

use std::collections::BTreeSet;

/// Whose label a requirement looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A label of the pod.
    Pod(String),
    /// A label of the pod's namespace.
    Namespace(String),
    /// The name of the pod's namespace.
    NamespaceName,
    /// The name of the pod's cluster.
    Cluster,
    /// The name of the pod's service account.
    ServiceAccount,
    /// Being one of the special endpoints: `host`, `remote-node`, `world`.
    Reserved(String),
}

/// What a requirement asks of the label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test {
    /// Present with one of these values.
    In(BTreeSet<String>),
    /// Absent, or present with none of these values.
    NotIn(BTreeSet<String>),
    /// Present.
    Exists,
    /// Absent.
    DoesNotExist,
}

impl Test {
    /// Whether a label with this value (`None`: absent) passes.
    #[must_use]
    pub fn passes(&self, value: Option<&str>) -> bool {
        match self {
            Self::In(values) => value.is_some_and(|value| values.contains(value)),
            Self::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Self::Exists => value.is_some(),
            Self::DoesNotExist => value.is_none(),
        }
    }
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    /// Which label.
    pub subject: Subject,
    /// What of it.
    pub test: Test,
}

/// A conjunction of conditions; the empty one selects every endpoint, nodes and the outside too.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector(pub Vec<Requirement>);

impl Selector {
    /// Adds a condition.
    #[must_use]
    pub fn and(mut self, subject: Subject, test: Test) -> Self {
        self.0.push(Requirement { subject, test });
        self
    }

    /// Whether some condition satisfies `test`.
    pub fn mentions(&self, test: impl Fn(&Subject) -> bool) -> bool {
        self.0.iter().any(|requirement| test(&requirement.subject))
    }
}

/// The condition that a label has exactly one value.
#[must_use]
pub fn is(value: &str) -> Test {
    Test::In(BTreeSet::from([value.to_owned()]))
}
