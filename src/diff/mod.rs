//! What changes between two sites: packets that become possible or impossible end to end, what each enforcer does about it,
//! findings, deviations that end soon.
//!
//! The comparison is exact: the boxes of both sites ([`crate::claims`]) become sets of one packet space, and what is in one set
//! and not in the other is written back as rectangles. A change that moves no packet is shown as rewritten.

mod changes;
mod enforcers;
mod rectangles;

pub use changes::{Change, Kind};
pub use enforcers::{Enforcer, Outcome};
pub use rectangles::{Namer, Rectangle, short_list};

use crate::check::{Checked, Model};
use crate::claims::{Pods, claims};
use crate::deviations::{Assessed, fingerprints};
use crate::source::Date;
use crate::space::MissingCut;
use std::collections::BTreeSet;

/// Days within which the end of a deviation is worth a word.
const SOON: i64 = 90;

/// The difference of two sites.
#[derive(Debug)]
pub struct Diff<'a> {
    /// Changes by flow: opened, widened, moved, narrowed, closed, rewritten; then by name.
    pub changes: Vec<Change>,
    /// Flows that are the same in both.
    pub unchanged: usize,
    /// Findings of the new site that the old one has not.
    pub new_findings: Vec<&'a Assessed>,
    /// Findings of the old site that the new one has not.
    pub fixed_findings: Vec<&'a Assessed>,
    /// Findings of both.
    pub kept_findings: usize,
    /// Deviations of the new site that end within 90 days of its date, with the days left.
    pub ending: Vec<(String, Date, i64)>,
    /// Gateways and clusters, in order of name; or why one of the sites has no plan.
    pub enforcers: Result<Vec<Enforcer>, String>,
}

impl Diff<'_> {
    /// Whether nothing differs: no packet, no finding, no artefact.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let alike = |enforcers: &Vec<Enforcer>| enforcers.iter().all(|enforcer| enforcer.outcome == Outcome::Same);
        self.changes.is_empty()
            && self.new_findings.is_empty()
            && self.fixed_findings.is_empty()
            && self.enforcers.as_ref().is_ok_and(alike)
    }

    /// The changes of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.kind == kind)
    }
}

/// Two checked sites with their models.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// Before the change.
    pub old: (&'a Checked, &'a Model),
    /// After it.
    pub new: (&'a Checked, &'a Model),
}

/// Compares two sites, each on its own date.
///
/// # Errors
/// A defect of the program: a box outside of the packet space.
pub fn diff(sides: Sides<'_>) -> Result<Diff<'_>, MissingCut> {
    let ((old_checked, old), (new_checked, new)) = (sides.old, sides.new);
    let pods = Pods::new([&old.site, &new.site]);
    let before = claims(&old.site, &old.graphs, &pods);
    let after = claims(&new.site, &new.graphs, &pods);
    let changes = changes::changes(&before, &after, &pods, &old.site, &new.site)?;
    let unchanged = after.iter().filter(|(name, claims)| before.get(*name) == Some(claims)).count();
    let (new_findings, kept) = beyond(&new_checked.findings, &old_checked.findings);
    let (fixed_findings, _) = beyond(&old_checked.findings, &new_checked.findings);
    Ok(Diff {
        changes,
        unchanged,
        new_findings,
        fixed_findings,
        kept_findings: kept,
        ending: ending(new),
        enforcers: enforcers::enforcers(old, new),
    })
}

/// Findings that others are not, and the number of those that are.
fn beyond<'a>(these: &'a [Assessed], others: &[Assessed]) -> (Vec<&'a Assessed>, usize) {
    let known: BTreeSet<String> = fingerprints(others).into_iter().collect();
    let all = these.iter().zip(fingerprints(these));
    let found: Vec<&Assessed> = all.filter(|(_, print)| !known.contains(print)).map(|(item, _)| item).collect();
    let kept = these.len() - found.len();
    (found, kept)
}

fn ending(model: &Model) -> Vec<(String, Date, i64)> {
    let as_of = model.site.as_of;
    let soon = model.site.deviations.values().filter_map(|deviation| {
        let until = deviation.decl.valid_until.as_ref()?.value;
        let left = as_of.days_until(until);
        (0..=SOON).contains(&left).then(|| (deviation.name.clone(), until, left))
    });
    let mut soon: Vec<(String, Date, i64)> = soon.collect();
    soon.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    soon
}
