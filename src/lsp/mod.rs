//! The language server (LSP 3.17): what `zonec check` says, while a site is being written; hover, definitions, references,
//! completion, rename, repairs.
//!
//! Two threads beside those that read and write: the session ([`server`]) keeps the documents and answers; the worker
//! ([`analysis`]) reads and judges, on the main thread, whose heap is the quickest. Questions about what stands at the cursor are answered at once, from the text as it is and the
//! last state of the site that could be read; those that need every name or finding wait for the worker.

mod action;
mod analysis;
mod completion;
mod diagnostics;
mod document;
mod hover;
mod index;
mod language;
mod overlay;
mod page;
mod place;
mod position;
mod rename;
mod requests;
mod server;
mod things;
mod transport;
mod uri;
mod words;

pub use overlay::{Buffers, Disk, Overlay};

use crate::data::DataError;
use crate::i18n::Lang;
use analysis::Worker;
use lsp_server::Message;
use serde_json::{Value, json};
use server::{Event, Session};
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

/// How the server speaks and judges.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Language of texts.
    pub lang: Lang,
    /// Counts a SOLLTE without justification as an error.
    pub strict: bool,
}

/// Why a session could not be held.
#[derive(Debug)]
pub enum SessionError {
    /// The built-in data are faulty, which the tests of the project exclude.
    Data(DataError),
    /// The output, or a thread that could not be started.
    Io(std::io::Error),
}

impl std::fmt::Display for SessionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SessionError {}

impl From<std::io::Error> for SessionError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Requests about documents.
const METHODS: [&str; 8] = [
    "textDocument/hover",
    "textDocument/completion",
    "textDocument/definition",
    "textDocument/references",
    "textDocument/prepareRename",
    "textDocument/rename",
    "textDocument/codeAction",
    "textDocument/documentSymbol",
];

/// What the server can do.
fn capabilities() -> Value {
    json!({
        "positionEncoding": "utf-16",
        "textDocumentSync": { "openClose": true, "change": 2, "save": {} },
        "hoverProvider": true,
        "completionProvider": { "triggerCharacters": [":", " ", "[", "{", ",", "/", "-"] },
        "definitionProvider": true,
        "referencesProvider": true,
        "renameProvider": { "prepareProvider": true },
        "codeActionProvider": { "codeActionKinds": ["quickfix"] },
        "documentSymbolProvider": true,
    })
}

/// Holds a session: reads messages, writes messages, until the client says `exit` or goes. Says whether the client had asked to
/// shut down before, as the protocol wants.
///
/// # Errors
/// Any [`SessionError`].
pub fn serve(
    mut input: impl BufRead + Send + 'static,
    mut output: impl Write + Send + 'static,
    disk: Arc<dyn Disk>,
    settings: Settings,
) -> Result<bool, SessionError> {
    let (events, heard) = mpsc::channel::<Event>();
    let (jobs, work) = mpsc::channel();
    let (out, said) = mpsc::channel::<Message>();
    let newest = Arc::new(AtomicU64::new(0));
    let session =
        Session::new(Arc::clone(&disk), settings, out, jobs, Arc::clone(&newest)).map_err(SessionError::Data)?;
    let worker = Worker::new(disk, settings.strict, Arc::clone(&newest));
    let (found, unwritten) = (events.clone(), events.clone());
    spawn("zonec-reader", move || {
        // An input that cannot be read any more is at its end.
        while let Ok(Some(incoming)) = transport::read(&mut input) {
            if events.send(Event::Incoming(incoming)).is_err() {
                return;
            }
        }
        let _ = events.send(Event::End);
    })?;
    let (end, ended) = mpsc::channel();
    spawn("zonec-session", move || {
        let is_shut = session.run(&heard);
        // What the worker still does is for nobody.
        newest.store(u64::MAX, Ordering::Relaxed);
        let _ = end.send(is_shut);
    })?;
    let (written, all_written) = mpsc::channel();
    spawn("zonec-writer", move || {
        let result = said.iter().try_for_each(|message| message.write(&mut output));
        // Without an output there is no session.
        let _ = unwritten.send(Event::End);
        let _ = written.send(result);
    })?;
    worker.run(&work, &found);
    if let Ok(result) = all_written.recv() {
        result?;
    }
    Ok(ended.recv().unwrap_or(false))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    // Deep sites recurse: room as on the main thread.
    std::thread::Builder::new().name(name.to_owned()).stack_size(8 << 20).spawn(work).map(drop)
}
