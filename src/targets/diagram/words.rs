//! Fixed words of the sheet in German and English.

use crate::i18n::Lang;

/// Fixed words of the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Heading,
    Level,
    Management,
    Flows,
    Legend,
    Findings,
    FlowList,
    LegendFlow,
    LegendManagement,
    LegendDeviation,
    LegendViolation,
    LegendFilter,
    LegendFilterMore,
    LegendAlg,
    LegendCluster,
    LegendLabel,
    LegendLevel,
    LegendCrossing,
    Violation,
    Violations,
    Deviation,
    Deviations,
    Note,
    Notes,
    More,
    Pap,
    Zones,
    Undrawn,
    Networks,
    Components,
    Sheet,
    WebZones,
    AppZones,
    DbZones,
    InternalZones,
    RestrictedZones,
    ManagementZones,
    DevelopmentZones,
}

impl Word {
    /// The zones of a class.
    pub fn class(class: super::sheet::Class) -> Self {
        use super::sheet::Class;
        match class {
            Class::Untrusted | Class::Trusted => Self::Networks,
            Class::Web => Self::WebZones,
            Class::App => Self::AppZones,
            Class::Db => Self::DbZones,
            Class::Internal => Self::InternalZones,
            Class::Restricted => Self::RestrictedZones,
            Class::Management => Self::ManagementZones,
            Class::Development => Self::DevelopmentZones,
        }
    }

    /// The word in a language.
    pub fn of(self, lang: Lang) -> &'static str {
        let (de, en) = self.both();
        match lang {
            Lang::De => de,
            Lang::En => en,
        }
    }

    fn both(self) -> (&'static str, &'static str) {
        match self {
            Self::Heading => ("Zonenplan", "Zone diagram"),
            Self::Level => ("Stufe", "Level"),
            Self::Management => ("Mgmt", "Mgmt"),
            Self::Flows => ("Flüsse", "flows"),
            Self::Legend => ("Legende", "Legend"),
            Self::Findings => ("Befunde in diesem Plan", "Findings in this plan"),
            Self::FlowList => ("Kommunikationsbeziehungen", "Flows"),
            Self::LegendFlow => ("Fachlicher Datenfluss (Nutzdaten)", "Business data flow"),
            Self::LegendManagement => ("Management, Protokolle, Zeit", "Management, logs, time"),
            Self::LegendDeviation => ("genehmigte Abweichung, befristet", "approved deviation, limited in time"),
            Self::LegendViolation => ("Verstoß, wird nicht freigegeben", "violation, is not opened"),
            Self::LegendFilter => ("Paketfilter auf der Zonengrenze;", "packet filter on the zone border;"),
            Self::LegendFilterMore => ("Öffnung = freigegebener Fluss", "gap = flow that is opened"),
            Self::LegendAlg => ("Application-Level-Gateway", "application-level gateway"),
            Self::LegendCluster => ("Cluster / Namespace", "cluster / namespace"),
            Self::LegendLabel => ("Flussnummer, Dienst und Zielport", "flow number, service and port"),
            Self::LegendLevel => ("Vertrauensstufe 0 bis 5", "trust level 0 to 5"),
            Self::LegendCrossing => ("Kreuzung ohne Verbindung", "crossing without connection"),
            Self::Violation => ("Verstoß", "violation"),
            Self::Violations => ("Verstöße", "violations"),
            Self::Deviation => ("Abweichung", "deviation"),
            Self::Deviations => ("Abweichungen", "deviations"),
            Self::Note => ("Hinweis", "note"),
            Self::Notes => ("Hinweise", "notes"),
            Self::More => ("weitere, siehe Bericht", "more, see the report"),
            Self::Pap => ("P-A-P-Struktur (NET.1.1.A18, NET.3.2.A16)", "P-A-P structure (NET.1.1.A18, NET.3.2.A16)"),
            Self::Zones => ("Zonen", "zones"),
            Self::Undrawn => ("ohne Linie", "no line"),
            Self::Networks => ("Netze", "networks"),
            Self::Components => ("Komponenten", "components"),
            Self::Sheet => ("Blatt", "sheet"),
            Self::WebZones => ("Web-Zonen", "Web zones"),
            Self::AppZones => ("Anwendungs-Zonen", "Application zones"),
            Self::DbZones => ("Datenbank-Zonen", "Database zones"),
            Self::InternalZones => ("Interne Zonen", "Internal zones"),
            Self::RestrictedZones => ("Zonen für VS", "Restricted zones"),
            Self::ManagementZones => ("Management", "Management"),
            Self::DevelopmentZones => ("Entwicklung", "Development"),
        }
    }
}
