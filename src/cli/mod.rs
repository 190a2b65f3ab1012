//! The command line: one file per command, one per output format. The only part that touches disk, clock and terminal.

mod catalogue;
mod check;
mod compile;
mod diff;
mod disk;
mod explain;
mod format;
mod git;
mod import;
mod localize;
#[cfg(feature = "lsp")]
mod lsp;
mod new;
mod phrases;
mod query;
mod report;
mod schema;
mod shell;
mod test;
mod trace;
mod verify;
mod verify_gateway;

pub use schema::schema;

use crate::check::{Checked, check};
use crate::i18n::Lang;
use crate::source::{Date, World};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use phrases::Phrases;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Releasable, equal, allowed.
pub const OK: u8 = 0;
/// Violation, difference, blocked.
pub const VIOLATION: u8 = 1;
/// Model or command line invalid.
pub const INVALID: u8 = 2;
/// Internal error or I/O.
pub const FAILURE: u8 = 3;

/// Compiles network zone models: checks them against the DVS and BSI rules, and turns them into firewall rules,
/// Kubernetes and Cilium policies, a diagram and documents.
#[derive(Parser, Debug)]
#[command(name = "zonec", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Writes a small, commented site to start from; nothing that exists is touched.
    New(new::Arguments),
    /// Reads, resolves, evaluates all rules, prints findings.
    Check {
        /// File or folder with site.yaml; `-` reads standard input.
        site: String,
    },
    /// Checks, compiles everything and writes a folder as one atomic step.
    Compile {
        /// File or folder with site.yaml.
        site: String,
        /// Folder to write.
        #[arg(short, long)]
        output: std::path::PathBuf,
        /// Writes each ruleset in a lossless three-step form as well (docs/operate-nftables.md).
        #[arg(long)]
        staged: bool,
    },
    /// Writes diagram and documents only, also for a site with violations.
    Report {
        /// File or folder with site.yaml; `-` reads standard input.
        site: String,
        /// Folder to write.
        #[arg(short, long)]
        output: std::path::PathBuf,
    },
    /// Follows a packet hop by hop to the rule that decides.
    Trace(trace::Arguments),
    /// Proves that emitted files or a live cluster say what the site says.
    Verify(verify::Arguments),
    /// Says which packets a change opens and closes, which findings are new, what changes where.
    Diff(diff::Arguments),
    /// Says who reaches an end and what it reaches, where a flow is enforced, what an address is, what a rule found.
    Query(query::Arguments),
    /// Judges the policy tests of a site (`expect:`), over all packets.
    Test {
        /// File or folder with site.yaml; `-` reads standard input.
        site: String,
    },
    /// Reads a communication matrix (workbook or CSV) as flows, and lists every row that has no place.
    Import(import::Arguments),
    /// Explains one rule.
    Explain {
        /// Rule id, for example ZM-PAP-01.
        rule: String,
    },
    /// Lists the built-in data.
    Catalogue {
        /// What to list.
        #[arg(value_enum)]
        what: catalogue::What,
    },
    /// Prints the JSON Schema of the zone language.
    Schema,
    /// Serves editors over standard input and output: findings while typing, hover, definitions, completion, rename.
    #[cfg(feature = "lsp")]
    Lsp {
        /// Taken as it is: editors pass it, and there is no other way to talk.
        #[arg(long)]
        stdio: bool,
    },
    /// Prints the completion script of a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Prints the manual page (troff).
    Man,
}

/// Options of every command.
#[derive(Args, Debug)]
pub struct Options {
    /// Date of evaluation; today when absent.
    #[arg(long, global = true, value_parser = parse_date)]
    as_of: Option<Date>,
    /// Counts a SOLLTE without justification as an error.
    #[arg(long, global = true)]
    strict: bool,
    /// Language of texts.
    #[arg(long, global = true, value_enum, default_value = "en")]
    lang: LangOption,
    /// Output format.
    #[arg(long, global = true, value_enum, default_value = "human")]
    format: Format,
    /// Colour.
    #[arg(long, global = true, value_enum, default_value = "auto")]
    color: Color,
    /// Prints results only, no progress.
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum LangOption {
    En,
    De,
}

/// Output format.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people, in the style of rustc.
    Human,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
    /// GitLab Code Quality.
    Codequality,
    /// JUnit XML: a test case per rule.
    Junit,
    /// For the comment at a merge request.
    Markdown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

fn parse_date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|()| "expected a date such as 2026-11-24".to_owned())
}

impl Options {
    fn lang(&self) -> Lang {
        match self.lang {
            LangOption::En => Lang::En,
            LangOption::De => Lang::De,
        }
    }

    fn color(&self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }

