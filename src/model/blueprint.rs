//! The blueprint a site is held against: zone classes, component kinds, access matrix, services. Data of `zones/`.

use super::service::ServiceMatch;
use crate::data::{self, DataError};
use crate::i18n::Bilingual;
use crate::source::Date;
use crate::syntax::decode::Scalar;
use crate::syntax::service::ServiceExpr;
use indexmap::IndexMap;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A blueprint, as `zones/<name>/` describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blueprint {
    /// Name, as `site.blueprint` gives it.
    pub name: String,
    /// Title for people.
    pub title: Bilingual,
    /// Revision of the requirements.
    pub revision: String,
    /// Zone classes in trust order.
    pub classes: IndexMap<String, Class>,
    /// Component kinds.
    pub kinds: IndexMap<String, Kind>,
    /// Who may open connections to whom.
    pub access: AccessMatrix,
    /// Built-in services.
    pub services: IndexMap<String, CatalogueService>,
    /// Parameters of the rules.
    pub parameters: Parameters,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct BlueprintFile {
    name: String,
    title: Bilingual,
    revision: String,
    classes: IndexMap<String, Class>,
    parameters: Parameters,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindsFile {
    kinds: IndexMap<String, Kind>,
}

/// Main zone of a class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassMainZone {
    /// EXT.
    External,
    /// INT.
    Internal,
    /// VS.
    Restricted,
    /// None of them.
    None,
    /// That which the zone's `serves` names.
    Serves,
}

/// A zone class.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Class {
    /// Title for people.
    pub title: Bilingual,
    /// The main zone it belongs to.
    pub main_zone: ClassMainZone,
    /// Rank for ordering and drawing.
    pub trust: u8,
    /// Whether globally routable addresses may end here (ZM-ADR-04).
    pub public_addresses: bool,
    /// Whether it may be reached before the P-A-P structure is passed (ZM-PAP-01).
    pub before_gateway: bool,
}

/// Parameters of rules, with the meaning their rules give them.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Parameters {
    /// Widest port range without a reason (ZM-FLO-01), in ports.
    pub port_range_limit: u32,
    /// Longest deviation without a warning (ZM-ABW-02), in months.
    pub deviation_max_months: u16,
    /// Shortest reason of a deviation (ZM-ABW-01), in characters.
    pub deviation_reason_min_chars: usize,
    /// How long before its end a deviation is warned about (ZM-ABW-08), in days.
    pub deviation_warn_days: i64,
    /// Days from which the grade of a rule is another one, by the name its data give (`raised.from`).
    #[serde(default)]
    pub dates: BTreeMap<String, Date>,
}

/// A property of a component kind that rules ask for. Meanings: `zones/dvs-2.0/kinds.yaml`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each property is explained at the top of kinds.yaml, where its kinds stand")]
pub enum Property {
    Alg,
    Proxy,
    Vpn,
    Crypto,
    PublicEndpoint,
    WebAllowed,
    Application,
    Database,
    InCluster,
    Ingress,
    Client,
    Server,
    BaseService,
    Sink,
    LogSink,
    TimeSink,
    NameSink,
    RegistrySink,
    UpdateSink,
    Logging,
    Monitoring,
    Backup,
    SharedDevice,
    Audit,
    Sensor,
    Admin,
    Bastion,
    Repository,
    Build,
    PortalApi,
    Outside,
    Portal,
    CloudSite,
    OpenCode,
    NetworkDevice,
    Platform,
}

/// A component kind.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Kind {
    /// Title for people.
    pub title: Bilingual,
    /// Group in the catalogue and icon in the diagram.
    pub category: String,
    /// What rules ask for.
    #[serde(default)]
    pub properties: Vec<Property>,
    /// Application protocols an ALG of this kind decouples when it names none.
    #[serde(default)]
    pub protocols: Vec<String>,
}

impl Kind {
    /// Whether the kind has a property.
    #[must_use]
    pub fn is(&self, property: Property) -> bool {
        self.properties.contains(&property)
    }
}

