//! `zonec trace`: where a packet goes, with file and line of what decides.

use super::phrases::Phrases;
use super::{Format, INVALID, OK, Options, Stop, VIOLATION, check, open};
use crate::check::{Checked, Model};
use crate::compile::compile;
use crate::i18n::Lang;
use crate::model::nature::Nature;
use crate::model::{End, ServiceMatch, Site};
use crate::plan::Plan;
use crate::query::owners;
use crate::source::Span;
use crate::syntax::decode::Scalar;
use crate::syntax::nearest;
use crate::syntax::service::ServiceExpr;
use crate::targets::cluster::{NAME_SERVICE, holding};
use crate::targets::{Files, nftables};
use crate::trace::{Enforcer, Question, Release, Remark, Trace, TraceHop, Verdict, gateway_plan, trace};
use serde_json::json;
use std::io::Write;
use std::net::IpAddr;

/// Arguments of `zonec trace`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// File or folder with site.yaml.
    site: String,
    /// Initiator: the name of a component, network, segment, namespace or gateway.
    #[arg(long, required_unless_present = "src")]
    from: Option<String>,
    /// Responder.
    #[arg(long, required_unless_present = "dst")]
    to: Option<String>,
    /// Source address instead of a name.
    #[arg(long)]
    src: Option<IpAddr>,
    /// Destination address instead of a name.
    #[arg(long)]
    dst: Option<IpAddr>,
    /// Service: 443/tcp, icmp:echo-request, esp, or a name such as https.
    #[arg(long)]
    port: String,
}

pub(super) fn run(arguments: &Arguments, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    options.only(&[Format::Human, Format::Json])?;
    let (_, checked) = open(&arguments.site, options)?;
    let Some(model) = &checked.model else {
        check::print(&checked, &arguments.site, options, out)?;
        return Ok(INVALID);
    };
    let site = &model.site;
    if let (Some(from), Some(to)) = (arguments.src, arguments.dst)
        && from.is_ipv4() != to.is_ipv4()
    {
        return Err(Stop::Invalid(format!("{from} and {to} are of different address families")));
    }
    let question = Question {
        from: initiator(site, arguments)?,
        to: responder(site, arguments)?,
        source: arguments.src,
        destination: arguments.dst,
        service: service(site, &arguments.port)?,
    };
    let (plan, files) = compile(&checked, model, options.lang()).map_err(|error| Stop::Invalid(error.to_string()))?;
    let answer = trace(site, &model.graphs, &plan, &question);
    let page = Page {
        checked: &checked,
        model,
        plan: &plan,
        files: &files,
        question: &question,
        trace: &answer,
        lang: options.lang(),
    };
    match options.format {
        Format::Json => writeln!(out, "{:#}", page.json())?,
        _ => page.human(out)?,
    }
    Ok(if answer.is_allowed() { OK } else { VIOLATION })
}

/// The one end a name stands for.
pub(super) fn end(site: &Site, name: &str) -> Result<End, Stop> {
    let Some(object) = site.lookup(name) else {
        let near = nearest(name, site.names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(Stop::Invalid(format!("nothing in {} is called `{name}`{near}", site.name())));
    };
    let ends = site.object_ends(object);
    match ends.as_slice() {
        [one] => Ok(*one),
        _ => Err(Stop::Invalid(format!("`{name}` is a group; name one of its members"))),
    }
}

/// The end that an address belongs to.
fn owner(site: &Site, address: IpAddr) -> Option<End> {
    owners(site, address).into_iter().find_map(|owner| owner.end)
}

/// Where the packet enters: at the end that is named, at the end that has the address, or from the Internet, where anybody
/// writes any source into a packet.
fn initiator(site: &Site, arguments: &Arguments) -> Result<End, Stop> {
    if let Some(name) = &arguments.from {
        return end(site, name);
    }
    let Some(address) = arguments.src else { return Err(Stop::Invalid("name an end or give an address".to_owned())) };
    let outside = || site.networks.iter().find(|(_, network)| network.is_internet()).map(|(id, _)| End::Network(id));
    owner(site, address).or_else(outside).ok_or_else(|| {
        Stop::Invalid(format!("{address} belongs to nothing in {}; say with --from where it enters", site.name()))
    })
}

/// Where the packet goes; an address may belong to nothing.
fn responder(site: &Site, arguments: &Arguments) -> Result<Option<End>, Stop> {
    match (&arguments.to, arguments.dst) {
        (Some(name), _) => end(site, name).map(Some),
        (None, Some(address)) => Ok(owner(site, address)),
        (None, None) => Err(Stop::Invalid("name an end or give an address".to_owned())),
    }
}

fn service(site: &Site, text: &str) -> Result<ServiceMatch, Stop> {
    let expr = ServiceExpr::parse(text)
        .map_err(|_| Stop::Invalid(format!("`{text}` is no service; write 443/tcp or a name")))?;
    let matches = match &expr {
        ServiceExpr::Named(name) => site
            .services
            .get(name)
            .map(|own| own.matches.clone())
            .or_else(|| site.blueprint.services.get(name).map(|s| s.matches().to_vec())),
        other => ServiceMatch::of(other).map(|found| vec![found]),
    };
    match matches.as_deref() {
        Some([one]) => Ok(one.clone()),
        Some(_) => Err(Stop::Invalid(format!("`{text}` is several services; name one port"))),
        None => Err(Stop::Invalid(format!("unknown service `{text}`"))),
    }
}

struct Page<'a> {
    checked: &'a Checked,
    model: &'a Model,
    plan: &'a Plan,
    files: &'a Files,
    question: &'a Question,
    trace: &'a Trace,
    lang: Lang,
}

