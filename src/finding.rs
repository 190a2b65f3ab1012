//! What a stage has to say about a site: data only. Titles, messages and labels are written in `zones/` and
//! joined with a finding at the edge, in the chosen language.

use crate::source::Span;
use serde::Serialize;

/// How much a finding weighs. Set from the rule's grade in one place (`deviations/`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// MUSS, DARF NICHT, and everything that makes a site unreadable. Nothing is compiled.
    Error,
    /// SOLLTE.
    Warning,
    /// KANN, and facts worth knowing.
    Info,
    /// A finding that a valid deviation covers.
    Deviation,
}

/// A place in the source with the key of its text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Label {
    /// The bytes it points at.
    pub span: Span,
    /// Key of the label's text in the rule's data (`labels:`); empty for a bare underline.
    pub key: &'static str,
    /// Values of the text's placeholders.
    pub args: Vec<(&'static str, String)>,
}

/// A machine-applicable repair: put `replacement` in place of the bytes of `span`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fix {
    /// The bytes to replace.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

/// One finding. Build it with [`Finding::new`] and the adding methods.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Rule id (`ZM-PAP-01`), or `syntax` for what cannot be read.
    pub rule: &'static str,
    /// Which of the rule's messages (`messages:` in its data).
    pub case: &'static str,
    /// Values of the message's placeholders.
    pub args: Vec<(&'static str, String)>,
    /// Places; the first is the primary one. Empty for a finding about the site as a whole.
    pub labels: Vec<Label>,
    /// Ids of the objects concerned, as deviations name them, most important first.
    pub objects: Vec<String>,
    /// Shortest chain that shows the fault, by names, from its start to its end.
    pub witness: Vec<String>,
    /// A repair that can be applied as it is.
    pub fix: Option<Fix>,
    /// Weight other than the grade's, for the rules whose cases differ (`--strict`, one warning beside an error).
    pub severity: Option<Severity>,
}

impl Finding {
    /// A finding of a rule, with the key of its message.
    #[must_use]
    pub fn new(rule: &'static str, case: &'static str) -> Self {
        Self {
            rule,
            case,
            args: Vec::new(),
            labels: Vec::new(),
            objects: Vec::new(),
            witness: Vec::new(),
            fix: None,
            severity: None,
        }
    }

    /// Gives a placeholder of the message its value.
    #[must_use]
    pub fn arg(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((name, value.to_string()));
        self
    }

    /// Adds a place. The first one added is the primary label.
    #[must_use]
    pub fn label(self, span: Span, key: &'static str) -> Self {
        self.label_with(span, key, Vec::new())
    }

    /// Adds a place whose text has placeholders.
    #[must_use]
    pub fn label_with(mut self, span: Span, key: &'static str, args: Vec<(&'static str, String)>) -> Self {
        self.labels.push(Label { span, key, args });
        self
    }

    /// Names an object concerned.
    #[must_use]
    pub fn object(mut self, id: impl ToString) -> Self {
        self.objects.push(id.to_string());
        self
    }

    /// Sets the chain that shows the fault.
    #[must_use]
    pub fn witness(mut self, chain: Vec<String>) -> Self {
        self.witness = chain;
        self
    }

    /// Sets a repair.
    #[must_use]
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, replacement: replacement.into() });
        self
    }

    /// Weighs this finding otherwise than the rule's grade does.
    #[must_use]
    pub const fn weigh(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// The primary place.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}
