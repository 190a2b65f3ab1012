//! Repairs of findings: what `zonec check` proposes as “did you mean”, and the skeleton of a deviation.
//!
//! The skeleton holds what is known (rule, object, standard, dates of today) and an empty reason; what an architect has to find out
//! stands beside it as comments. It parses, and covers nothing before its reason is one: ZM-ABW-01 says what is missing.

use super::diagnostics::Files;
use super::position::Lines;
use super::uri::uri;
use super::words::Words;
use crate::check::Checked;
use crate::deviations::Assessed;
use crate::finding::Severity;
use crate::rules::{Deviability, Grade, RuleData};
use crate::source::{FileId, Limits, SourceFile};
use crate::syntax::tree::{self, Node, Value};
use lsp_types::{CodeAction, CodeActionKind, Range, TextEdit, Uri, WorkspaceEdit};
use std::collections::{BTreeSet, HashMap};

/// The actions for the findings that touch a range of a file.
#[must_use]
pub fn actions(
    checked: &Checked,
    main: &str,
    path: &str,
    range: Range,
    words: &Words,
    named: &dyn Fn(&str) -> Option<Uri>,
) -> Vec<CodeAction> {
    let mut files = Files::new(checked, main);
    let mut actions = Vec::new();
    for item in &checked.findings {
        let Some(label) = item.finding.labels.first() else { continue };
        let (at, own) = files.place(label);
        if at != path || own.start > range.end || own.end < range.start {
            continue;
        }
        let edit = |path: &str, edit: TextEdit| {
            let uri = named(path).or_else(|| uri(path))?;
            Some(WorkspaceEdit::new(HashMap::from([(uri, vec![edit])])))
        };
        if let Some(fix) = &item.finding.fix {
            let place = crate::finding::Label { span: fix.span, key: "", args: Vec::new() };
            let (path, range) = files.place(&place);
            let title = words.fill("did-you-mean", &[("name", fix.replacement.clone())]);
            let edit = edit(&path, TextEdit { range, new_text: fix.replacement.clone() });
            actions.extend(edit.map(|edit| action(title, edit, true)));
        }
        if let Some((file, insertion)) = deviation(checked, item, label.span.file, words) {
            let title =
                words.fill("add-deviation", &[("rule", item.finding.rule.to_owned()), ("object", insertion.object)]);
            let edit = edit(&files.path(file), insertion.edit);
            actions.extend(edit.map(|edit| action(title, edit, false)));
        }
    }
    actions.dedup();
    actions
}

fn action(title: String, edit: WorkspaceEdit, is_preferred: bool) -> CodeAction {
    CodeAction {
        title,
        kind: Some(CodeActionKind::QUICKFIX),
        edit: Some(edit),
        is_preferred: is_preferred.then_some(true),
        ..CodeAction::default()
    }
}

/// An edit that adds a deviation, and the object it is for.
struct Insertion {
    edit: TextEdit,
    object: String,
}

/// The kind of deviation that can carry a departure from a rule; `None` when there is none (rules 3.2).
fn kind(rule: &RuleData) -> Option<&'static str> {
    match (rule.deviability, rule.grade) {
        (Deviability::J, grade) if grade != Grade::DarfNicht => Some("justification"),
        (Deviability::F | Deviability::FB, Grade::Muss) => Some("exception"),
        _ => None,
    }
}

/// The skeleton for a finding, in the file that holds deviations already: the finding's own, else the first; where there is none, at
/// the end of the finding's own.
fn deviation(checked: &Checked, item: &Assessed, own: FileId, words: &Words) -> Option<(FileId, Insertion)> {
    let model = checked.model.as_ref()?;
    if item.severity == Severity::Deviation {
        return None;
    }
    let rule = checked.catalogue.rule(item.finding.rule)?;
    let kind = kind(rule)?;
    let object = item.finding.objects.first()?;
    let taken: BTreeSet<&str> = model.site.deviations.values().map(|deviation| deviation.name.as_str()).collect();
    let skeleton = Skeleton {
        checked,
        words,
        name: free_name(item.finding.rule, object, &taken),
        kind,
        id: item.finding.rule,
        rule,
        object,
    };
    let files = std::iter::once(own).chain(checked.sources.files().map(|(id, _)| id));
    for id in files {
        let source = checked.sources.file(id);
        let tree = tree::parse(&source.text, id, &Limits::default()).ok()?;
        if let Some(register) = entry(&tree, "deviations") {
            return Some((id, insertion(source, place_in(source, register, &skeleton), object)));
        }
    }
    let source = checked.sources.file(own);
    let gap = if source.text.ends_with('\n') { "\n" } else { "\n\n" };
    let text = format!("{gap}deviations:\n{}", skeleton.block(2));
    Some((own, insertion(source, (source.text.len(), text), object)))
}

fn insertion(source: &SourceFile, (at, text): (usize, String), object: &str) -> Insertion {
    let lines = Lines::new(&source.text);
    let new_text = if source.text.contains("\r\n") { text.replace('\n', "\r\n") } else { text };
    let range = lines.range(&source.text, at..at);
    Insertion { edit: TextEdit { range, new_text }, object: object.to_owned() }
}

fn entry<'n, 's>(tree: &'n Node<'s>, name: &str) -> Option<&'n (Node<'s>, Node<'s>)> {
    let Value::Map(pairs) = &tree.value else { return None };
    pairs.iter().find(|(key, _)| key.text() == Some(name))
}

