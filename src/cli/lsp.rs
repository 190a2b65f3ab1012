//! `zonec lsp`: the language server over standard input and output.

use super::{Format, OK, Options, Stop, VIOLATION, disk};
use crate::lsp::{Disk, SessionError, Settings, serve};
use crate::source::{Date, World};
use std::io::BufReader;
use std::sync::Arc;

/// Sites on disk, as of a day or of today, however long the session lasts.
struct Sites(Option<Date>);

impl Disk for Sites {
    fn open(&self, main: &str) -> Result<Box<dyn World>, String> {
        disk::open(main, self.0.unwrap_or_else(disk::today)).map_err(|stop| match stop {
            Stop::Invalid(reason) | Stop::Failure(reason) => reason,
        })
    }
}

pub(super) fn run(options: &Options) -> Result<u8, Stop> {
    options.only(&[Format::Human])?;
    let settings = Settings { lang: options.lang(), strict: options.strict };
    let input = BufReader::new(std::io::stdin());
    match serve(input, std::io::stdout(), Arc::new(Sites(options.as_of)), settings) {
        Ok(true) => Ok(OK),
        // The client went without `shutdown`.
        Ok(false) => Ok(VIOLATION),
        Err(SessionError::Data(error)) => Err(Stop::from(error)),
        Err(SessionError::Io(error)) => Err(Stop::from(error)),
    }
}
