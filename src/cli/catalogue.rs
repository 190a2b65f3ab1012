//! `zonec catalogue rules|kinds|services|classes`.

use super::{Format, OK, Options, Stop};
use crate::data;
use crate::model::Blueprint;
use crate::rules::Catalogue;
use clap::ValueEnum;
use serde_json::json;
use std::io::Write;

/// What to list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum What {
    /// Rules and attestations.
    Rules,
    /// Component kinds.
    Kinds,
    /// Built-in services.
    Services,
    /// Zone classes.
    Classes,
}

pub(super) fn run(what: What, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    options.only(&[Format::Human, Format::Json])?;
    let mut rows: Vec<[String; 3]> = Vec::new();
    for name in data::blueprints() {
        rows.extend(self::rows(what, &name, options)?);
    }
    if options.format == Format::Json {
        let list: Vec<_> =
            rows.iter().map(|[id, facts, title]| json!({ "id": id, "facts": facts, "title": title })).collect();
        writeln!(out, "{:#}", json!(list))?;
        return Ok(OK);
    }
    for [_, facts, _] in &mut rows {
        *facts = options.say(facts);
    }
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    for [id, facts, title] in &rows {
        writeln!(out, "{id:first$}  {facts:second$}  {title}")?;
    }
    Ok(OK)
}

fn rows(what: What, name: &str, options: &Options) -> Result<Vec<[String; 3]>, Stop> {
    let lang = options.lang();
    let blueprint = Blueprint::load(name)?;
    Ok(match what {
        What::Rules => {
            let catalogue = Catalogue::load(name)?;
            let row = |(id, rule): (&str, &crate::rules::RuleData)| {
                [id.to_owned(), format!("{} {}", rule.grade, rule.deviability), rule.title.get(lang).to_owned()]
            };
            catalogue.rules().map(row).collect()
        }
        What::Kinds => blueprint
            .kinds
            .iter()
            .map(|(id, kind)| [id.clone(), kind.category.clone(), kind.title.get(lang).to_owned()])
            .collect(),
        What::Services => {
            let secure = |secure: bool| if secure { "" } else { " (insecure)" };
            let row = |(id, service): (&String, &crate::model::blueprint::CatalogueService)| {
                [
                    id.clone(),
                    format!("{}{}", service.ports.join(", "), secure(service.secure)),
                    service.title.get(lang).to_owned(),
                ]
            };
            blueprint.services.iter().map(row).collect()
        }
        What::Classes => blueprint
            .classes
            .iter()
            .map(|(id, class)| [id.clone(), format!("trust {}", class.trust), class.title.get(lang).to_owned()])
            .collect(),
    })
}
