//! `zonec test`: the policy tests of a site.

use super::format::junit::{self, Case, Outcome};
use super::{Format, INVALID, OK, Options, Stop, VIOLATION, check, format, open};
use crate::check::Checked;
use crate::diff::{Rectangle, short_list};
use crate::model::Site;
use crate::query::{Verdict, expectations};
use serde_json::json;
use std::io::Write;

/// Rectangles written out for one failed test.
const SHOWN: usize = 3;

pub(super) fn run(site: &str, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    options.only(&[Format::Human, Format::Json, Format::Junit])?;
    let (_, checked) = open(site, options)?;
    let Some(model) = &checked.model else {
        check::print(&checked, site, options, out)?;
        return Ok(INVALID);
    };
    let verdicts = expectations(model).map_err(|error| Stop::Failure(error.to_string()))?;
    let page = Page { checked: &checked, site: &model.site, options };
    let failed = verdicts.iter().filter(|verdict| !verdict.holds).count();
    match options.format {
        Format::Json => {
            let tests: Vec<_> = verdicts.iter().map(|verdict| page.value(verdict)).collect();
            let summary = json!({ "tests": tests.len(), "failed": failed });
            writeln!(out, "{:#}", json!({ "site": model.site.name(), "summary": summary, "tests": tests }))?;
        }
        Format::Junit => {
            let here = std::env::current_dir().unwrap_or_default();
            let places = format::Places::new(site, &here);
            let cases: Vec<Case> = verdicts.iter().map(|verdict| page.case(verdict, &places)).collect();
            junit::print(model.site.name(), &cases, out)?;
        }
        _ => {
            verdicts.iter().try_for_each(|verdict| page.human(verdict, out))?;
            let all = verdicts.len();
            let held = all - failed;
            let words = options.word("policy tests hold", "Richtlinientests bestanden");
            let of = options.word("of", "von");
            writeln!(out, "{held} {of} {all} {words}")?;
        }
    }
    Ok(if failed == 0 { OK } else { VIOLATION })
}

struct Page<'a> {
    checked: &'a Checked,
    site: &'a Site,
    options: &'a Options,
}

impl Page<'_> {
    /// `deny internet -> postgres 5432/tcp`.
    fn name(&self, verdict: &Verdict<'_>) -> String {
        let test = verdict.expectation;
        let (from, to) = (self.site.end_name(test.from), self.site.end_name(test.to));
        format!("{} {from} -> {to} {}", if test.allow { "allow" } else { "deny" }, test.service.expr)
    }

    fn place(&self, verdict: &Verdict<'_>) -> String {
        let span = verdict.expectation.span;
        format!("{}:{}", self.checked.sources.file(span.file).name, self.checked.sources.position(span).line)
    }

    /// Why a test failed, in one line.
    fn reason(&self, verdict: &Verdict<'_>) -> String {
        let word = |en, de| self.options.word(en, de);
        if verdict.holds {
            return String::new();
        }
        if verdict.expectation.allow && verdict.has_no_way {
            return word("nothing leads from one to the other", "es führt kein Weg vom einen zum anderen").to_owned();
        }
        let flows = if verdict.flows.is_empty() {
            String::new()
        } else {
            format!(" ({} {})", word("flows:", "Flüsse:"), short_list(&verdict.flows))
        };
        let what = if verdict.expectation.allow {
            word("not every packet is let through", "nicht jedes Paket wird durchgelassen")
        } else {
            word("packets are let through", "Pakete werden durchgelassen")
        };
        format!("{what}{flows}")
    }

    fn lines(verdict: &Verdict<'_>) -> Vec<String> {
        let line = |row: &Rectangle| {
            format!("{} -> {} {}", short_list(&row.source), short_list(&row.destination), short_list(&row.service))
        };
        verdict.against.iter().take(SHOWN).map(line).collect()
    }

    fn human(&self, verdict: &Verdict<'_>, out: &mut dyn Write) -> std::io::Result<()> {
        let state = if verdict.holds { "ok  " } else { self.options.word("FAIL", "FEHL") };
        writeln!(out, "{state}  {}", self.name(verdict))?;
        if !verdict.holds {
            let because = &verdict.expectation.because;
            if !because.is_empty() {
                writeln!(out, "      {}: {because}", self.options.word("expected because", "erwartet, weil"))?;
            }
            writeln!(out, "      {}", self.reason(verdict))?;
            Self::lines(verdict).iter().try_for_each(|line| writeln!(out, "      {line}"))?;
            writeln!(out, "      --> {}", self.place(verdict))?;
        }
        Ok(())
    }

    fn value(&self, verdict: &Verdict<'_>) -> serde_json::Value {
        let against = verdict
            .against
            .iter()
            .map(|row| json!({ "src": row.source, "dst": row.destination, "ports": row.service }));
        json!({
            "test": self.name(verdict),
            "holds": verdict.holds,
            "because": verdict.expectation.because,
            "reason": self.reason(verdict),
            "flows": verdict.flows,
            "against": against.collect::<Vec<_>>(),
            "place": self.place(verdict),
        })
    }

    fn case(&self, verdict: &Verdict<'_>, places: &format::Places) -> Case {
        let file = places.file(self.checked.sources.file(verdict.expectation.span.file));
        let outcome = if verdict.holds {
            Outcome::Passed(verdict.expectation.because.clone())
        } else {
            let details = Self::lines(verdict).join("\n");
            Outcome::Failed(
                self.reason(verdict),
                format!("{}\n{details}\n{}", self.place(verdict), verdict.expectation.because),
            )
        };
        Case { class: format!("{}.expect", self.site.name()), name: self.name(verdict), file: Some(file), outcome }
    }
}
