//! The palette: light values as presentation attributes, dark ones in a single media query.

use super::sheet::{Class, MarkKind, Plane, Status};

/// A pair of fill and line with its class name.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    /// CSS class, without the prefix `zd-`.
    pub class: &'static str,
    /// Fill in the light theme.
    pub fill: &'static str,
    /// Line in the light theme.
    pub line: &'static str,
}

/// Text, paper and furniture.
pub const INK: &str = "#10202F";
pub const MUTE: &str = "#42566A";
pub const PAPER: &str = "#FFFFFF";
pub const BAR: &str = "#26384A";
pub const BRICK: &str = "#5A7187";
pub const RULE: &str = "#C3CFDA";
pub const CARD_LINE: &str = "#7C90A4";
/// The container of a main zone.
pub const CONTAINER: Paint = Paint { class: "ext", fill: "#F7FAFD", line: "#768CA2" };

/// Colours of a zone.
pub fn zone(class: Class) -> Paint {
    let (class, fill, line) = match class {
        Class::Untrusted => ("net0", "#F0F0EE", "#6E6E68"),
        Class::Trusted => ("net1", "#EEF1F4", "#66788A"),
        Class::Web => ("web", "#E9F3FC", "#3C7DB8"),
        Class::App => ("app", "#DCEBF9", "#2F6FAC"),
        Class::Db => ("db", "#CBE0F5", "#235F9A"),
        Class::Internal => ("int", "#E8E6F6", "#5F56A6"),
        Class::Restricted => ("vs", "#F4E3EE", "#97407F"),
        Class::Management => ("mgmt", "#E3F3EC", "#00694F"),
        Class::Development => ("dev", "#F3F0E4", "#7A6A2B"),
    };
    Paint { class, fill, line }
}

/// Appearance of a line.
#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    /// Suffix of the classes `zd-l-` (line), `zd-f-` (fill) and `zd-p-` (label).
    pub class: &'static str,
    /// Colour in the light theme.
    pub colour: &'static str,
    /// Width in tenths of a pixel.
    pub width: i32,
    /// Dash pattern.
    pub dash: Option<&'static str>,
}

/// Stroke of a flow.
pub fn stroke(plane: Plane, status: Status) -> Stroke {
    match (status, plane) {
        (Status::Violation, _) => Stroke { class: "viol", colour: "#B8122B", width: 32, dash: None },
        (Status::Deviation, _) => Stroke { class: "dev", colour: "#9A5B00", width: 20, dash: Some("10 3 2 3") },
        (Status::Ok, Plane::Management) => Stroke { class: "mgm", colour: "#00694F", width: 18, dash: Some("6 4") },
        (Status::Ok, Plane::Production) => Stroke { class: "prod", colour: "#0B56A4", width: 20, dash: None },
    }
}

/// Class suffix and colour of a badge.
pub fn mark(kind: MarkKind) -> (&'static str, &'static str) {
    match kind {
        MarkKind::Violation => ("viol", "#B8122B"),
        MarkKind::Deviation => ("dev", "#9A5B00"),
        MarkKind::Note => ("note", MUTE),
    }
}

/// The dark theme for screens. Printers and rasterisers keep the light attributes.
pub fn dark_style() -> String {
    let mut css = String::from("@media screen and (prefers-color-scheme:dark){.zd-paper{fill:#0E1620}");
    let zones = [
        ("ext", "#121D29", "#5F778E"),
        ("net0", "#23262A", "#8C9197"),
        ("net1", "#1E2730", "#8196AA"),
        ("web", "#15273A", "#5C9BD6"),
        ("app", "#18304A", "#5C9BD6"),
        ("db", "#1C3A59", "#6AA6DE"),
        ("int", "#25224A", "#9A92E0"),
        ("vs", "#3A2036", "#D98AC2"),
        ("mgmt", "#102C25", "#46C39C"),
        ("dev", "#2C2814", "#C2AE62"),
        ("card", "#0F1A26", "#6F879E"),
        ("clus", "#0F1A26", "#6F879E"),
    ];
    for (class, fill, line) in zones {
        css.push_str(&format!(".zd-{class}{{fill:{fill};stroke:{line}}}"));
    }
    css.push_str(".zd-bar{fill:#C6D2DE}.zd-brick{stroke:#93A5B6}.zd-rule{stroke:#34465A}.zd-frame{stroke:#6F879E}");
    for (class, colour) in [("ink", "#EAF0F6"), ("mute", "#AFBECC"), ("onbar", "#0E1620"), ("onfill", "#0E1620")] {
        css.push_str(&format!(".zd-t-{class}{{fill:{colour}}}.zd-i-{class}{{stroke:{colour}}}"));
    }
    let lines = [("prod", "#79B8FF"), ("mgm", "#46C39C"), ("dev", "#F2B84B"), ("viol", "#FF7A85"), ("note", "#AFBECC")];
    for (class, colour) in lines {
        css.push_str(&format!(
            ".zd-l-{class}{{stroke:{colour}}}.zd-f-{class}{{fill:{colour}}}.zd-p-{class}{{fill:#0F1A26;stroke:{colour}}}"
        ));
    }
    css.push('}');
    css
}
