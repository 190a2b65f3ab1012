//! The session: what comes in, what goes out, and the state between.

use super::analysis::{Found, Job, owner};
use super::diagnostics::diagnostics;
use super::document::Document;
use super::index::Index;
use super::language::Language;
use super::overlay::{Buffers, Disk};
use super::transport::Incoming;
use super::words::Words;
use super::{Settings, uri};
use crate::check::Checked;
use crate::data::{self, DataError};
use crate::model::Blueprint;
use crate::rules::Catalogue;
use lsp_server::{ErrorCode, Message, Notification, Request, Response};
use lsp_types::{Diagnostic, InitializeParams, PublishDiagnosticsParams, Uri};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};

/// What the session hears.
#[derive(Debug)]
pub enum Event {
    /// From the client.
    Incoming(Incoming),
    /// The client is gone.
    End,
    /// From the worker.
    Found(Found),
}

impl From<Found> for Event {
    fn from(found: Found) -> Self {
        Self::Found(found)
    }
}

/// A site with open documents.
#[derive(Debug)]
pub struct Site {
    /// Its names.
    pub index: Arc<Index>,
    /// Its newest state.
    pub newest: Option<Arc<Checked>>,
    /// Its last state that could be read.
    pub good: Option<Arc<Checked>>,
    /// What the client shows, by path.
    shown: BTreeMap<String, Vec<Diagnostic>>,
}

/// What a request waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Need {
    Nothing,
    Names,
    Findings,
}

/// Why a request has no answer.
pub type Refusal = (ErrorCode, String);

/// The session.
pub struct Session {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) settings: Settings,
    pub(super) language: Language,
    pub(super) words: Words,
    pub(super) blueprint: Blueprint,
    pub(super) catalogue: Catalogue,
    pub(super) documents: BTreeMap<String, Document>,
    pub(super) sites: BTreeMap<String, Site>,
    out: Sender<Message>,
    jobs: Sender<Job>,
    newest: Arc<AtomicU64>,
    state: u64,
    read: u64,
    judged: u64,
    waiting: Vec<(Need, u64, Request)>,
    is_open: bool,
    is_shut: bool,
    watches: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({} documents, {} sites)", self.documents.len(), self.sites.len())
    }
}

impl Session {
    /// A session that has not begun.
    ///
    /// # Errors
    /// [`DataError`] when the built-in data are faulty.
    pub fn new(
        disk: Arc<dyn Disk>,
        settings: Settings,
        out: Sender<Message>,
        jobs: Sender<Job>,
        newest: Arc<AtomicU64>,
    ) -> Result<Self, DataError> {
        let blueprint = data::blueprints().into_iter().next_back().unwrap_or_default();
        Ok(Self {
            disk,
            settings,
            language: Language::default(),
            words: Words::load(settings.lang)?,
            catalogue: Catalogue::load(&blueprint)?,
            blueprint: Blueprint::load(&blueprint)?,
            documents: BTreeMap::new(),
            sites: BTreeMap::new(),
            out,
            jobs,
            newest,
            state: 0,
            read: 0,
            judged: 0,
            waiting: Vec::new(),
            is_open: false,
            is_shut: false,
            watches: false,
        })
    }

    /// Serves until the client says `exit` or goes; says whether it had asked to shut down.
    pub fn run(mut self, events: &Receiver<Event>) -> bool {
        while let Ok(event) = events.recv() {
            match event {
                Event::End => break,
                Event::Incoming(Incoming::Broken(reason)) => self.log(&reason),
                Event::Incoming(Incoming::Message(Message::Notification(note))) if note.method == "exit" => break,
                Event::Incoming(Incoming::Message(message)) => self.message(message),
                Event::Found(found) => self.found(found),
            }
        }
        self.is_shut
    }

    fn send(&self, message: impl Into<Message>) {
        // Nobody reads any more: the session ends with the next event.
        let _ = self.out.send(message.into());
    }

    fn note(&self, method: &str, params: Value) {
        self.send(Notification { method: method.to_owned(), params });
    }

