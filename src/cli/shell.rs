//! `zonec completions SHELL` and `zonec man`, from the same description as the command line itself.

use super::{Cli, OK, Stop};
use clap::CommandFactory;
use std::io::Write;

pub(super) fn completions(shell: clap_complete::Shell, out: &mut dyn Write) -> Result<u8, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "zonec", &mut script);
    out.write_all(&script)?;
    Ok(OK)
}

/// One page: the program, then a section per command.
pub(super) fn man(out: &mut dyn Write) -> Result<u8, Stop> {
    let command = Cli::command();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    for inner in command.get_subcommands() {
        let name = inner.get_name();
        let page = clap_mangen::Man::new(inner.clone().bin_name(format!("zonec {name}")));
        let mut section = Vec::new();
        page.render_synopsis_section(&mut section)?;
        page.render_description_section(&mut section)?;
        page.render_options_section(&mut section)?;
        // Sections of the command become subsections of the one page.
        let text = String::from_utf8_lossy(&section).replace(".SH ", ".SS ");
        write!(out, ".SH \"ZONEC {}\"\n{text}", name.to_uppercase())?;
    }
    man.render_version_section(out)?;
    Ok(OK)
}
