//! What a zone diagram shows, free of the model: the input of the layouter.
//!
//! All texts are final and in the language of the sheet; ids are never translated. Every name in here reaches the
//! picture through the one escaper in [`super::svg`].

/// One sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Name of the site for the headline.
    pub title: String,
    /// Line under the headline.
    pub subtitle: String,
    /// Cells of the title block, left to right.
    pub cells: Vec<Cell>,
    /// Networks outside the site, in model order.
    pub networks: Vec<Zone>,
    /// Zones of the site, in model order.
    pub zones: Vec<Zone>,
    /// Clusters.
    pub clusters: Vec<Cluster>,
    /// Hosts, workloads, segments that are ends of flows.
    pub components: Vec<Component>,
    /// Packet filters.
    pub filters: Vec<Filter>,
    /// Flows.
    pub flows: Vec<Flow>,
    /// Violations, deviations and notes, worst first.
    pub notes: Vec<Note>,
}

/// One cell of the title block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// Small heading.
    pub head: String,
    /// Main line; a digest is given as two halves in `text` and `more`.
    pub text: String,
    /// Second line.
    pub more: String,
    /// Set in a fixed-pitch font (digest).
    pub mono: bool,
}

/// What colours a zone and where it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Internet and other untrusted networks.
    #[default]
    Untrusted,
    /// Administrative networks and partners.
    Trusted,
    /// Web zone of the external main zone.
    Web,
    /// Application zone of the external main zone.
    App,
    /// Database zone of the external main zone.
    Db,
    /// Internal zone.
    Internal,
    /// Zone for higher protection, VS-NfD.
    Restricted,
    /// Management network.
    Management,
    /// Development.
    Development,
}

/// A zone or an outside network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zone {
    /// Id in the model.
    pub id: String,
    /// Title.
    pub title: String,
    /// Class.
    pub class: Class,
    /// Main zone that encloses it (its title), drawn as container. The zones of the first container form the top row.
    pub container: Option<String>,
    /// Prefixes and other secondary lines under the title.
    pub lines: Vec<String>,
    /// Trust level 0 to 5 (0 = untrusted).
    pub level: u8,
    /// Badges of the zone.
    pub marks: Vec<Mark>,
}

/// A Kubernetes cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Id.
    pub id: String,
    /// Zone it stands in.
    pub zone: String,
    /// Title.
    pub title: String,
    /// Secondary text beside the title.
    pub kind: String,
}

/// Pictogram of a component.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Icon {
    /// Any server.
    #[default]
    Server,
    /// Web application firewall, reverse proxy.
    Shield,
    /// Mail.
    Mail,
    /// Database.
    Database,
    /// Name service.
    Globe,
    /// Ingress of a cluster.
    Ingress,
    /// Application.
    Document,
    /// Mailbox, message broker.
    Inbox,
    /// Files, registry.
    Folder,
    /// Process application.
    Gear,
    /// Terminal, bastion.
    Terminal,
    /// Monitoring.
    Chart,
    /// Log evaluation, sensor.
    Eye,
    /// Time.
    Clock,
    /// Clients.
    Screen,
    /// Cryptography.
    Lock,
    /// Outside peer.
    Cloud,
    /// Proxy.
    Arrows,
}

/// A component, a namespace or a segment: something a line can end at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Component {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Zone or network it stands in.
    pub place: String,
    /// Cluster, when it is a workload.
    pub cluster: Option<String>,
    /// Namespace: workloads of one namespace share a card.
    pub namespace: Option<String>,
    /// Pictogram.
    pub icon: Icon,
    /// Application-level gateway.
    pub alg: bool,
    /// Addresses and other secondary lines.
    pub lines: Vec<String>,
    /// Badges.
    pub marks: Vec<Mark>,
}

/// A packet filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Id, shown on the bar.
    pub id: String,
    /// Zones and networks it has a leg in (its own management leg left out).
    pub legs: Vec<String>,
}

/// Kind of traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plane {
    /// Management, logs, time, monitoring.
    Management,
    /// Business traffic.
    #[default]
    Production,
}

/// State of a flow. The order is the drawing order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Compliant.
    #[default]
    Ok,
    /// Covered by an approved deviation.
    Deviation,
    /// Violates a rule, is not opened.
    Violation,
}

/// A flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    /// Id in the model.
    pub id: String,
    /// Short name on the line, `F01`.
    pub label: String,
    /// Initiator and responder of each connection it opens.
    pub links: Vec<Link>,
    /// Service on the label, `HTTPS 443`.
    pub service: String,
    /// Full protocol text for the list, `tcp/443`.
    pub protocol: String,
    /// Kind of traffic.
    pub plane: Plane,
    /// State.
    pub status: Status,
    /// Rule or deviation that explains the state.
    pub mark: Option<Mark>,
}

/// One pair of ends of a flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Id of the initiator: component, cluster, zone or network.
    pub from: String,
    /// Id of the responder.
    pub to: String,
    /// Filters passed, in the direction of the flow.
    pub chain: Vec<String>,
}

/// Kind of a badge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// ▲
    Violation,
    /// ◆
    Deviation,
    /// ●
    Note,
}

/// A badge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Shape and colour.
    pub kind: MarkKind,
    /// Rule, deviation or note id.
    pub text: String,
}

/// A line of the findings box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Badge.
    pub mark: Mark,
    /// Second id: finding or rule.
    pub id: String,
    /// Explanation, wrapped by the layouter.
    pub text: String,
}
