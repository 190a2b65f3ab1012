//! What changes between two sites: packets that become possible or impossible end to end, what each enforcer does about it,
//! findings, deviations that end soon.
//!
//! The comparison is exact: the boxes of both sites ([`crate::claims`]) become sets of one packet space, and what is in one set
//! and not in the other is written back as rectangles. A change that moves no packet is shown as rewritten.

mod changes;
mod clusters;
mod difference;
mod enforcers;
mod gateways;
mod rectangles;

pub use changes::{Change, Kind, Presence};
pub use enforcers::{Enforcer, FramePart, Outcome, Row, SourceCheck};
pub use rectangles::{Namer, Rectangle, is_short, short_list};

use crate::check::{Checked, Model};
use crate::claims::{Pods, claims};
use crate::deviations::{Assessed, fingerprints};
use crate::plan::plan;
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
    let sites = [&old.site, &new.site];
    // End to end a workload is what its name says; a policy sees labels only.
    let (workloads, selectable) = (Pods::workloads(sites[0], sites[1]), Pods::selectable(sites));
    let spread =
        |model: &Model, pods: &Pods| (claims(&model.site, &model.graphs, pods), plan(&model.site, &model.graphs));
    let ((before, old_plan), (after, new_plan)) = both(|| spread(old, &workloads[0]), || spread(new, &workloads[1]));
    let (enforcers, changes) = both(
        || enforcers::enforcers([old_plan, new_plan], sites, &selectable),
        || changes::changes(&before, &after, &workloads, sites),
    );
    let changes = changes?;
    let unchanged = after.iter().filter(|(name, claims)| before.get(*name) == Some(claims)).count();
    let (new_findings, fixed_findings, kept_findings) = findings(&old_checked.findings, &new_checked.findings);
    Ok(Diff { changes, unchanged, new_findings, fixed_findings, kept_findings, ending: ending(new), enforcers })
}

/// Does two things at the same time. The results do not depend on which is done first.
pub fn both<A: Send, B>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let first = scope.spawn(first);
        let second = second();
        (first.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause)), second)
    })
}

/// Findings that only the new site has, those that only the old one has, and the number of those that both have.
fn findings<'a>(old: &'a [Assessed], new: &'a [Assessed]) -> (Vec<&'a Assessed>, Vec<&'a Assessed>, usize) {
    let [before, after] = [old, new].map(fingerprints);
    let beyond = |these: &'a [Assessed], prints: &[String], others: &[String]| -> Vec<&'a Assessed> {
        let known: BTreeSet<&String> = others.iter().collect();
        these.iter().zip(prints).filter(|(_, print)| !known.contains(print)).map(|(item, _)| item).collect()
    };
    let (come, gone) = (beyond(new, &after, &before), beyond(old, &before, &after));
    let kept = new.len() - come.len();
    (come, gone, kept)
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
