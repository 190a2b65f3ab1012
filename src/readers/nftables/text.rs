//! Reads what `nft -f` reads: the emitted files and `nft list ruleset`.
//!
//! Commands are carried out in their order on an empty machine, so a file that makes, deletes and
//! makes a table again ends up with the last one.

use super::ast::{Base, Chain, Element, NamedSet, Place, Remark, Ruleset, Table};
use super::cursor::Cursor;
use super::lexer::Kind;
use super::names;
use super::statement::{elements, rule};

const FAMILIES: [&str; 6] = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];

/// Reads a file.
///
/// # Errors
/// The text is no ruleset: unbalanced braces, unreadable characters, undefined names. A construct
/// the reader does not know is no error but makes the result uncertain.
pub fn parse(text: &str) -> Result<Ruleset, Remark> {
    let mut cursor = Cursor::new(text)?;
    let mut ruleset = Ruleset::default();
    let mut deleted = Vec::new();
    loop {
        cursor.skip_ends();
        if cursor.peek().is_none() {
            remark_tables_of_others(&mut ruleset, deleted);
            return Ok(ruleset);
        }
        let place = cursor.place();
        command(&mut cursor, &mut ruleset, &mut deleted)?;
        if !matches!(cursor.peek(), None | Some(Kind::End)) {
            let rest = cursor.take_rest();
            if rest.is_empty() {
                return Err(cursor.error("`}` without `{`"));
            }
            ruleset.remark(place, format!("`{rest}` is not understood"));
        }
    }
}

/// A table that a file deletes.
struct Deleted {
    place: Place,
    family: String,
    name: String,
}

/// A table that is gone after the file was no table of its own: what the machine does without it, nothing here tells.
fn remark_tables_of_others(ruleset: &mut Ruleset, deleted: Vec<Deleted>) {
    for Deleted { place, family, name } in deleted {
        if !ruleset.tables.iter().any(|table| table.family == family && table.name == name) {
            ruleset.remark(place, format!("deletes table {family} {name}, which this file does not make"));
        }
    }
}

fn command(cursor: &mut Cursor, ruleset: &mut Ruleset, deleted: &mut Vec<Deleted>) -> Result<(), Remark> {
    let verb = cursor.peek_word().unwrap_or("").to_owned();
    let place = cursor.place();
    if verb != "table" {
        cursor.next();
    }
    let done = match verb.as_str() {
        "table" => add(cursor, ruleset, false)?,
        "add" | "create" => add(cursor, ruleset, false)?,
        "insert" => add(cursor, ruleset, true)?,
        "delete" | "destroy" => delete(cursor, ruleset, deleted),
        "flush" => flush(cursor, ruleset),
        _ => None,
    };
    if done.is_none() {
        let rest = cursor.take_rest();
        ruleset.remark(place, format!("`{verb} {rest}` is not understood"));
    }
    Ok(())
}

/// Family and name of a table; without a family it is `ip`.
fn table_name(cursor: &mut Cursor) -> Option<(String, String)> {
    let first = cursor.take_text()?;
    if FAMILIES.contains(&first.as_str()) {
        return Some((first, cursor.take_text()?));
    }
    Some(("ip".to_owned(), first))
}

fn add(cursor: &mut Cursor, ruleset: &mut Ruleset, in_front: bool) -> Result<Option<()>, Remark> {
    let object = cursor.take_text().unwrap_or_default();
    let Some((family, name)) = table_name(cursor) else {
        return Ok(None);
    };
    if object == "table" {
        ruleset.table(&family, &name);
        if cursor.take_sign("{") {
            let mut remarks = Vec::new();
            table_block(cursor, ruleset.table(&family, &name), &mut remarks)?;
            ruleset.remarks.append(&mut remarks);
        }
        return Ok(Some(()));
    }
    let Some(own) = cursor.take_text() else {
        return Ok(None);
    };
    let known = |table: &&mut Table| table.family == family && table.name == name;
    let Some(table) = ruleset.tables.iter_mut().find(known) else {
        return Ok(None);
    };
    match object.as_str() {
        "chain" => {
            let chain = table.chains.entry(own).or_default();
            if cursor.take_sign("{") {
                let mut remarks = Vec::new();
                chain_block(cursor, chain, &mut remarks)?;
                ruleset.remarks.append(&mut remarks);
            }
        }
        "set" | "map" => {
            let set = table.sets.entry(own).or_default();
            if cursor.take_sign("{") {
                set_block(cursor, set)?;
            }
        }
        "element" => {
            let (Some(mut more), Some(set)) = (elements(cursor), table.sets.get_mut(&own)) else {
                return Ok(None);
            };
            set.elements.append(&mut more);
        }
        "rule" => {
            let Some(chain) = table.chains.get_mut(&own) else {
                return Ok(None);
            };
            if matches!(cursor.peek_word(), Some("handle" | "position" | "index")) {
                return Ok(None);
            }
            let rule = rule(cursor);
            let at = if in_front { 0 } else { chain.rules.len() };
            chain.rules.insert(at, rule);
        }
        "counter" | "quota" | "limit" => {
            cursor.take_rest();
        }
        _ => return Ok(None),
    }
    Ok(Some(()))
}

fn delete(cursor: &mut Cursor, ruleset: &mut Ruleset, deleted: &mut Vec<Deleted>) -> Option<()> {
    let place = cursor.place();
    let object = cursor.take_text()?;
    let (family, name) = table_name(cursor)?;
    let same = |table: &Table| table.family == family && table.name == name;
    if object == "table" {
        ruleset.tables.retain(|table| !same(table));
        deleted.push(Deleted { place, family, name });
        return Some(());
    }
    let own = cursor.take_text()?;
    let table = ruleset.tables.iter_mut().find(|table| same(table))?;
    match object.as_str() {
        "chain" => {
            table.chains.shift_remove(&own)?;
        }
        "set" | "map" => {
            table.sets.remove(&own)?;
        }
        "element" => {
            let gone = elements(cursor)?;
            let kept = |element: &Element| !gone.iter().any(|gone| gone.key == element.key);
            table.sets.get_mut(&own)?.elements.retain(kept);
        }
        _ => return None,
    }
    Some(())
}

