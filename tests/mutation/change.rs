//! Single changes of a ruleset file: what an attacker, a colleague in a hurry or a defect of the emitter would do.

use std::net::IpAddr;

use crate::dice::Dice;

/// A changed file and what was changed.
pub struct Mutant {
    pub what: String,
    pub text: String,
}

/// The lines of a file and what they are.
pub struct File<'a> {
    lines: Vec<&'a str>,
    /// Where the table that stays begins.
    start: usize,
}

const KINDS: usize = 17;

impl<'a> File<'a> {
    pub fn new(text: &'a str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let start = lines.iter().rposition(|line| *line == "table inet zonec {").expect("the table");
        Self { lines, start }
    }

    /// A random change; `None` when the dice chose one that this file has no place for.
    pub fn change(&self, dice: &mut Dice) -> Option<Mutant> {
        match dice.below(KINDS) {
            0..3 => self.bound(dice),
            3 => self.element_gone(dice),
            4 => self.element_added(dice),
            5 => self.verdict(dice),
            6 => self.rule_gone(dice),
            7 => self.rule_moved(dice),
            8 => self.guard_gone(dice),
            9 => self.base(dice),
            10 => self.table_added(dice),
            11 => self.interface(dice),
            12 => self.protocol(dice),
            13 => self.state(dice),
            14 => self.target(dice),
            15 => self.rule_added(dice),
            _ => self.set_swapped(dice),
        }
    }