/// Access of a cell of the matrix.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub enum Access {
    /// Allowed when documented and filtered.
    #[serde(rename = "+")]
    Allowed,
    /// Forbidden.
    #[serde(rename = "-")]
    Forbidden,
    /// Conditional.
    #[serde(rename = "c")]
    Conditional,
}

/// A cell of the matrix.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessCell {
    /// What holds.
    pub access: Access,
    /// The rule that alone reports the cell.
    pub rule: Option<String>,
    /// The rule that decides when the initiator is a VPN gateway.
    pub vpn: Option<String>,
    /// What a conditional cell without a rule asks for.
    pub condition: Option<String>,
}

/// The access matrix: initiator row → responder column → cell.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccessMatrix {
    /// Columns in the order of the picture.
    pub columns: Vec<String>,
    /// Kinds that count as forward proxies.
    pub forward_proxies: Vec<String>,
    /// Rows.
    pub rows: IndexMap<String, IndexMap<String, AccessCell>>,
}

/// A service of the built-in catalogue.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CatalogueService {
    /// Service expressions.
    pub ports: Vec<String>,
    /// Title for people.
    pub title: Bilingual,
    /// Protected on the wire (ZM-FLO-06).
    #[serde(default = "yes")]
    pub secure: bool,
    /// Carries other traffic inside (ZM-FLO-10).
    #[serde(default)]
    pub tunnel: bool,
    /// Used for administration (ZM-MGT-06).
    #[serde(default)]
    pub admin: bool,
    /// Why it is not secure.
    pub insecure_reason: Option<Bilingual>,
    /// The service to use instead.
    pub alternative: Option<String>,
    /// Its packets; from `ports`, once.
    #[serde(skip)]
    matches: Vec<ServiceMatch>,
}

const fn yes() -> bool {
    true
}

impl CatalogueService {
    /// Its packets.
    #[must_use]
    pub fn matches(&self) -> &[ServiceMatch] {
        &self.matches
    }

    /// What `ports` says; the text that is no port or protocol otherwise.
    fn read_ports(&self) -> Result<Vec<ServiceMatch>, String> {
        let read = |text: &String| ServiceExpr::parse(text).ok().and_then(|expr| ServiceMatch::of(&expr));
        let matches: Result<Vec<_>, String> = self.ports.iter().map(|text| read(text).ok_or(text.clone())).collect();
        matches.map(ServiceMatch::normalise)
    }
}

/// The built-in services, each with its packets.
fn services() -> Result<IndexMap<String, CatalogueService>, DataError> {
    let file = "services.yaml";
    let mut services: IndexMap<String, CatalogueService> = data::load(file)?;
    for (name, service) in &mut services {
        let fail = |text| DataError { file: file.to_owned(), reason: format!("{name}: `{text}` is no port") };
        service.matches = service.read_ports().map_err(fail)?;
    }
    Ok(services)
}

/// The parameters of a blueprint of `zones/`.
///
/// # Errors
/// [`DataError`] when there is no such blueprint or its data are faulty.
pub fn parameters(name: &str) -> Result<Parameters, DataError> {
    Ok(data::load::<BlueprintFile>(&format!("{name}/blueprint.yaml"))?.parameters)
}

impl Blueprint {
    /// Reads a blueprint of `zones/`.
    ///
    /// # Errors
    /// [`DataError`] when there is no such blueprint or its data are faulty.
    pub fn load(name: &str) -> Result<Self, DataError> {
        let file: BlueprintFile = data::load(&format!("{name}/blueprint.yaml"))?;
        let kinds: KindsFile = data::load(&format!("{name}/kinds.yaml"))?;
        Ok(Self {
            name: file.name,
            title: file.title,
            revision: file.revision,
            classes: file.classes,
            kinds: kinds.kinds,
            access: data::load(&format!("{name}/access.yaml"))?,
            services: services()?,
            parameters: file.parameters,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_blueprint_reads() {
        for name in data::blueprints() {
            let blueprint = Blueprint::load(&name).unwrap();
            assert_eq!(blueprint.name, name);
            for (name, service) in &blueprint.services {
                assert!(!service.matches().is_empty(), "{name}");
                assert!(service.alternative.iter().all(|other| blueprint.services.contains_key(other)), "{name}");
            }
        }
    }
}
