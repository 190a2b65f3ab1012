//! Generated documents are up to date. `UPDATE=1 cargo test --test docs` rewrites them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clap::CommandFactory;
use std::path::Path;
use zonec::check::check;
use zonec::compile::compile;
use zonec::i18n::Lang;
use zonec::model::Blueprint;
use zonec::rules::{Catalogue, is_decided, registry};
use zonec::source::{Date, MemoryWorld};

#[path = "support/pages.rs"]
mod pages;

/// Compares a file of the repository with what it should hold, or rewrites it.
fn current(path: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "{path} is stale; run UPDATE=1 cargo test --test docs");
}

#[test]
fn the_schema() {
    current("docs/zonec.schema.json", &format!("{:#}\n", zonec::cli::schema().unwrap()));
}

#[test]
fn the_picture_of_the_readme() {
    let site =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kommune-musterau/site.yaml")).unwrap();
    let files = std::collections::BTreeMap::from([("site.yaml".to_owned(), site)]);
    let world = MemoryWorld { files, as_of: Date::new(2026, 11, 24).unwrap(), main: "site.yaml".to_owned() };
    let checked = check(&world, false).unwrap();
    let (_, files) = compile(&checked, checked.model.as_ref().unwrap(), Lang::En).unwrap();
    current("docs/images/kommune-musterau.svg", files.get("diagram/kommune-musterau.svg").unwrap());
}

/// Which rules this version decides, so that nobody takes the catalogue for the checks.
#[test]
fn the_state_of_the_rules() {
    let catalogue = Catalogue::load("dvs-2.0").unwrap();
    let count = catalogue.ids().filter(|id| is_decided(id)).count();
    let mut page = format!(
        "# Which rules are decided\n\nGenerated. {count} of the {} rules and attestations of the catalogue are decided by this version. The\nothers have their texts (`zonec explain`) and are not checked.\n\n| rule | grade | title | decided |\n|:--|:--|:--|:--|\n",
        catalogue.ids().count()
    );
    for (id, rule) in catalogue.rules() {
        let mark = if is_decided(id) { "yes" } else { "no" };
        page += &format!("| {id} | {} | {} | {mark} |\n", rule.grade, rule.title.get(Lang::En));
    }
    current("docs/state.md", &page);
}

#[test]
fn the_pages_of_the_rules() {
    let catalogue = Catalogue::load("dvs-2.0").unwrap();
    current("docs/rules/README.md", &pages::rules_index(&catalogue));
    let mut names = vec!["README.md".to_owned()];
    for family in catalogue.families() {
        let name = format!("{}.md", family.family.to_lowercase());
        current(&format!("docs/rules/{name}"), &pages::rules_family(family, is_decided));
        names.push(name);
    }
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "docs/rules/{name} belongs to no family");
    }
}

#[test]
fn the_reference_of_the_language() {
    let catalogue = Catalogue::load("dvs-2.0").unwrap();
    current("docs/language.md", &pages::language(&zonec::cli::schema().unwrap(), &catalogue));
}

#[test]
fn the_tables_of_kinds_and_services() {
    let blueprint = Blueprint::load("dvs-2.0").unwrap();
    current("docs/kinds.md", &pages::kinds(&blueprint));
    current("docs/services.md", &pages::services(&blueprint));
}

#[test]
fn the_command_line() {
    current("docs/cli.md", &pages::cli(zonec::cli::Cli::command()));
}

#[test]
fn every_message_a_rule_can_give_has_its_texts() {
    let catalogue = Catalogue::load("dvs-2.0").unwrap();
    for (id, _) in registry() {
        assert!(catalogue.rule(id).is_some(), "{id} has no data");
    }
}
