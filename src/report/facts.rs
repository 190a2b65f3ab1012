//! What a report says, in the language of the report and free of any format: the input of every writer.

use serde::Serialize;

/// A report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Head.
    pub head: Head,
    /// Released or not, and why.
    pub verdict: Verdict,
    /// The figures under the verdict.
    pub figures: Vec<Figure>,
    /// What is to be done, most urgent first.
    pub tasks: Vec<Task>,
    /// Findings that no deviation covers, worst first, told in full.
    pub findings: Vec<Finding>,
    /// The findings beyond the first [`super::FULL_FINDINGS`], one line each.
    pub more_findings: Vec<Finding>,
    /// Deviations, whatever their state.
    pub deviations: Vec<Deviation>,
    /// What flows lead from and to: networks and zones.
    pub areas: Vec<Area>,
    /// Rows and columns of the matrix: the areas, or classes of them when there are too many.
    pub matrix: Matrix,
    /// Flows in order of name.
    pub flows: Vec<Flow>,
    /// Requirements by standard.
    pub standards: Vec<Standard>,
    /// All rules and attestations.
    pub rules: Vec<Rule>,
    /// Networks and zones.
    pub zones: Vec<ZoneRow>,
    /// Every address that the site names.
    pub addresses: Vec<Address>,
    /// What is generated.
    pub artefacts: Vec<Artefact>,
    /// What was checked.
    pub checked: Vec<String>,
    /// What was not.
    pub unchecked: Vec<String>,
    /// Terms explained.
    pub glossary: Vec<Term>,
}

/// Where a report comes from.
#[derive(Clone, Debug, Serialize)]
pub struct Head {
    /// `de` or `en`.
    pub lang: String,
    /// Version of the compiler.
    pub version: String,
    /// Name of the site.
    pub name: String,
    /// Its title, or its name.
    pub title: String,
    /// Who runs it; may be empty.
    pub operator: String,
    /// Title of the blueprint.
    pub blueprint: String,
    /// Its revision.
    pub revision: String,
    /// Date of evaluation.
    pub as_of: String,
    /// The same as the command line takes it.
    pub as_of_iso: String,
    /// Digest of the model: 64 hexadecimal digits in two halves.
    pub digest: (String, String),
    /// The files of the site.
    pub inputs: Vec<String>,
}

/// Shape, colour and word of a state; never colour alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Mark {
    /// Class: `viol`, `dev`, `warn`, `note`, `ok`, `none`, `absent`. In order of weight by [`super::weight`].
    pub class: &'static str,
    /// The shape.
    pub sign: &'static str,
    /// The word.
    pub word: String,
}

/// Whether the site is released.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Released: no error, and everything could be compiled.
    pub released: bool,
    /// In words.
    pub title: String,
    /// Why.
    pub text: String,
}

/// A figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Class of its colour.
    pub class: &'static str,
    /// The figure.
    pub figure: String,
    /// Of what.
    pub word: String,
    /// More about it.
    pub note: String,
}

/// Something to do.
#[derive(Clone, Debug, Serialize)]
pub struct Task {
    /// What.
    pub title: String,
    /// Why and by whom.
    pub text: String,
    /// Where it is told in full: an anchor.
    pub anchor: String,
}

/// A finding.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// `V-01` violation, `W-01` warning, `N-01` note.
    pub id: String,
    /// State.
    pub mark: Mark,
    /// Rule id.
    pub rule: String,
    /// Its grade; empty for what is no rule.
    pub grade: String,
    /// Its title.
    pub title: String,
    /// What was found.
    pub message: String,
    /// DVS and BSI ids.
    pub sources: String,
    /// `file:line`.
    pub place: String,
    /// How to mend it.
    pub help: String,
    /// Objects concerned.
    pub objects: String,
    /// Flows concerned, by number.
    pub flows: Vec<String>,
    /// The chain that shows the fault.
    pub chain: Vec<Step>,
    /// The lines of the model around it.
    pub excerpt: Vec<Line>,
}

/// A step of a witness.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// The flow that leads here; empty for the first and for steps inside a segment.
    pub via: String,
    /// Where it leads.
    pub name: String,
    /// Whether it is the step that must not be.
    pub bad: bool,
}

/// A finding or deviation told elsewhere in the report.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Link {
    /// Anchor.
    pub anchor: String,
    /// Its id.
    pub id: String,
}

/// A line of the model.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Its number.
    pub number: usize,
    /// Its text.
    pub text: String,
    /// Whether the finding points at it.
    pub hit: bool,
}

/// A deviation.
#[derive(Clone, Debug, Serialize)]
pub struct Deviation {
    /// Id.
    pub id: String,
    /// Kind in words.
    pub kind: String,
    /// In force, expired, without effect.
    pub mark: Mark,
    /// Rules it departs from.
    pub rules: Vec<String>,
    /// Objects it holds for.
    pub objects: String,
    /// Why.
    pub reason: String,
    /// Compensating measures.
    pub measures: Vec<String>,
    /// Risk that remains.
    pub risk: String,
    /// Who answers for it.
    pub owner: String,
    /// Approvals.
    pub approvals: Vec<String>,
    /// First day; may be empty.
    pub from: String,
    /// Last day; may be empty.
    pub until: String,
    /// How long it still holds.
    pub left: String,
    /// Whether that is soon.
    pub soon: bool,
    /// Findings it covers.
    pub covers: Vec<String>,
}

/// A network or zone.
#[derive(Clone, Debug, Serialize)]
pub struct Area {
    /// `n1`, `z1`, `g1`: a token for filters, no name.
    pub id: String,
    /// Name in the model; empty for a class of areas.
    pub name: String,
    /// Title.
    pub title: String,
}