    fn with(&self, at: usize, new: &[String], what: &str) -> Option<Mutant> {
        let old = self.lines[at];
        let mut lines: Vec<String> = self.lines.iter().map(|line| (*line).to_owned()).collect();
        lines.splice(at..=at, new.iter().cloned());
        let new = new.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" / ");
        let what = format!("{what}, line {}: `{}` => `{new}`", at + 1, old.trim());
        Some(Mutant { what, text: lines.join("\n") + "\n" })
    }

    fn replaced(&self, at: usize, new: String, what: &str) -> Option<Mutant> {
        (new != self.lines[at]).then(|| self.with(at, &[new], what))?
    }

    /// A random line that satisfies a condition.
    fn pick(&self, dice: &mut Dice, fits: impl Fn(&str) -> bool) -> Option<usize> {
        let found: Vec<usize> = (self.start..self.lines.len()).filter(|&at| fits(self.lines[at])).collect();
        (!found.is_empty()).then(|| *dice.pick(&found))
    }

    fn is_rule(line: &str) -> bool {
        let line = line.trim();
        !line.is_empty()
            && !["}", "table", "chain", "set", "map", "counter f_", "counter d_", "type filter", "elements", "#", "\""]
                .iter()
                .any(|start| line.starts_with(start))
            && !Self::is_element(line)
            || line.starts_with("counter name")
    }

    fn is_element(line: &str) -> bool {
        let line = line.trim();
        let word = line.split([' ', ',', '-', '/']).next().unwrap_or("");
        line.starts_with("elements = {") || word.parse::<IpAddr>().is_ok() || word.parse::<u16>().is_ok()
    }

    /// A bound of an address range, prefix, port range, type or single value, one up or down.
    fn bound(&self, dice: &mut Dice) -> Option<Mutant> {
        let at = self.pick(dice, Self::is_element)?;
        let line = self.lines[at];
        let words: Vec<(usize, &str)> = words(line).filter(|(_, word)| value(word)).collect();
        if words.is_empty() {
            return None;
        }
        let (place, word) = *dice.pick(&words);
        let (word, end) = match word.strip_suffix(',') {
            Some(word) => (word, ","),
            None => (word, ""),
        };
        let new = moved(word, dice)?;
        self.replaced(at, format!("{}{new}{end}{}", &line[..place], &line[place + word.len() + end.len()..]), "bound")
    }

    /// The elements of a line, their separators, and what stands around them.
    fn elements(line: &str) -> (String, Vec<String>, String) {
        let (head, rest) = match line.find("elements = {") {
            Some(at) => line.split_at(at + "elements = {".len()),
            None => line.split_at(line.len() - line.trim_start().len()),
        };
        let (list, tail) = match rest.trim_end().strip_suffix('}') {
            Some(list) => (list, " }"),
            None => (rest.trim_end().trim_end_matches(','), if rest.trim_end().ends_with(',') { "," } else { "" }),
        };
        let list = list.split(", ").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
        (head.to_owned(), list, tail.to_owned())
    }

    fn element_gone(&self, dice: &mut Dice) -> Option<Mutant> {
        let at = self.pick(dice, Self::is_element)?;
        let (head, mut list, tail) = Self::elements(self.lines[at]);
        if list.is_empty() {
            return None;
        }
        list.remove(dice.below(list.len()));
        self.replaced(at, format!("{head} {}{tail}", list.join(", ")), "element removed")
    }

    /// A copy of an element with one of its values moved, at its end or in front.
    fn element_added(&self, dice: &mut Dice) -> Option<Mutant> {
        let at = self.pick(dice, Self::is_element)?;
        let (head, mut list, tail) = Self::elements(self.lines[at]);
        if list.is_empty() {
            return None;
        }
        let copy = dice.pick(&list).clone();
        let values: Vec<(usize, &str)> = words(&copy).filter(|(_, word)| value(word)).collect();
        if values.is_empty() {
            return None;
        }
        let (place, word) = *dice.pick(&values);
        let new = format!("{}{}{}", &copy[..place], moved(word, dice)?, &copy[place + word.len()..]);
        let place = if dice.chance(50) { 0 } else { list.len() };
        list.insert(place, new);
        self.replaced(at, format!("{head} {}{tail}", list.join(", ")), "element added")
    }

    fn verdict(&self, dice: &mut Dice) -> Option<Mutant> {
        let swaps = [
            (" accept", " drop"),
            (" drop", " accept"),
            ("\tdrop", "\taccept"),
            ("\taccept", "\tdrop"),
            (" accept", " return"),
        ];
        let (old, new) = *dice.pick(&swaps);
        let at = self.pick(dice, |line| line.contains(old) && !line.contains("policy"))?;
        self.replaced(at, self.lines[at].replacen(old, new, 1), "verdict swapped")
    }

    fn rule_gone(&self, dice: &mut Dice) -> Option<Mutant> {
        let at = self.pick(dice, |line| Self::is_rule(line) && balanced(line))?;
        self.with(at, &[], "rule removed")
    }

    /// A rule to another place of its chain, or into the next chain.
    fn rule_moved(&self, dice: &mut Dice) -> Option<Mutant> {
        let at = self.pick(dice, |line| Self::is_rule(line) && balanced(line))?;
        let near: Vec<usize> = (at.saturating_sub(6)..(at + 6).min(self.lines.len()))
            .filter(|&other| other != at && Self::is_rule(self.lines[other]) && balanced(self.lines[other]))
            .collect();
        if near.is_empty() {
            return None;
        }
        let to = *dice.pick(&near);
        let mut lines = self.lines.clone();
        let line = lines.remove(at);
        lines.insert(to, line);
        let what = format!("rule moved from line {} to {}: `{}`", at + 1, to + 1, line.trim());
        (lines != self.lines).then(|| Mutant { what, text: lines.join("\n") + "\n" })
    }

    /// A match of a rule, with its value.
    fn guard_gone(&self, dice: &mut Dice) -> Option<Mutant> {
        let guards = [
            " ip6 hoplimit 255",
            " ip6 saddr { ::, fe80::/10 }",
            "ip6 saddr { ::, fe80::/10 } ",
            "meta protocol ip ",
            "meta protocol ip6 ",
            "meta protocol ip6 icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } ",
            "iif \"lo\" ",
            "oif \"lo\" ",
            "tcp flags & (fin | syn | rst | ack) != syn ",
            "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } ",
            "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } ",
            ", mld-listener-done",
            "nd-router-solicit, ",
            "packet-too-big, ",
            ", parameter-problem",
        ];
        let mut list: Vec<&str> = guards.to_vec();
        for start in ["meta l4proto ", "ip saddr @", "ip6 saddr @"] {
            if let Some(at) = self.pick(dice, |line| line.contains(start)) {
                let line = self.lines[at];
                let from = line.find(start).unwrap_or(0);
                let word = line[from + start.len()..].split(' ').next().unwrap_or("");
                list.push(&line[from..(from + start.len() + word.len() + 1).min(line.len())]);
            }
        }
        let guard = *dice.pick(&list);
        let at = self.pick(dice, |line| line.contains(guard))?;
        self.replaced(at, self.lines[at].replacen(guard, "", 1), "guard dropped")
    }

    fn base(&self, dice: &mut Dice) -> Option<Mutant> {
        let swaps = [
            ("policy drop", "policy accept"),
            ("policy drop", "policy accept"),
            ("hook forward", "hook input"),
            ("hook input", "hook forward"),
            ("hook prerouting", "hook forward"),
            ("priority raw", "priority filter"),
            ("priority filter", "priority 10"),
            ("priority raw", "priority -150"),
            ("hook output", "hook forward"),
        ];
        let (old, new) = *dice.pick(&swaps);
        let at = self.pick(dice, |line| line.contains("type filter hook") && line.contains(old))?;
        self.replaced(at, self.lines[at].replacen(old, new, 1), "base chain")
    }

    fn table_added(&self, dice: &mut Dice) -> Option<Mutant> {
        let hook = *dice.pick(&["forward", "input", "output", "prerouting"]);
        let priority = *dice.pick(&["-10", "10", "-400"]);
        let (policy, rule) = *dice.pick(&[
            ("drop", ""),
            ("accept", ""),
            ("accept", "tcp dport 443 drop\n"),
            ("accept", "accept\n"),
            ("accept", "ip6 saddr ::/0 drop\n"),
            ("accept", "iifname \"lo\" drop\n"),
            ("drop", "ip saddr 0.0.0.0/0 accept\n"),
        ]);
        let chain = format!("chain more {{\ntype filter hook {hook} priority {priority}; policy {policy};\n{rule}}}\n");
        let (what, text) = if dice.chance(50) {
            ("table", format!("{}\ntable inet more {{\n{chain}}}\n", self.lines.join("\n")))
        } else {
            let (last, rest) = self.lines.split_last()?;
            ("chain", format!("{}\n{chain}{last}\n", rest.join("\n")))
        };
        Some(Mutant { what: format!("{what} added: {}", chain.replace('\n', " ")), text })
    }

    fn interface(&self, dice: &mut Dice) -> Option<Mutant> {
        let at = self.pick(dice, |line| line.contains('"') && line.contains(" : ") || line.contains("if \"lo\""))?;
        let line = self.lines[at];
        let names: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        let all: Vec<&str> = self
            .lines
            .iter()
            .filter(|line| line.contains("goto p_") || line.contains("iifname vmap"))
            .flat_map(|line| line.split('"').skip(1).step_by(2))
            .chain(["other0"])
            .collect();
        let (old, new) = (*dice.pick(&names), *dice.pick(&all));
        self.replaced(at, line.replacen(&format!("\"{old}\""), &format!("\"{new}\""), 1), "interface")
    }

    fn protocol(&self, dice: &mut Dice) -> Option<Mutant> {
        let swaps = [
            ("tcp dport", "udp dport"),
            ("udp dport", "tcp dport"),
            ("sctp dport", "tcp dport"),
            ("meta l4proto 47", "meta l4proto 48"),
            ("meta l4proto 50", "meta l4proto 51"),
            ("icmp type", "tcp dport"),
            ("protocol ip icmp", "protocol ip6 icmp"),
            ("protocol ip6", "protocol ip"),
            ("time-exceeded", "redirect"),
            ("time-exceeded", "echo-request"),
            ("packet-too-big", "echo-reply"),
            ("hoplimit 255", "hoplimit 254"),
            ("!= syn", "syn"),
            ("fe80::/10", "fe80::/9"),
            ("fe80::/10", "fc00::/7"),
        ];
        let (old, new) = *dice.pick(&swaps);
        let at = self.pick(dice, |line| Self::is_rule(line) && line.contains(old))?;
        self.replaced(at, self.lines[at].replacen(old, new, 1), "protocol")
    }

    fn state(&self, dice: &mut Dice) -> Option<Mutant> {
        let swaps = [
            ("established : accept", "established : drop"),
            ("invalid : goto d_inv", "invalid : accept"),
            ("related : goto c_rel", "related : accept"),
            ("untracked : goto d_inv", "untracked : accept"),
            (", untracked : goto d_inv", ""),
            (", invalid : goto d_inv", ""),
            ("established : accept", "new : accept"),
            ("invalid :", "new :"),
            ("established : accept, ", ""),
            ("related : goto c_rel, ", ""),
            ("established : accept", "untracked : accept"),
        ];
        let (old, new) = *dice.pick(&swaps);
        let at = self.pick(dice, |line| line.contains("ct state vmap") && line.contains(old))?;
        self.replaced(at, self.lines[at].replacen(old, new, 1), "state")
    }

    fn target(&self, dice: &mut Dice) -> Option<Mutant> {
        let at = self.pick(dice, |line| line.contains("goto "))?;
        let line = self.lines[at];
        if dice.chance(20) {
            return self.replaced(at, line.replacen("goto ", "jump ", 1), "jump");
        }
        let chains: Vec<&str> = self
            .lines
            .iter()
            .filter_map(|line| line.strip_prefix("\tchain ")?.split(' ').next())
            .filter(|name| !["forward", "input", "output", "antispoof"].contains(name))
            .collect();
        let from = line.rfind("goto ")? + "goto ".len();
        let old = line[from..].split([' ', ',']).next().unwrap_or("");
        let new = *dice.pick(&chains);
        // A chain that leads back here would be refused by the kernel.
        let leaf = ["f_", "d_"].iter().any(|start| new.starts_with(start));
        (leaf || old.get(..2) == new.get(..2)).then_some(())?;
        self.replaced(at, format!("{}{new}{}", &line[..from], &line[from + old.len()..]), "target")
    }

    fn rule_added(&self, dice: &mut Dice) -> Option<Mutant> {
        let at = self.pick(dice, |line| Self::is_rule(line) && balanced(line) && !line.trim().starts_with('"'))?;
        let constants: Vec<&str> = (self.start..self.lines.len())
            .filter(|&at| Self::is_element(self.lines[at]))
            .flat_map(|at| words(self.lines[at]).map(|(_, word)| word.trim_end_matches(',')))
            .filter(|word| word.parse::<std::net::Ipv4Addr>().is_ok())
            .collect();
        let host = if constants.is_empty() { "10.9.0.3" } else { *dice.pick(&constants) };
        let rule = match dice.below(8) {
            0 => "accept".to_owned(),
            1 => "drop".to_owned(),
            2 => format!("ip saddr {host} accept"),
            3 => format!("ip daddr {host} drop"),
            4 => "tcp dport 443 accept".to_owned(),
            5 => "udp dport 53 drop".to_owned(),
            6 => format!("ip saddr {host} return"),
            _ => format!("ip daddr {host} meta l4proto 17 accept"),
        };
        self.with(at, &[format!("\t\t{rule}"), self.lines[at].to_owned()], "rule added")
    }

    fn set_swapped(&self, dice: &mut Dice) -> Option<Mutant> {
        let at = self.pick(dice, |line| Self::is_rule(line) && line.contains('@'))?;
        let line = self.lines[at];
        let from = line.find('@')? + 1;
        let old = line[from..].split(' ').next().unwrap_or("");
        let end = old.len().checked_sub(2)?;
        let names =
            self.lines.iter().filter_map(|line| line.trim().strip_prefix("set ").or(line.trim().strip_prefix("map ")));
        let same: Vec<&str> = names
            .filter_map(|rest| rest.split(' ').next())
            .filter(|name| name.starts_with(&old[..1]) && name.get(name.len() - 2..) == old.get(end..) && *name != old)
            .collect();
        if same.is_empty() {
            return None;
        }
        let new = *dice.pick(&same);
        self.replaced(at, format!("{}{new}{}", &line[..from], &line[from + old.len()..]), "set swapped")
    }
}

