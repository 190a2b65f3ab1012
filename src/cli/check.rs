//! `zonec check`.

use super::{Format, INVALID, OK, Options, Stop, VIOLATION, format, open, progress};
use crate::check::Checked;
use crate::finding::Severity;
use std::io::Write;

pub(super) fn run(site: &str, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    let (_, checked) = open(site, options)?;
    announce(&checked, options);
    print(&checked, site, options, out)?;
    Ok(status(&checked))
}

/// The progress line that says what is checked.
pub(super) fn announce(checked: &Checked, options: &Options) {
    let Some(model) = &checked.model else { return };
    let site = &model.site;
    let count = |number, forms| format::human::counted(number, options.lang(), forms);
    let text = format!(
        "{}: {}, {}, {}, {}, {} {}",
        site.name(),
        count(site.zones.len(), ["zone", "zones", "Zone", "Zonen"]),
        count(site.gateways.len(), ["packet filter", "packet filters", "Paketfilter", "Paketfilter"]),
        count(site.clusters.len(), ["cluster", "clusters", "Cluster", "Cluster"]),
        count(site.flows.len(), ["flow", "flows", "Datenstrom", "Datenströme"]),
        options.word("as of", "Stichtag"),
        checked.as_of,
    );
    progress(options, "Checking", &text);
}

/// Prints the findings in the chosen format.
pub(super) fn print(checked: &Checked, site: &str, options: &Options, out: &mut dyn Write) -> Result<(), Stop> {
    let lang = options.lang();
    let here = std::env::current_dir().unwrap_or_default();
    let places = format::Places::new(site, &here);
    match options.format {
        Format::Human => format::human::findings(checked, site, lang, options.color(), out)?,
        Format::Json => format::json::findings(checked, lang, out)?,
        Format::Sarif => format::sarif::findings(checked, &places, lang, out)?,
        Format::Codequality => format::codequality::findings(checked, &places, lang, out)?,
        Format::Junit => format::junit::findings(checked, &places, lang, out)?,
        Format::Markdown => format::markdown::findings(checked, &places, lang, out)?,
    }
    Ok(())
}

/// Exit status of a checked site.
pub(super) fn status(checked: &Checked) -> u8 {
    if checked.model.is_none() {
        INVALID
    } else if checked.count(Severity::Error) > 0 {
        VIOLATION
    } else {
        OK
    }
}
