//! The difference of two sites: for people, for programs, for the comment at a merge request.

use super::Places;
use super::human::counted;
use crate::check::Checked;
use crate::deviations::Assessed;
use crate::diff::{Change, Diff, FramePart, Kind, Outcome, Presence, Rectangle, Sides};
use crate::finding::Severity;
use crate::i18n::Lang;

mod human;
mod json;
mod markdown;

pub use human::human;
pub use json::json;
pub use markdown::markdown;

/// Rectangles of one change that are written out for people.
const SHOWN: usize = 6;

/// What is printed.
pub struct Page<'a> {
    /// The difference.
    pub diff: &'a Diff<'a>,
    /// The two sites.
    pub sides: Sides<'a>,
    /// Language.
    pub lang: Lang,
    /// The sites as named on the command line.
    pub names: [&'a str; 2],
    /// The places of the new one.
    pub places: &'a Places,
}

impl Page<'_> {
    fn word(&self, en: &'static str, de: &'static str) -> &'static str {
        if self.lang == Lang::De { de } else { en }
    }

    fn kind(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Opened => self.word("opened", "geöffnet"),
            Kind::Widened => self.word("widened", "erweitert"),
            Kind::Moved => self.word("moved", "verlegt"),
            Kind::Narrowed => self.word("narrowed", "verengt"),
            Kind::Closed => self.word("closed", "geschlossen"),
            Kind::Rewritten => self.word("rewritten", "umgestellt"),
        }
    }

    /// Why a change moves no packet.
    fn remark(&self, change: &Change) -> &'static str {
        match (change.kind, change.presence, change.has_no_way) {
            (Kind::Rewritten, Presence::New, true) => {
                self.word("new, but no way: nothing is let through", "neu, aber kein Weg: nichts wird durchgelassen")
            }
            (Kind::Rewritten, Presence::New, false) => self.word(
                "new, but other flows let the same packets through",
                "neu, aber andere Flüsse lassen dieselben Pakete durch",
            ),
            (Kind::Rewritten, Presence::Old, true) => {
                self.word("gone; it had no way and let nothing through", "entfällt; ohne Weg ließ er nichts durch")
            }
            (Kind::Rewritten, Presence::Old, false) => self.word(
                "gone, but other flows let the same packets through",
                "entfällt, aber andere Flüsse lassen dieselben Pakete durch",
            ),
            _ => "",
        }
    }

    /// New findings, the gravest first.
    fn gravest(&self) -> Vec<&Assessed> {
        let mut list = self.diff.new_findings.clone();
        list.sort_by_key(|item| item.severity);
        list
    }

    fn outcome(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Same => self.word("same", "gleich"),
            Outcome::Equal => self.word("rewritten, equal", "umgestellt, gleichwertig"),
            Outcome::Differs => self.word("differs", "geändert"),
            Outcome::New => self.word("new", "neu"),
            Outcome::Gone => self.word("gone", "entfällt"),
        }
    }

    /// What of a cluster is written otherwise beside its permits.
    fn frame(&self, part: FramePart) -> &'static str {
        match part {
            FramePart::Dialect => self.word("dialect of the policies", "Dialekt der Richtlinien"),
            FramePart::Capabilities => self.word("capabilities and guardrails", "Fähigkeiten und Leitplanken"),
            FramePart::Namespaces => self.word("managed namespaces", "verwaltete Namensräume"),
            FramePart::Egress => self.word("egress addresses", "Austrittsadressen"),
        }
    }

    fn new_site(&self) -> &Checked {
        self.sides.new.0
    }

    fn message(&self, checked: &Checked, item: &Assessed) -> String {
        checked.catalogue.message(&item.finding, self.lang)
    }

    fn place(checked: &Checked, item: &Assessed) -> String {
        item.finding.span().map_or_else(String::new, |span| {
            format!("{}:{}", checked.sources.file(span.file).name, checked.sources.position(span).line)
        })
    }

    /// The place of a finding of the new site, from the folder in which zonec runs.
    fn located(&self, item: &Assessed) -> String {
        let place = self.places.primary(self.new_site(), &item.finding);
        place.range.map_or_else(|| place.path.clone(), |(first, _)| format!("{}:{}", place.path, first.line))
    }

    /// The kind of a change; a new flow that an error of the new site stands against is only asked for.
    fn label(&self, change: &Change) -> &'static str {
        let checked = self.new_site();
        let errors = checked.findings.iter().filter(|item| item.severity == Severity::Error);
        let refused = errors.map(|item| &item.finding.objects).any(|objects| objects.contains(&change.flow));
        match change.kind {
            Kind::Opened | Kind::Rewritten if refused && change.presence == Presence::New => {
                self.word("requested, refused", "beantragt, abgelehnt")
            }
            kind => self.kind(kind),
        }
    }

    fn summary(&self) -> String {
        let errors = |list: &[&Assessed]| list.iter().filter(|item| item.severity == Severity::Error).count();
        let (new, fixed) = (&self.diff.new_findings, &self.diff.fixed_findings);
        let (grave, mended) = (errors(new), errors(fixed));
        let (added, gone) = (new.len() - grave, fixed.len() - mended);
        let kept = self.diff.kept_findings;
        let head = counted(grave, self.lang, ["new violation", "new violations", "Verstoß neu", "Verstöße neu"]);
        let rest = match (self.lang, added + gone) {
            (_, 0) => String::new(),
            (Lang::En, _) => format!("; of other findings {added} new, {gone} gone"),
            (Lang::De, _) => format!("; von anderen Befunden {added} neu, {gone} entfallen"),
        };
        let kept = counted(
            kept,
            self.lang,
            ["finding unchanged", "findings unchanged", "Befund unverändert", "Befunde unverändert"],
        );
        format!("{head}, {mended} {}{rest}; {kept}", self.word("fixed", "behoben"))
    }
}

/// A number for people: exact while it is short.
fn count(number: f64) -> String {
    if number < 1e6 {
        let digits = format!("{number:.0}");
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push('\u{202f}');
            }
            grouped.push(digit);
        }
        return grouped;
    }
    format!("{number:.1e}")
}

fn total(rectangles: &[Rectangle]) -> f64 {
    rectangles.iter().map(|rectangle| rectangle.combinations).sum()
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
        Severity::Deviation => "deviation",
    }
}

const fn sign(kind: Kind) -> &'static str {
    match kind {
        Kind::Opened | Kind::Widened => "+",
        Kind::Moved => "±",
        Kind::Narrowed | Kind::Closed => "-",
        Kind::Rewritten => "=",
    }
}
