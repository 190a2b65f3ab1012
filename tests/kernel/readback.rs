//! `nft -f`, `nft -j list ruleset`, `nft list ruleset`, `zonec verify`: equal.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use zonec::check::check;
use zonec::compile::enforced;
use zonec::source::MemoryWorld;
use zonec::verify::gateway::{Answer, of_json, of_listing};

use crate::lab::Lab;
use crate::policy::Policy;
use crate::{random, site};

const RANDOM_SITES: u64 = 200;

/// Every ruleset of every example that can be compiled, and of random sites.
pub fn all() {
    let start = Instant::now();
    let lab = Lab::build(&Policy { interfaces: Vec::new(), permits: Vec::new() });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).expect("examples").map(|entry| entry.expect("entry").path()).collect();
    names.retain(|path| path.is_dir());
    names.sort();
    let examples: usize = names.iter().map(|path| proven(&lab, &path.display().to_string(), &site::world(path))).sum();
    assert!(examples >= 8, "only {examples} rulesets in the examples");
    let sites =
        (1..=RANDOM_SITES).map(|seed| proven(&lab, &format!("random site {seed}"), &random::site(1_000 + seed)));
    let random: usize = sites.sum();
    assert!(random >= RANDOM_SITES as usize);
    println!("{examples} rulesets of examples, {random} of random sites; {:.0} s", start.elapsed().as_secs_f64());
}

/// How many rulesets of a site were loaded, listed and proven; none when the site cannot be compiled.
fn proven(lab: &Lab, name: &str, world: &MemoryWorld) -> usize {
    let checked = check(world, false).expect("built-in data");
    let Some((model, (plan, files))) =
        checked.model.as_ref().and_then(|model| Some((model, enforced(&checked, model).ok()?)))
    else {
        return 0;
    };
    for gateway in &plan.gateways {
        let mut file = tempfile::NamedTempFile::new().expect("temporary file");
        let ruleset = files.get(&format!("nftables/{}.nft", gateway.name)).expect("a file per gateway");
        file.write_all(ruleset.as_bytes()).expect("write the ruleset");
        lab.load(file.path()).unwrap_or_else(|error| panic!("{name}, {}: {error}", gateway.name));
        let json = of_json(&model.site, gateway, &lab.nft(&["-j", "list", "ruleset"]));
        assert_eq!(json.answer(), Answer::Equal, "{name}, {}: as JSON\n{json}", gateway.name);
        let text = of_listing(&model.site, gateway, &lab.nft(&["list", "ruleset"]));
        assert_eq!(text.answer(), Answer::Equal, "{name}, {}: as text\n{text}", gateway.name);
    }
    plan.gateways.len()
}
