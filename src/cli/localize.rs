//! The command line in German: its help, and what it says about a line it cannot read.

use super::phrases::Phrases;
use crate::i18n::Lang;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, Error};

/// The language that a command line asks for, read before the line itself is.
pub(super) fn asked(arguments: &[String]) -> Lang {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = if word == "--lang" { words.next().map(String::as_str) } else { word.strip_prefix("--lang=") };
        if value == Some("de") {
            return Lang::De;
        }
    }
    Lang::En
}

/// The command line with its help in a language.
pub(super) fn localized(command: Command, lang: Lang) -> Command {
    if lang == Lang::En { command } else { german(command, &Phrases::of(lang), true) }
}

fn german(command: Command, phrases: &Phrases, root: bool) -> Command {
    let say = |text: Option<&StyledStr>| phrases.say(&text.map(ToString::to_string).unwrap_or_default());
    let about = say(command.get_about());
    let mut help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Zeigt diese Hilfe");
    help = help.help_heading("Optionen");
    let mut command = command
        .about(about)
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .subcommand_help_heading("Befehle")
        .subcommand_value_name("BEFEHL")
        .help_template("{about}\n\nAufruf: {usage}\n\n{all-args}")
        .mut_args(|argument| {
            let text = say(argument.get_help());
            let heading = if argument.is_positional() { "Argumente" } else { "Optionen" };
            let values: Vec<String> = argument
                .get_possible_values()
                .iter()
                .filter(|_| argument.get_action().takes_values())
                .map(|value| match value.get_help() {
                    Some(help) => format!("\n  {}: {}", value.get_name(), phrases.say(&help.to_string())),
                    None => format!(" {}", value.get_name()),
                })
                .collect();
            let default = argument.get_default_values().first().filter(|_| argument.get_action().takes_values());
            let default = default.map(|value| format!(" [Vorgabe: {}]", value.to_string_lossy())).unwrap_or_default();
            let text = if values.is_empty() {
                format!("{text}{default}")
            } else {
                format!("{text}{default}:{}", values.concat())
            };
            let takes = argument.get_action().takes_values();
            let argument = argument.help(text).help_heading(heading);
            if takes { argument.hide_possible_values(true).hide_default_value(true) } else { argument }
        })
        .arg(help);
    if root {
        let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
        command = command.disable_version_flag(true).arg(version.help("Zeigt die Version").help_heading("Optionen"));
    }
    command.mut_subcommands(|inner| german(inner, phrases, false))
}

/// What is wrong with a command line, in German; `None` where clap's own words must do.
pub(super) fn complaint(error: &Error) -> Option<String> {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(list)) => Some(list.join(", ")),
        _ => None,
    };
    // Of several candidates clap puts the nearest last.
    let near = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(list)) => list.last().cloned(),
        _ => None,
    };
    let hint = |kind: ContextKind| near(kind).map(|near| format!("; meinten Sie `{near}`?")).unwrap_or_default();
    let said = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let near = hint(ContextKind::SuggestedSubcommand);
            format!("den Befehl `{}` gibt es nicht{near}", text(ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::UnknownArgument => {
            format!("unbekanntes Argument `{}`{}", text(ContextKind::InvalidArg)?, hint(ContextKind::SuggestedArg))
        }
        ErrorKind::MissingSubcommand => {
            format!("es fehlt der Befehl; möglich: {}", text(ContextKind::ValidSubcommand)?)
        }
        ErrorKind::MissingRequiredArgument => format!("es fehlt: {}", text(ContextKind::InvalidArg)?),
        ErrorKind::ArgumentConflict => {
            format!("`{}` passt nicht zu `{}`", text(ContextKind::InvalidArg)?, text(ContextKind::PriorArg)?)
        }
        ErrorKind::InvalidValue => {
            let (value, argument) = (text(ContextKind::InvalidValue)?, text(ContextKind::InvalidArg)?);
            let known = text(ContextKind::ValidValue)
                .filter(|known| !known.is_empty())
                .map(|known| format!("; möglich: {known}"))
                .unwrap_or_default();
            if value.is_empty() {
                format!("`{argument}` braucht einen Wert{known}")
            } else {
                format!("`{value}` ist kein Wert für `{argument}`{known}")
            }
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            let reason = Phrases::of(Lang::De).known(&reason).map(|reason| format!(": {reason}")).unwrap_or_default();
            format!(
                "`{}` ist kein Wert für `{}`{reason}",
                text(ContextKind::InvalidValue)?,
                text(ContextKind::InvalidArg)?
            )
        }
        _ => return None,
    };
    Some(format!("{said}\nHilfe: zonec --help --lang de"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    fn untold(command: &Command, phrases: &Phrases, out: &mut Vec<String>) {
        let about = command.get_about().map(ToString::to_string);
        let helps = command.get_arguments().filter_map(|argument| argument.get_help().map(ToString::to_string));
        let values = command
            .get_arguments()
            .flat_map(Arg::get_possible_values)
            .filter_map(|value| value.get_help().map(ToString::to_string));
        out.extend(about.into_iter().chain(helps).chain(values).filter(|text| phrases.known(text).is_none()));
        for inner in command.get_subcommands() {
            untold(inner, phrases, out);
        }
    }

    #[test]
    fn all_help_is_there_in_german() {
        let mut out = Vec::new();
        untold(&Cli::command(), &Phrases::of(Lang::De), &mut out);
        assert!(out.is_empty(), "no German in zones/phrases.yaml for {out:#?}");
    }

    #[test]
    fn the_german_command_line_reads_what_the_english_one_reads() {
        let command = localized(Cli::command(), Lang::De);
        command.clone().debug_assert();
        assert!(command.try_get_matches_from(["zonec", "check", "amt", "--lang", "de", "-q"]).is_ok());
    }

    #[test]
    fn slips_on_the_command_line_are_told_in_german() {
        let told = |words: &[&str]| {
            let error = localized(Cli::command(), Lang::De).try_get_matches_from(words).err();
            error.and_then(|error| complaint(&error)).unwrap_or_default()
        };
        assert!(told(&["zonec", "chek", "amt"]).starts_with("den Befehl `chek` gibt es nicht; meinten Sie `check`?"));
        assert!(told(&["zonec", "-q"]).starts_with("es fehlt der Befehl; möglich: new, check"));
        assert!(told(&["zonec", "check"]).starts_with("es fehlt: <SITE>"));
        assert!(
            told(&["zonec", "check", "amt", "--formt", "json"])
                .starts_with("unbekanntes Argument `--formt`; meinten Sie `--format`?")
        );
        assert!(
            told(&["zonec", "check", "amt", "--format", "pdf"])
                .starts_with("`pdf` ist kein Wert für `--format <FORMAT>`; möglich: human")
        );
        assert!(
            told(&["zonec", "check", "amt", "--as-of", "heute"]).contains("erwartet wird ein Datum wie 2026-11-24")
        );
    }
}