    /// Refuses a format in which a command has nothing to say.
    fn only(&self, formats: &[Format]) -> Result<(), Stop> {
        if formats.contains(&self.format) {
            return Ok(());
        }
        let word =
            |format: &Format| format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let known = formats.iter().map(|format| format!("`{}`", word(format))).collect::<Vec<_>>().join(", ");
        Err(Stop::Invalid(format!("this command has no format `{}`; it has {known}", word(&self.format))))
    }

    /// One of two texts, by language.
    fn word(&self, en: &'static str, de: &'static str) -> &'static str {
        if self.lang() == Lang::De { de } else { en }
    }

    /// A text of the program in the chosen language.
    fn say(&self, text: &str) -> String {
        Phrases::of(self.lang()).say(text)
    }

    fn as_of(&self) -> Date {
        self.as_of.unwrap_or_else(disk::today)
    }
}

/// What ends a command before its result.
#[derive(Debug)]
enum Stop {
    /// Command line or input is unusable: exit status 2.
    Invalid(String),
    /// Internal error or I/O: exit status 3.
    Failure(String),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Failure(error.to_string())
    }
}

impl From<crate::data::DataError> for Stop {
    fn from(error: crate::data::DataError) -> Self {
        Self::Failure(error.to_string())
    }
}

/// Runs the command line and gives the exit status.
#[must_use]
pub fn run() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let lang = localize::asked(&arguments);
    let command = localize::localized(Cli::command(), lang);
    let cli = match command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, lang),
    };
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let result = dispatch(&cli, &mut out).and_then(|status| out.flush().map(|()| status).map_err(Stop::from));
    match result {
        Ok(status) => ExitCode::from(status),
        Err(Stop::Invalid(reason)) => complain(&reason, lang, INVALID),
        // A closed pipe (`zonec … | head`) is the reader's wish, not an error.
        Err(Stop::Failure(reason)) if reason.contains("Broken pipe") => ExitCode::SUCCESS,
        Err(Stop::Failure(reason)) => complain(&reason, lang, FAILURE),
    }
}

/// Prints the help that was asked for, or what is wrong with the command line.
fn refuse(error: &clap::Error, lang: Lang) -> ExitCode {
    let status = if error.use_stderr() { INVALID } else { OK };
    if let (Lang::De, true, Some(text)) = (lang, error.use_stderr(), localize::complaint(error)) {
        let _ = writeln!(std::io::stderr(), "Fehler: {text}");
        return ExitCode::from(status);
    }
    if error.print().is_ok() { ExitCode::from(status) } else { ExitCode::from(FAILURE) }
}

fn complain(reason: &str, lang: Lang, status: u8) -> ExitCode {
    let word = if lang == Lang::De { "Fehler" } else { "error" };
    let _ = writeln!(std::io::stderr(), "{word}: {}", Phrases::of(lang).say(reason));
    ExitCode::from(status)
}

fn dispatch(cli: &Cli, out: &mut dyn Write) -> Result<u8, Stop> {
    let options = &cli.options;
    match &cli.command {
        Command::New(arguments) => new::run(arguments, options, out),
        Command::Check { site } => check::run(site, options, out),
        Command::Compile { site, output, staged } => compile::run(site, output, *staged, options, out),
        Command::Report { site, output } => report::run(site, output, options, out),
        Command::Trace(arguments) => trace::run(arguments, options, out),
        Command::Verify(arguments) => verify::run(arguments, options, out),
        Command::Diff(arguments) => diff::run(arguments, options, out),
        Command::Query(arguments) => query::run(arguments, options, out),
        Command::Test { site } => test::run(site, options, out),
        Command::Import(arguments) => import::run(arguments, options, out),
        Command::Explain { rule } => explain::run(rule, options, out),
        Command::Catalogue { what } => catalogue::run(*what, options, out),
        #[cfg(feature = "lsp")]
        Command::Lsp { stdio: _ } => lsp::run(options),
        Command::Completions { shell } => shell::completions(*shell, out),
        Command::Man => shell::man(out),
        Command::Schema => {
            writeln!(out, "{:#}", schema()?)?;
            Ok(OK)
        }
    }
}

/// Opens and checks a site.
fn open(site: &str, options: &Options) -> Result<(Box<dyn World>, Checked), Stop> {
    let world = disk::open(site, options.as_of())?;
    let checked = check(world.as_ref(), options.strict)?;
    Ok((world, checked))
}

/// A progress line on standard error.
fn progress(options: &Options, verb: &str, text: &str) {
    if !options.quiet && options.format == Format::Human {
        let phrases = Phrases::of(options.lang());
        let _ = writeln!(std::io::stderr(), "{:>12} {}", phrases.say(verb), phrases.say(text));
    }
}
