//! `zonec query`.

use super::{Format, INVALID, OK, Options, Stop, VIOLATION, check, open, trace};
use crate::check::{Checked, Model};
use crate::model::nature::Nature;
use crate::model::{FlowId, Site};
use crate::plan::{Side, plan};
use crate::query::{Way, chains, direct, owners};
use crate::source::Span;
use crate::syntax::nearest;
use serde_json::{Value, json};
use std::io::Write;
use std::net::IpAddr;

/// Arguments of `zonec query`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// File or folder with site.yaml; `-` reads standard input.
    site: String,
    #[command(flatten)]
    asked: Asked,
}

/// The question.
#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
struct Asked {
    /// Who reaches this end, directly and by chains.
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// What this end reaches, directly and by chains.
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// Where a flow is enforced.
    #[arg(long, value_name = "FLOW")]
    flow: Option<String>,
    /// What an address is.
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// What a rule found in the site.
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
}

/// An answer: rows for people, and the same for programs.
struct Answer {
    lines: Vec<String>,
    value: Value,
    is_empty: bool,
}

pub(super) fn run(arguments: &Arguments, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    options.only(&[Format::Human, Format::Json])?;
    let (_, checked) = open(&arguments.site, options)?;
    let Some(model) = &checked.model else {
        check::print(&checked, &arguments.site, options, out)?;
        return Ok(INVALID);
    };
    let asker = Asker { checked: &checked, model, site: &model.site, options };
    let answer = match &arguments.asked {
        Asked { to: Some(name), .. } => asker.reach(name, Way::To)?,
        Asked { from: Some(name), .. } => asker.reach(name, Way::From)?,
        Asked { flow: Some(name), .. } => asker.flow(name)?,
        Asked { address: Some(address), .. } => asker.address(*address),
        Asked { rule: Some(rule), .. } => asker.rule(rule)?,
        _ => return Err(Stop::Invalid("ask with --to, --from, --flow, --address or --rule".to_owned())),
    };
    match options.format {
        Format::Json => writeln!(out, "{:#}", answer.value)?,
        _ => answer.lines.iter().try_for_each(|line| writeln!(out, "{line}"))?,
    }
    Ok(if answer.is_empty { VIOLATION } else { OK })
}

struct Asker<'a> {
    checked: &'a Checked,
    model: &'a Model,
    site: &'a Site,
    options: &'a Options,
}