/// Where the register takes another entry, and its text.
fn place_in(source: &SourceFile, (key, value): &(Node<'_>, Node<'_>), skeleton: &Skeleton<'_>) -> (usize, String) {
    let text = &source.text;
    let line_end =
        |at: usize| text.get(at..).and_then(|rest| rest.find(['\r', '\n'])).map_or(text.len(), |end| at + end);
    match &value.value {
        Value::Map(pairs) if is_flow(source, value) => {
            let comma = if pairs.is_empty() { "" } else { ", " };
            let close = (value.span.end as usize).saturating_sub(1);
            let at = text.get(..close).map_or(close, |before| before.trim_end().len());
            (at, format!("{comma}{} ", skeleton.flow()))
        }
        Value::Map(pairs) if !pairs.is_empty() => {
            let first = pairs.first().map_or(0, |(key, _)| key.span.start as usize);
            let indent = text.get(..first).map_or(0, |before| before.chars().rev().take_while(|c| *c == ' ').count());
            let last = end(source, value);
            let last = text.get(..last).map_or(last, |before| before.trim_end().len());
            (line_end(last), format!("\n{}", skeleton.block(indent).trim_end()))
        }
        _ => (line_end(key.span.end as usize), format!("\n{}", skeleton.block(2).trim_end())),
    }
}

fn is_flow(source: &SourceFile, node: &Node<'_>) -> bool {
    source.text.get(node.span.start as usize..).is_some_and(|rest| rest.starts_with(['{', '[']))
}

/// The byte after the last that a node shows: block collections end where the next thing begins.
fn end(source: &SourceFile, node: &Node<'_>) -> usize {
    let own = node.span.end as usize;
    match &node.value {
        Value::Map(pairs) if !is_flow(source, node) => pairs.last().map_or(own, |(_, value)| end(source, value)),
        Value::Seq(items) if !is_flow(source, node) => items.last().map_or(own, |item| end(source, item)),
        _ => own,
    }
}

/// An id that no deviation has: rule and object.
fn free_name(rule: &str, object: &str, taken: &BTreeSet<&str>) -> String {
    let plain: String =
        format!("{rule}-{object}").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let plain: String = plain.chars().take(58).collect();
    let plain = plain.trim_end_matches('-');
    let mut names = std::iter::once(plain.to_owned()).chain((2..1000).map(|number| format!("{plain}-{number}")));
    names.find(|name| !taken.contains(name.as_str())).unwrap_or_else(|| plain.to_owned())
}

struct Skeleton<'a> {
    checked: &'a Checked,
    words: &'a Words,
    name: String,
    kind: &'static str,
    id: &'static str,
    rule: &'a RuleData,
    object: &'a str,
}

impl Skeleton<'_> {
    /// In block style, with comments on what is to be filled in. Ends with a line break.
    fn block(&self, indent: usize) -> String {
        let word = |key: &str| self.words.get(key).to_owned();
        let parameters = self.checked.model.as_ref().map(|model| &model.site.blueprint.parameters);
        let limit = parameters.map_or(0, |parameters| parameters.deviation_reason_min_chars);
        let months = parameters.map_or(0, |parameters| parameters.deviation_max_months);
        let reason = self.words.fill("skeleton-reason", &[("limit", limit.to_string())]);
        let mut lines = vec![
            format!("kind: {}", self.kind),
            format!("rules: [{}]", self.id),
            format!("objects: [{}]", self.object),
            format!("reason: \"\"  # {reason}"),
        ];
        let today = self.checked.as_of;
        if self.kind == "justification" {
            lines.push(format!("# owner: {}", word("skeleton-owner")));
        } else {
            lines.extend(self.standard().map(|standard| format!("dvs: {standard}")));
            lines.push(format!("requested-on: {today}"));
            lines.push(format!("valid-from: {today}"));
            let until = self.words.fill("skeleton-until", &[("months", months.to_string())]);
            lines.push(format!("# valid-until: {until}"));
            for key in ["owner", "risk", "measures", "exit-plan"] {
                lines.push(format!("# {key}: {}", word(&format!("skeleton-{key}"))));
            }
            lines.push("# approvals:".to_owned());
            for body in ["architekturboard", "koordinierungsstelle"] {
                lines.push(format!("#   - {{ body: {body}, ref: …, on: … }}"));
            }
            if self.rule.deviability == Deviability::FB {
                lines.push("# bsi-conformity:".to_owned());
                let twins = self.rule.twins.iter();
                lines.extend(twins.map(|twin| format!("#   - {{ requirement: {twin}, measure: … }}")));
            }
        }
        let pad = " ".repeat(indent);
        let body: String = lines.iter().map(|line| format!("{pad}  {line}\n")).collect();
        format!("{pad}{}:\n{body}", self.name)
    }

    /// In flow style, for a register that is written so.
    fn flow(&self) -> String {
        format!(
            "{}: {{ kind: {}, rules: [{}], objects: [{}], reason: \"\" }}",
            self.name, self.kind, self.id, self.object
        )
    }

    /// The DVS standard behind the rule.
    fn standard(&self) -> Option<&str> {
        self.rule.sources.iter().map(String::as_str).find(|source| source.starts_with("DVS-"))
    }
}