/// Who opens connections to whom.
#[derive(Clone, Debug, Serialize)]
pub struct Matrix {
    /// Whether rows and columns are classes of zones.
    pub grouped: bool,
    /// Columns.
    pub columns: Vec<Area>,
    /// Rows.
    pub rows: Vec<MatrixRow>,
}

/// A row of the matrix.
#[derive(Clone, Debug, Serialize)]
pub struct MatrixRow {
    /// Who opens.
    pub area: Area,
    /// To each column.
    pub cells: Vec<Cell>,
}

/// A cell of the matrix.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// `self`, `forb` (forbidden by the blueprint), `none` (not opened), `open`.
    pub kind: &'static str,
    /// Row id.
    pub from: String,
    /// Column id.
    pub to: String,
    /// Services, at most three.
    pub services: Vec<String>,
    /// How many more.
    pub more: usize,
    /// How dark: 1 to 3.
    pub tint: usize,
    /// Worst state of its flows, when it is no good one.
    pub mark: Option<Mark>,
    /// In words, for those who cannot see it.
    pub label: String,
    /// First flow.
    pub first: String,
    /// Number of flows.
    pub count: usize,
}

/// An end of a flow.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FlowEnd {
    /// Titles of the networks and zones.
    pub areas: String,
    /// Names as the flow gives them.
    pub names: String,
    /// Tokens of areas and of their classes, for filters.
    pub ids: String,
}

/// A flow.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    /// `F01`: the number that the diagram uses too.
    pub number: String,
    /// Id in the model.
    pub name: String,
    /// Who opens.
    pub from: FlowEnd,
    /// Who answers.
    pub to: FlowEnd,
    /// As written.
    pub service: String,
    /// Protocols and ports.
    pub protocol: String,
    /// First port, for sorting.
    pub order: String,
    /// Why.
    pub purpose: String,
    /// Who answers for it.
    pub owner: String,
    /// Approval: reference, by whom, when.
    pub approved: String,
    /// The same in its parts.
    pub approval: Approval,
    /// Period, when it is limited.
    pub valid: String,
    /// First day, when there is one.
    pub from_day: String,
    /// Last day, when there is one.
    pub until_day: String,
    /// What the flow states beyond the columns of the matrix, as a YAML map.
    pub further: String,
    /// Who enforces it.
    pub enforced: Vec<String>,
    /// State.
    pub mark: Mark,
    /// Findings and deviations.
    pub refs: Vec<Link>,
    /// Whether it serves administration.
    pub management: bool,
}

/// An approval in its parts; empty without one.
#[derive(Clone, Default, Debug, Serialize)]
pub struct Approval {
    /// Reference.
    pub reference: String,
    /// By whom.
    pub by: String,
    /// When.
    pub on: String,
}

/// The requirements of a standard.
#[derive(Clone, Debug, Serialize)]
pub struct Standard {
    /// Title.
    pub title: String,
    /// Requirements.
    pub rows: Vec<Requirement>,
}

/// A requirement.
#[derive(Clone, Debug, Serialize)]
pub struct Requirement {
    /// `DVS-012-R02`, `NET.1.1.A18`.
    pub reference: String,
    /// Rules that rest on it.
    pub rules: Vec<String>,
    /// How many of them are decided, of how many.
    pub decided: String,
    /// Kinds of evidence: letters.
    pub kinds: String,
    /// Worst state of its rules.
    pub mark: Mark,
}

/// A rule of the catalogue.
#[derive(Clone, Debug, Serialize)]
pub struct Rule {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Grade.
    pub grade: String,
    /// Kind of evidence: `M`, `A`, `E`, `–`.
    pub kind: &'static str,
    /// In words.
    pub kind_word: String,
    /// The evidence.
    pub evidence: String,
    /// How it is decided.
    pub decided: String,
    /// DVS and BSI ids.
    pub sources: String,
    /// State.
    pub mark: Mark,
    /// Findings and deviations.
    pub refs: Vec<Link>,
}

/// A network or zone with its facts.
#[derive(Clone, Debug, Serialize)]
pub struct ZoneRow {
    /// Name.
    pub name: String,
    /// Title.
    pub title: String,
    /// Class.
    pub class: String,
    /// Segments with their prefixes.
    pub segments: Vec<SegmentRow>,
    /// Protection need.
    pub protection: String,
    /// Packet filters with a leg in it.
    pub filters: String,
    /// Number of components in it.
    pub components: usize,
    /// Whether it is an outside network.
    pub outside: bool,
}

/// A segment.
#[derive(Clone, Debug, Serialize)]
pub struct SegmentRow {
    /// Name; empty when it is the zone's.
    pub name: String,
    /// Prefixes.
    pub prefixes: Vec<String>,
}

/// An address that the site names.
#[derive(Clone, Debug, Serialize)]
pub struct Address {
    /// The prefix or address.
    pub address: String,
    /// What it belongs to.
    pub object: String,
    /// What that is.
    pub kind: String,
    /// Segment or network.
    pub place: String,
    /// Zone; empty outside.
    pub zone: String,
}

/// A generated file.
#[derive(Clone, Debug, Serialize)]
pub struct Artefact {
    /// Path in the output folder.
    pub path: String,
    /// Kind.
    pub kind: String,
    /// Gateway or cluster.
    pub target: String,
    /// Flows in it.
    pub flows: usize,
    /// Digest in two halves.
    pub digest: (String, String),
    /// Whether it was read back and compared.
    pub proof: String,
}

/// A term.
#[derive(Clone, Debug, Serialize)]
pub struct Term {
    /// The term.
    pub term: String,
    /// Its meaning.
    pub text: String,
}