impl Asker<'_> {
    fn place(&self, span: Span) -> String {
        format!("{}:{}", self.checked.sources.file(span.file).name, self.checked.sources.position(span).line)
    }

    fn services(&self, id: FlowId) -> String {
        let services: Vec<String> =
            self.site.flows[id].services.iter().map(|service| service.expr.to_string()).collect();
        services.join(", ")
    }

    fn reach(&self, name: &str, way: Way) -> Result<Answer, Stop> {
        let end = trace::end(self.site, name)?;
        let direct = direct(self.model, end, way);
        let chains = chains(self.model, end, way);
        let width = direct.iter().map(|row| row.other.chars().count()).max().unwrap_or(0);
        let arrow = if way == Way::To { "->" } else { "<-" };
        let word = |en, de| self.options.word(en, de);
        let mut lines = vec![format!("{} {name}", word("direct, by one flow:", "direkt, durch einen Fluss:"))];
        for row in &direct {
            let flow = &self.site.flows[row.flow];
            let by = row
                .by
                .as_ref()
                .map(|by| format!("  ({} {by})", word("as part of", "als Teil von")))
                .unwrap_or_default();
            let services = self.services(row.flow);
            lines.push(format!(
                "  {:width$} {arrow} {services}  {}  {}{by}",
                row.other,
                flow.name,
                self.place(flow.span)
            ));
        }
        lines.push(
            word(
                "by chains of hosts that can open connections in turn:",
                "über Ketten von Rechnern, die ihrerseits Verbindungen öffnen können:",
            )
            .to_owned(),
        );
        lines.extend(chains.iter().map(|chain| format!("  {}", chain.names.join(" -> "))));
        let flows = direct.iter().map(|row| {
            json!({ "other": row.other, "flow": self.site.flows[row.flow].name, "service": self.services(row.flow), "as_part_of": row.by })
        });
        let value = json!({
            "end": name,
            "direct": flows.collect::<Vec<_>>(),
            "chains": chains.iter().map(|chain| json!({ "other": chain.other, "chain": chain.names })).collect::<Vec<_>>(),
        });
        Ok(Answer { lines, value, is_empty: direct.is_empty() && chains.is_empty() })
    }

    fn flow(&self, name: &str) -> Result<Answer, Stop> {
        let site = self.site;
        let Some((id, flow)) = site.flows.iter().find(|(_, flow)| flow.name == name) else {
            let names = site.flows.values().map(|flow| flow.name.as_str());
            let near = nearest(name, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(Stop::Invalid(format!("{} has no flow `{name}`{near}", site.name())));
        };
        let plan = plan(site, &self.model.graphs)
            .map_err(|error| Stop::Invalid(format!("{}: {}", error.object, error.reason)))?;
        let mut rows = Vec::new();
        for gateway in &plan.gateways {
            let name =
                |index: Option<usize>| index.and_then(|index| gateway.interfaces.get(index)).map_or("-", |i| &i.name);
            for permit in gateway.permits.iter().filter(|permit| permit.flow == id) {
                let way = format!("{} -> {}", name(permit.input), name(permit.output));
                let packets = format!("{} -> {} {}", permit.source, permit.destination, permit.service);
                rows.push((gateway.name.clone(), way, packets));
            }
        }
        for cluster in &plan.clusters {
            for permit in cluster.permits.iter().filter(|permit| permit.flow == id) {
                let side = if permit.side == Side::Egress { "egress" } else { "ingress" };
                let services: Vec<String> = permit.services.iter().map(ToString::to_string).collect();
                let (own, other) = (site.end_name(permit.subject), site.end_name(permit.peer_end));
                let ends = if permit.side == Side::Egress { [own, other] } else { [other, own] };
                rows.push((
                    cluster.name.clone(),
                    side.to_owned(),
                    format!("{} -> {} {}", ends[0], ends[1], services.join(", ")),
                ));
            }
        }
        let [first, second] = [0, 1].map(|column| {
            let texts = rows.iter().map(|row| if column == 0 { &row.0 } else { &row.1 });
            texts.map(|text| text.chars().count()).max().unwrap_or(0)
        });
        let mut lines = vec![format!("{name}  {}  {}", self.services(id), self.place(flow.span))];
        lines.extend(rows.iter().map(|(at, way, packets)| format!("  {at:first$}  {way:second$}  {packets}")));
        let permits = rows.iter().map(|(at, way, packets)| json!({ "at": at, "way": way, "packets": packets }));
        let value = json!({ "flow": name, "place": self.place(flow.span), "permits": permits.collect::<Vec<_>>() });
        Ok(Answer { lines, value, is_empty: rows.is_empty() })
    }

    fn address(&self, address: IpAddr) -> Answer {
        let owners = owners(self.site, address);
        let width = owners.iter().map(|owner| owner.sort.len()).max().unwrap_or(0);
        let line = |owner: &crate::query::Owner| {
            format!("  {:width$}  {}  {}", owner.sort, owner.name, self.place(owner.span))
        };
        let nature = Nature::of(address).word();
        let mut lines = vec![format!("{address}  {}", self.options.say(nature))];
        lines.extend(owners.iter().map(line));
        if owners.is_empty() {
            lines.push(format!("  {}", self.options.word("of nothing in the site", "gehört zu nichts im Modell")));
        }
        let value = |owner: &crate::query::Owner| json!({ "sort": owner.sort, "name": owner.name, "place": self.place(owner.span) });
        let list: Vec<Value> = owners.iter().map(value).collect();
        Answer {
            lines,
            value: json!({ "address": address, "nature": nature, "owners": list }),
            is_empty: owners.is_empty(),
        }
    }

    fn rule(&self, rule: &str) -> Result<Answer, Stop> {
        let catalogue = &self.checked.catalogue;
        let Some(data) = catalogue.rule(rule) else {
            let near =
                nearest(rule, catalogue.ids()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(Stop::Invalid(format!("there is no rule `{rule}`{near}")));
        };
        let lang = self.options.lang();
        let found: Vec<_> = self.checked.findings.iter().filter(|item| item.finding.rule == rule).collect();
        let mut lines = vec![format!("{rule}  {}  {}", data.grade, data.title.get(lang))];
        let mut values = Vec::new();
        for item in &found {
            let place = item.finding.span().map(|span| self.place(span)).unwrap_or_default();
            let message = catalogue.message(&item.finding, lang);
            let deviation = item.deviation.map(|id| self.site.deviations[id].name.clone());
            let covered = deviation.as_ref().map(|name| format!("  ({name})")).unwrap_or_default();
            lines.push(format!("  {message}  {place}{covered}"));
            values.push(json!({ "message": message, "place": place, "objects": item.finding.objects, "witness": item.finding.witness, "deviation": deviation }));
        }
        if found.is_empty() {
            lines.push(format!("  {}", self.options.word("nothing found", "kein Befund")));
        }
        Ok(Answer { lines, value: json!({ "rule": rule, "findings": values }), is_empty: false })
    }
}