    fn log(&self, text: &str) {
        self.note("window/logMessage", json!({ "type": 1, "message": text }));
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Request(request) => self.request(request),
            Message::Notification(note) if self.is_open => self.notification(note),
            Message::Notification(_) | Message::Response(_) => {}
        }
    }

    fn answer(&self, id: lsp_server::RequestId, answer: Result<Value, Refusal>) {
        self.send(match answer {
            Ok(value) => Response { id, response_result: Ok(value) },
            Err((code, reason)) => Response::new_err(id, code as i32, reason),
        });
    }

    fn request(&mut self, request: Request) {
        let refuse = |code, text: &str| Err((code, text.to_owned()));
        let method = request.method.clone();
        let answer = match method.as_str() {
            _ if self.is_shut => refuse(ErrorCode::InvalidRequest, "the session is shut down"),
            "initialize" if self.is_open => refuse(ErrorCode::InvalidRequest, "the session is open already"),
            "initialize" => self.initialize(request.params),
            _ if !self.is_open => refuse(ErrorCode::ServerNotInitialized, "the session is not open yet"),
            "shutdown" => {
                self.is_shut = true;
                Ok(Value::Null)
            }
            _ => return self.schedule(request),
        };
        self.answer(request.id, answer);
    }

    fn initialize(&mut self, params: Value) -> Result<Value, Refusal> {
        let params: InitializeParams = read(params)?;
        let workspace = params.capabilities.workspace;
        let watched = workspace.and_then(|workspace| workspace.did_change_watched_files);
        self.watches = watched.and_then(|watched| watched.dynamic_registration).unwrap_or(false);
        self.is_open = true;
        Ok(json!({
            "serverInfo": { "name": "zonec", "version": env!("CARGO_PKG_VERSION") },
            "capabilities": super::capabilities(),
        }))
    }

    /// Answers a request now, or once the worker has caught up with what it is about.
    fn schedule(&mut self, request: Request) {
        let need = match request.method.as_str() {
            "textDocument/hover" if self.known(&request.params).is_some_and(|site| site.newest.is_some()) => {
                Need::Nothing
            }
            "textDocument/completion" if self.known(&request.params).is_some() => Need::Nothing,
            // A hover tells of the model: the first waits for it.
            "textDocument/codeAction" | "textDocument/rename" | "textDocument/hover" => Need::Findings,
            _ if super::METHODS.contains(&request.method.as_str()) => Need::Names,
            _ => Need::Nothing,
        };
        if self.has(need, self.state) {
            let answer = self.respond(&request.method, request.params);
            self.answer(request.id, answer);
        } else {
            self.waiting.push((need, self.state, request));
        }
    }

    fn has(&self, need: Need, state: u64) -> bool {
        match need {
            Need::Nothing => true,
            Need::Names => self.read >= state,
            Need::Findings => self.judged >= state,
        }
    }

    /// The site of the document that a request is about, when it has been read before.
    fn known(&self, params: &Value) -> Option<&Site> {
        let text = params.pointer("/textDocument/uri").and_then(Value::as_str)?;
        let uri: Uri = text.parse().ok()?;
        self.site_of(&uri::path(&uri)?)
    }

    fn resume(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let (ready, rest) = waiting.into_iter().partition(|(need, state, _)| self.has(*need, *state));
        self.waiting = rest;
        for (_, _, request) in ready {
            let answer = self.respond(&request.method, request.params);
            self.answer(request.id, answer);
        }
    }

    fn notification(&mut self, note: Notification) {
        let result = match note.method.as_str() {
            "initialized" => {
                self.watch();
                Ok(())
            }
            "textDocument/didOpen" => read(note.params).map(|params| self.opened(params)),
            "textDocument/didChange" => read(note.params).map(|params| self.changed(params)),
            "textDocument/didClose" => read(note.params).map(|params| self.closed(&params)),
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => {
                self.refresh(BTreeSet::new(), true);
                Ok(())
            }
            "$/cancelRequest" => {
                self.cancel(&note.params);
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err((_, reason)) = result {
            self.log(&format!("{}: {reason}", note.method));
        }
    }

    /// Asks to hear of files that change beside the editor.
    fn watch(&self) {
        if self.watches {
            let watcher = json!({ "globPattern": "**/*.{yaml,yml}" });
            let registration = json!({
                "id": "zonec-files",
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": { "watchers": [watcher] },
            });
            self.send(Request {
                id: "zonec-watch".to_owned().into(),
                method: "client/registerCapability".to_owned(),
                params: json!({ "registrations": [registration] }),
            });
        }
    }

    fn cancel(&mut self, params: &Value) {
        let id = params.get("id").cloned().and_then(|id| serde_json::from_value(id).ok());
        let place = self.waiting.iter().position(|(_, _, request)| Some(&request.id) == id.as_ref());
        if let Some((_, _, request)) = place.map(|place| self.waiting.remove(place)) {
            self.answer(request.id, Err((ErrorCode::RequestCanceled, "cancelled".to_owned())));
        }
    }

    fn opened(&mut self, params: lsp_types::DidOpenTextDocumentParams) {
        let opened = params.text_document;
        if let Some(path) = uri::path(&opened.uri) {
            self.documents.insert(path, Document::new(opened.uri, opened.version, opened.text));
            self.refresh(BTreeSet::new(), true);
        }
    }

    fn changed(&mut self, params: lsp_types::DidChangeTextDocumentParams) {
        let Some(path) = uri::path(&params.text_document.uri) else { return };
        if let Some(document) = self.documents.get_mut(&path) {
            document.change(params.text_document.version, params.content_changes);
            self.refresh(BTreeSet::from([path]), false);
        }
    }

    fn closed(&mut self, params: &lsp_types::DidCloseTextDocumentParams) {
        if uri::path(&params.text_document.uri).and_then(|path| self.documents.remove(&path)).is_some() {
            self.refresh(BTreeSet::new(), true);
        }
    }

    /// Texts of the open documents.
    pub(super) fn buffers(&self) -> Buffers {
        self.documents.iter().map(|(path, document)| (path.clone(), Arc::clone(&document.text))).collect()
    }

    fn refresh(&mut self, changed: BTreeSet<String>, is_all: bool) {
        self.state += 1;
        self.newest.store(self.state, Ordering::Relaxed);
        // The worker ends only with the session.
        let _ = self.jobs.send(Job { version: self.state, buffers: self.buffers(), changed, is_all });
    }

    /// The site a document belongs to.
    #[must_use]
    pub fn site_of(&self, path: &str) -> Option<&Site> {
        self.sites.get(&owner(path, self.sites.values().map(|site| &*site.index))?)
    }

    /// The URI by which the client knows a path.
    #[must_use]
    pub fn uri_of(&self, path: &str) -> Option<Uri> {
        self.documents.get(path).map(|document| document.uri.clone()).or_else(|| uri::uri(path))
    }

    fn found(&mut self, found: Found) {
        match found {
            Found::Whole(main) => {
                let newest = self.sites.get(&main).and_then(|site| site.newest.as_ref());
                if newest.is_some_and(|newest| newest.model.is_none()) {
                    // The faults are gone; rules take a moment longer.
                    self.show(&main, BTreeMap::new(), None);
                }
            }
            Found::Read(index) => {
                let main = index.main.clone();
                let fresh = Site { index: Arc::clone(&index), newest: None, good: None, shown: BTreeMap::new() };
                self.sites.entry(main).or_insert(fresh).index = index;
            }
            Found::AllRead(state) => {
                self.read = state;
                self.resume();
            }
            Found::Judged { main, state, checked } => {
                let all = diagnostics(&checked, &main, &self.words, &|path| self.uri_of(path));
                if let Some(site) = self.sites.get_mut(&main) {
                    if checked.model.is_some() {
                        site.good = Some(Arc::clone(&checked));
                    }
                    site.newest = Some(checked);
                    self.show(&main, all, (state == self.state).then_some(()));
                }
            }
            Found::AllJudged(state) => {
                self.judged = state;
                self.resume();
            }
            Found::Gone(main) => {
                self.show(&main, BTreeMap::new(), None);
                self.sites.remove(&main);
            }
            Found::Failed(reason) => self.log(&reason),
        }
    }

    /// Shows the diagnostics of a site, and clears those that are gone. A version is named only when the documents are still those
    /// that were judged.
    fn show(&mut self, main: &str, mut all: BTreeMap<String, Vec<Diagnostic>>, is_newest: Option<()>) {
        let Some(site) = self.sites.get_mut(main) else { return };
        let before = std::mem::take(&mut site.shown);
        for path in before.keys() {
            all.entry(path.clone()).or_default();
        }
        for (path, diagnostics) in &all {
            let document = self.documents.get(path);
            let was = before.get(path).map_or(&[][..], Vec::as_slice);
            if document.is_none() && was == diagnostics.as_slice() {
                continue;
            }
            let version = is_newest.and(document).map(|document| document.version);
            if let Some(uri) = self.uri_of(path) {
                let params = PublishDiagnosticsParams { uri, diagnostics: diagnostics.clone(), version };
                self.note("textDocument/publishDiagnostics", json!(params));
            }
        }
        if let Some(site) = self.sites.get_mut(main) {
            site.shown = all.into_iter().filter(|(_, diagnostics)| !diagnostics.is_empty()).collect();
        }
    }
}

/// The parameters of a message.
///
/// # Errors
/// What is wrong with them.
pub fn read<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params).map_err(|error| (ErrorCode::InvalidParams, error.to_string()))
}