fn balanced(line: &str) -> bool {
    line.matches('{').count() == line.matches('}').count()
}

/// Words of a line with their places.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split([' ', '\t'])
        .filter(|word| !word.is_empty())
        .map(|word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
}

/// Whether a word of an element is a value that can be moved.
fn value(word: &str) -> bool {
    let word = word.trim_end_matches(',');
    let parts = word.split_once('/').map_or(word, |(address, _)| address);
    parts.split('-').all(|part| part.parse::<IpAddr>().is_ok() || part.parse::<u16>().is_ok())
}

/// A value with one bound one up or down; a single value may also become two.
fn moved(word: &str, dice: &mut Dice) -> Option<String> {
    let step = |text: &str, up: bool| -> Option<String> {
        let by = |n: u128| if up { n.checked_add(1) } else { n.checked_sub(1) };
        Some(match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => {
                IpAddr::V4(u32::try_from(by(address.to_bits().into())?).ok()?.into()).to_string()
            }
            Ok(IpAddr::V6(address)) => IpAddr::V6(by(address.to_bits())?.into()).to_string(),
            Err(_) => u16::try_from(by(text.parse::<u16>().ok()?.into())?).ok()?.to_string(),
        })
    };
    let up = dice.chance(50);
    if let Some((address, length)) = word.split_once('/') {
        let (length, top) = (length.parse::<u32>().ok()?, if address.contains(':') { 128 } else { 32 });
        let length = if up { length + 1 } else { length.checked_sub(1)? };
        return (length <= top).then(|| format!("{address}/{length}"));
    }
    if let Some((low, high)) = word.split_once('-') {
        let (low, high) =
            if dice.chance(50) { (step(low, up)?, high.to_owned()) } else { (low.to_owned(), step(high, up)?) };
        return Some(format!("{low}-{high}"));
    }
    if dice.chance(30) {
        return Some(if up {
            format!("{word}-{}", step(word, true)?)
        } else {
            format!("{}-{word}", step(word, false)?)
        });
    }
    step(word, up)
}