/// A hop, ready to print.
struct Row {
    at: String,
    verdict: &'static str,
    chain: String,
    file: String,
    line: Option<usize>,
}

impl Page<'_> {
    fn word(&self, en: &'static str, de: &'static str) -> &'static str {
        if self.lang == Lang::De { de } else { en }
    }

    fn rows(&self) -> Vec<Row> {
        self.trace.hops.iter().map(|hop| self.row(hop)).collect()
    }

    fn row(&self, hop: &TraceHop) -> Row {
        let site = &self.model.site;
        let flow = match hop.verdict {
            Verdict::Passes(Release::Flow(id)) => Some(id),
            _ => None,
        };
        match hop.at {
            Enforcer::Gateway { gateway, hook, input, output } => {
                let name = site.gateways[gateway].name.clone();
                let flow = flow.map(|id| &site.flows[id]);
                let decision =
                    gateway_plan(self.plan, gateway).map(|held| nftables::decision(held, hook, input, output, flow));
                let file = format!("nftables/{name}.nft");
                let line = decision.as_ref().and_then(|decision| nftables::line_of(self.files.get(&file)?, decision));
                let chain = decision.map_or_else(|| "–".to_owned(), |decision| decision.chain);
                Row { at: name, verdict: if flow.is_some() { "accept" } else { "drop" }, chain, file, line }
            }
            Enforcer::SourceCheck { gateway } => {
                let name = site.gateways[gateway].name.clone();
                let decision = nftables::source_check();
                let file = format!("nftables/{name}.nft");
                let line = self.files.get(&file).and_then(|text| nftables::line_of(text, &decision));
                Row { at: name, verdict: "drop", chain: decision.chain, file, line }
            }
            Enforcer::Cluster { cluster, side, end } => {
                let at = site.clusters[cluster].name.clone();
                let namespace = site.namespace_of(end).map(|id| site.namespaces[id].name.as_str()).unwrap_or_default();
                if hop.verdict == Verdict::Open {
                    let chain = format!("namespace {namespace} is the platform's, nothing is enforced in it");
                    return Row { at, verdict: "open", chain, file: String::new(), line: None };
                }
                let held = self.plan.clusters.iter().find(|held| held.cluster == cluster);
                let found = held
                    .filter(|_| hop.verdict != Verdict::Drops)
                    .and_then(|held| holding(site, held, flow, side, end));
                let (file, chain) = match found {
                    Some(found) => {
                        let name = found.object.rsplit('/').next().unwrap_or_default().to_owned();
                        (found.file, name)
                    }
                    None => {
                        let dialect = site.clusters[cluster].decl.policy.value.word();
                        (format!("{dialect}/{at}/10-baseline/{namespace}.yaml"), "default deny".to_owned())
                    }
                };
                let is_name = |line: &str| match hop.verdict {
                    Verdict::Drops => line.starts_with("  name: "),
                    _ => line == format!("  name: {chain}"),
                };
                let line = self.files.get(&file).and_then(|text| text.lines().position(is_name)).map(|line| line + 1);
                Row { at, verdict: if hop.verdict == Verdict::Drops { "deny" } else { "allow" }, chain, file, line }
            }
        }
    }

    fn packet(&self) -> String {
        let text = |address: Option<IpAddr>| address.map_or_else(|| "?".to_owned(), |address| address.to_string());
        let bracket = |address: Option<IpAddr>| {
            if address.is_some_and(|a| a.is_ipv6()) { format!("[{}]", text(address)) } else { text(address) }
        };
        match &self.question.service {
            ServiceMatch::Ports(transport, ports) => {
                let port = ports.first().unwrap_or(0);
                format!(
                    "{} {}:49152 -> {}:{port}",
                    transport.word(),
                    bracket(self.trace.source),
                    bracket(self.trace.destination)
                )
            }
            other => format!("{other} {} -> {}", text(self.trace.source), text(self.trace.destination)),
        }
    }

    fn human(&self, out: &mut dyn Write) -> Result<(), Stop> {
        let site = &self.model.site;
        let label = |en, de| self.word(en, de);
        writeln!(out, "{:<9}{}", label("Packet", "Paket"), self.packet())?;
        for (word, address) in
            [(label("Source", "Quelle"), self.question.source), (label("Target", "Ziel"), self.question.destination)]
        {
            if let Some(address) = address {
                writeln!(out, "{word:<9}{address}: {}", self.about(address))?;
            }
        }
        writeln!(out)?;
        let rows = self.rows();
        let phrases = Phrases::of(self.lang);
        let width = rows.iter().map(|row| row.at.chars().count()).max().unwrap_or(0).max(10);
        let words = rows.iter().map(|row| phrases.say(row.verdict).chars().count()).max().unwrap_or(0).max(7);
        for (index, row) in rows.iter().enumerate() {
            let line = row.line.map(|line| format!(":{line}")).unwrap_or_default();
            let place = if row.file.is_empty() { String::new() } else { format!(", {}{line}", row.file) };
            writeln!(
                out,
                "  {}  {:<width$}  {:<words$}  {}{place}",
                index + 1,
                row.at,
                phrases.say(row.verdict),
                phrases.say(&row.chain),
            )?;
        }
        if !rows.is_empty() {
            writeln!(out)?;
        }
        if let Some(remark) = self.trace.remark {
            writeln!(out, "{:<9}{}", label("Verdict", "Urteil"), phrases.say(&self.remark(remark)))?;
            return self.nearest(out);
        }
        match self.trace.release.filter(|_| self.trace.is_allowed()) {
            Some(Release::Flow(id)) => {
                let flow = &site.flows[id];
                let purpose = flow.decl.purpose.as_ref().map(|text| format!(" \"{}\"", text.0)).unwrap_or_default();
                let owner = flow.decl.owner.as_ref().map(|text| format!(", {}", text.0)).unwrap_or_default();
                let approved = flow.decl.approved.as_ref();
                let approved = approved.map(|approval| format!(", {}", approval.reference.0)).unwrap_or_default();
                let by = label("allowed by", "erlaubt durch");
                writeln!(out, "{:<9}{by} {}{purpose}{owner}{approved}", label("Verdict", "Urteil"), flow.name)?;
                return Ok(());
            }
            Some(Release::NameService(id)) => {
                let by = label("allowed by `dns` of cluster", "erlaubt durch `dns` des Clusters");
                writeln!(out, "{:<9}{by} {}", label("Verdict", "Urteil"), site.clusters[id].name)?;
                return Ok(());
            }
            None => {}
        }
        let place = match rows.len() {
            0 => label(
                "blocked: nothing leads from one to the other",
                "gesperrt: es führt kein Weg vom einen zum anderen",
            )
            .to_owned(),
            1 => label("blocked at the first enforcer", "gesperrt am ersten Durchsetzungspunkt").to_owned(),
            _ => format!(
                "{} {}",
                label("blocked at", "gesperrt an"),
                rows.last().map(|row| row.at.clone()).unwrap_or_default()
            ),
        };
        writeln!(out, "{:<9}{place}", label("Verdict", "Urteil"))?;
        self.nearest(out)
    }

    fn nearest(&self, out: &mut dyn Write) -> Result<(), Stop> {
        let (site, phrases) = (&self.model.site, Phrases::of(self.lang));
        let label = |en, de| self.word(en, de);
        if let Some((id, differs)) = &self.trace.nearest {
            let flow = &site.flows[*id];
            let names = |ends: &[crate::model::EndRef]| {
                ends.iter().map(|end| site.end_name(end.end)).collect::<Vec<_>>().join(",")
            };
            let services: Vec<String> = flow.services.iter().map(|service| service.expr.to_string()).collect();
            let text = format!("{}: {} -> {} {}", flow.name, names(&flow.from), names(&flow.to), services.join(","));
            writeln!(
                out,
                "{:<9}{text}   {} {}",
                label("Nearest", "Nächster"),
                label("differs in", "anders in"),
                differs.iter().map(|what| phrases.say(what)).collect::<Vec<_>>().join(", ")
            )?;
        }
        Ok(())
    }

    /// What an address is, and whose.
    fn about(&self, address: IpAddr) -> String {
        let owners = owners(&self.model.site, address);
        let nature = Phrases::of(self.lang).say(Nature::of(address).word());
        if owners.is_empty() {
            return format!("{nature}, {}", self.word("of nothing in the site", "gehört zu nichts im Modell"));
        }
        let sort = Phrases::of(self.lang);
        let words =
            owners.iter().map(|owner| format!("{} {} ({})", sort.say(owner.sort), owner.name, self.place(owner.span)));
        words.collect::<Vec<_>>().join(", ")
    }

    fn place(&self, span: Span) -> String {
        format!("{}:{}", self.checked.sources.file(span.file).name, self.checked.sources.position(span).line)
    }

    /// What decides beside the rules, in English.
    fn remark(&self, remark: Remark) -> String {
        let site = &self.model.site;
        let shown = |address: Option<IpAddr>| address.map_or_else(|| "?".to_owned(), |address| address.to_string());
        match remark {
            Remark::Spoofed => format!(
                "blocked by the source check: {} does not stand behind that interface",
                shown(self.trace.source)
            ),
            Remark::NoRoute => format!("blocked: no route of the site leads to {}", shown(self.trace.destination)),
            Remark::NotForwarded => {
                format!(
                    "blocked: {} means many hosts, and gateways pass no such packet on",
                    shown(self.trace.destination)
                )
            }
            Remark::Neighbours(segment) => {
                let name = &site.segments[segment].name;
                match self.flow() {
                    Some(flow) => {
                        format!("not filtered: no gateway is between neighbours in {name}; flow {flow} says so")
                    }
                    None => format!("not filtered: no gateway is between neighbours in {name}; no flow says so"),
                }
            }
            Remark::Unreleased => "passes, though no flow is about it: nothing on its way stops it".to_owned(),
            Remark::Isolated(segment) => {
                format!("blocked outside of zonec: {} keeps its hosts apart", site.segments[segment].name)
            }
        }
    }

    /// What releases the packet: a flow, or the name of what a cluster's `dns` opens.
    fn flow(&self) -> Option<&str> {
        self.trace.release.map(|release| match release {
            Release::Flow(id) => self.model.site.flows[id].name.as_str(),
            Release::NameService(_) => NAME_SERVICE,
        })
    }

    fn json(&self) -> serde_json::Value {
        let site = &self.model.site;
        let hops: Vec<_> = self.rows().into_iter().map(|row| json!({ "at": row.at, "chain": row.chain, "verdict": row.verdict, "file": row.file, "line": row.line })).collect();
        json!({
            "verdict": if self.trace.is_allowed() { "allow" } else { "deny" },
            "flow": self.flow(),
            "packet": { "source": self.trace.source, "destination": self.trace.destination, "service": self.question.service.to_string() },
            "hops": hops,
            "remark": self.trace.remark.map(Remark::word),
            "source": self.question.source.map(|address| self.described(address)),
            "destination": self.question.destination.map(|address| self.described(address)),
            "nearest": self.trace.nearest.as_ref().map(|(id, differs)| json!({ "flow": site.flows[*id].name, "differs": differs })),
        })
    }

    fn described(&self, address: IpAddr) -> serde_json::Value {
        let owners = owners(&self.model.site, address);
        let owners = owners
            .iter()
            .map(|owner| json!({ "sort": owner.sort, "name": owner.name, "place": self.place(owner.span) }));
        json!({ "address": address, "nature": Nature::of(address).word(), "owners": owners.collect::<Vec<_>>() })
    }
}
