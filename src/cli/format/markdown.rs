//! Findings as Markdown, for the comment at a merge request: the verdict first, then what blocks, then the rest folded in.

use super::Places;
use crate::check::Checked;
use crate::deviations::Assessed;
use crate::finding::Severity;
use crate::i18n::Lang;
use crate::report::{markdown as escape, markdown_sentence as sentence};
use std::io::{Result, Write};

/// Prints all findings and the verdict.
pub fn findings(checked: &Checked, places: &Places, lang: Lang, out: &mut dyn Write) -> Result<()> {
    let german = lang == Lang::De;
    let page = Page { checked, places, lang };
    let name = checked.model.as_ref().map_or("", |model| model.site.name());
    let verdict = match (&checked.model, checked.is_releasable(), german) {
        (None, _, true) => "### Zonenmodell: nicht lesbar".to_owned(),
        (None, _, false) => "### Zone model: cannot be read".to_owned(),
        (_, true, true) => format!("### Zonenmodell `{name}`: freigabefähig"),
        (_, true, false) => format!("### Zone model `{name}`: releasable"),
        (_, false, true) => format!("### Zonenmodell `{name}`: nicht freigegeben"),
        (_, false, false) => format!("### Zone model `{name}`: not releasable"),
    };
    writeln!(out, "<!-- zonec:check site={name} v=1 -->\n{verdict}\n")?;
    writeln!(out, "{}\n", super::human::counts(checked, lang))?;
    for item in page.of(Severity::Error) {
        page.block(item, out)?;
    }
    let titles = match lang {
        Lang::En => ["Warnings", "Covered by deviations", "Notes"],
        Lang::De => ["Warnungen", "Durch Abweichungen gedeckt", "Hinweise"],
    };
    for (severity, title) in [Severity::Warning, Severity::Deviation, Severity::Info].into_iter().zip(titles) {
        page.table(severity, title, out)?;
    }
    let foot = if german { "Stichtag" } else { "As of" };
    let digest = if german { "Modell-Digest" } else { "model digest" };
    let version = env!("CARGO_PKG_VERSION");
    writeln!(out, "{foot} {}, {digest} `{}`, zonec {version}.", checked.as_of, checked.digest)
}

struct Page<'a> {
    checked: &'a Checked,
    places: &'a Places,
    lang: Lang,
}

impl<'a> Page<'a> {
    fn of(&self, severity: Severity) -> impl Iterator<Item = &'a Assessed> {
        self.checked.findings.iter().filter(move |item| item.severity == severity)
    }

    fn message(&self, item: &Assessed) -> String {
        sentence(&self.checked.catalogue.message(&item.finding, self.lang))
    }

    fn place(&self, item: &Assessed) -> String {
        let place = self.places.primary(self.checked, &item.finding);
        match place.range {
            Some((first, _)) => format!("`{}:{}`", place.path, first.line),
            None => format!("`{}`", place.path),
        }
    }

    /// A violation, told in full.
    fn block(&self, item: &Assessed, out: &mut dyn Write) -> Result<()> {
        let found = &item.finding;
        let catalogue = &self.checked.catalogue;
        let german = self.lang == Lang::De;
        let grade = catalogue.rule(found.rule).map(|rule| format!(" ({})", rule.grade)).unwrap_or_default();
        writeln!(out, "#### {}{grade}: {}\n", found.rule, self.message(item))?;
        let mut facts = vec![self.place(item)];
        if !found.witness.is_empty() {
            let words = if german { "Weg" } else { "path" };
            facts.push(format!(
                "{words}: {}",
                found.witness.iter().map(|name| escape(name)).collect::<Vec<_>>().join(" → ")
            ));
        }
        if let Some(rule) = catalogue.rule(found.rule) {
            let words = if german { "Grundlage" } else { "basis" };
            facts.push(format!("{words}: {}", rule.sources.join(", ")));
        }
        writeln!(out, "{}\n", facts.join("  \n"))?;
        let labels = found.labels.iter().skip(1).filter_map(|label| {
            let text = catalogue.label(found, label.key, &label.args, self.lang);
            let place = self.places.label(self.checked, label);
            (!text.is_empty()).then(|| format!("- `{}:{}` {}", place.path, place.line(), sentence(&text)))
        });
        let labels: Vec<String> = labels.collect();
        if !labels.is_empty() {
            writeln!(out, "{}\n", labels.join("\n"))?;
        }
        let help = match &found.fix {
            Some(fix) if german => format!("meinten Sie `{}`?", fix.replacement),
            Some(fix) => format!("did you mean `{}`?", fix.replacement),
            None => catalogue.help(found, self.lang),
        };
        if !help.is_empty() {
            writeln!(out, "{}: {}\n", if german { "Abhilfe" } else { "Help" }, sentence(&help))?;
        }
        Ok(())
    }

    /// Findings of one severity as a folded table.
    fn table(&self, severity: Severity, title: &str, out: &mut dyn Write) -> Result<()> {
        let count = self.of(severity).count();
        if count == 0 {
            return Ok(());
        }
        let german = self.lang == Lang::De;
        let head = if german { "Regel | Feststellung | Fundstelle" } else { "Rule | Finding | Place" };
        let covered = match (severity, german) {
            (Severity::Deviation, true) => " | Abweichung",
            (Severity::Deviation, false) => " | Deviation",
            _ => "",
        };
        let line = if covered.is_empty() { "|:--|:--|:--|" } else { "|:--|:--|:--|:--|" };
        writeln!(out, "<details>\n<summary>{title}: {count}</summary>\n\n| {head}{covered} |\n{line}")?;
        for item in self.of(severity) {
            let deviation = match (&self.checked.model, item.deviation) {
                (Some(model), Some(id)) => format!(" {} |", model.site.deviations[id].name),
                _ => String::new(),
            };
            writeln!(out, "| {} | {} | {} |{deviation}", item.finding.rule, self.message(item), self.place(item))?;
        }
        writeln!(out, "\n</details>\n")
    }
}