fn flush(cursor: &mut Cursor, ruleset: &mut Ruleset) -> Option<()> {
    let place = cursor.place();
    let object = cursor.take_text()?;
    if object == "ruleset" {
        if !cursor.at_end() {
            return None;
        }
        ruleset.tables.clear();
        ruleset.remark(place, "empties the tables of others, too");
        return Some(());
    }
    let (family, name) = table_name(cursor)?;
    let same = |table: &&mut Table| table.family == family && table.name == name;
    let table = ruleset.tables.iter_mut().find(same)?;
    match object.as_str() {
        "table" => table.chains.values_mut().for_each(|chain| chain.rules.clear()),
        "chain" => table.chains.get_mut(&cursor.take_text()?)?.rules.clear(),
        "set" | "map" => table.sets.get_mut(&cursor.take_text()?)?.elements.clear(),
        _ => return None,
    }
    Some(())
}

/// Repeats `item` until the closing brace.
fn block(cursor: &mut Cursor, mut item: impl FnMut(&mut Cursor) -> Result<(), Remark>) -> Result<(), Remark> {
    loop {
        cursor.skip_ends();
        if cursor.take_sign("}") {
            return Ok(());
        }
        if cursor.peek().is_none() {
            return Err(cursor.error("`}` is missing"));
        }
        item(cursor)?;
    }
}

fn table_block(cursor: &mut Cursor, table: &mut Table, remarks: &mut Vec<Remark>) -> Result<(), Remark> {
    block(cursor, |cursor| {
        let place = cursor.place();
        let object = cursor.take_text().unwrap_or_default();
        let own = match object.as_str() {
            "chain" | "set" | "map" => cursor.take_text(),
            _ => None,
        };
        match (object.as_str(), own) {
            ("chain", Some(own)) if cursor.take_sign("{") => {
                chain_block(cursor, table.chains.entry(own).or_default(), remarks)
            }
            ("set" | "map", Some(own)) if cursor.take_sign("{") => {
                set_block(cursor, table.sets.entry(own).or_default())
            }
            ("counter" | "quota" | "limit" | "comment", None) => {
                cursor.take_rest();
                Ok(())
            }
            ("flags", None) if cursor.take_word("dormant") => {
                table.dormant = true;
                Ok(())
            }
            _ => {
                let rest = cursor.take_rest();
                let text = format!("`{object} {rest}` is not understood");
                remarks.push(Remark { place, text });
                stuck(cursor, place)
            }
        }
    })
}

/// After something unknown, the next thing has to be the end of a line or a block.
fn stuck(cursor: &Cursor, place: Place) -> Result<(), Remark> {
    if cursor.at_end() {
        return Ok(());
    }
    let text = "cannot read on from here".to_owned();
    Err(Remark { place, text })
}

fn chain_block(cursor: &mut Cursor, chain: &mut Chain, remarks: &mut Vec<Remark>) -> Result<(), Remark> {
    block(cursor, |cursor| {
        let place = cursor.place();
        if cursor.take_word("type") {
            let before = chain.base.take().is_some_and(|base| base.drops);
            // A policy that is not named again stays as it is.
            chain.base = base(cursor, place).map(|base| Base { drops: before, ..base });
            if chain.base.is_none() {
                let text = "this kind of base chain is not understood".to_owned();
                remarks.push(Remark { place, text });
            }
        } else if cursor.take_word("policy") {
            let policy = cursor.take_text();
            match (&mut chain.base, policy.as_deref()) {
                (Some(base), Some("drop")) => base.drops = true,
                (Some(base), Some("accept")) => base.drops = false,
                _ => return Err(cursor.error("cannot read this policy")),
            }
        } else if cursor.take_word("comment") {
            cursor.take_rest();
        } else {
            chain.rules.push(rule(cursor));
        }
        stuck(cursor, place)
    })
}

/// `filter hook forward priority filter + 10`; a device makes it a chain we do not know.
fn base(cursor: &mut Cursor, place: Place) -> Option<Base> {
    let kind = cursor.take_text()?;
    if !cursor.take_word("hook") {
        cursor.take_rest();
        return None;
    }
    let hook = cursor.take_text()?;
    if !cursor.take_word("priority") {
        cursor.take_rest();
        return None;
    }
    let priority: String = cursor.take_rest().split_whitespace().collect();
    Some(Base { kind, hook, priority: names::priority(&priority), drops: false, place })
}

fn set_block(cursor: &mut Cursor, set: &mut NamedSet) -> Result<(), Remark> {
    block(cursor, |cursor| {
        let place = cursor.place();
        match cursor.take_text().unwrap_or_default().as_str() {
            "elements" if cursor.take_sign("=") => match elements(cursor) {
                Some(mut more) => set.elements.append(&mut more),
                None => return Err(cursor.error("cannot read these elements")),
            },
            "flags" => {
                let flags = cursor.take_rest();
                set.changes |= flags.contains("dynamic") || flags.contains("timeout");
            }
            "timeout" => {
                set.changes = true;
                cursor.take_rest();
            }
            "type" | "typeof" | "auto-merge" | "counter" | "size" | "policy" | "comment" => {
                cursor.take_rest();
            }
            _ => {
                set.changes = true;
                cursor.take_rest();
            }
        }
        stuck(cursor, place)
    })
}
