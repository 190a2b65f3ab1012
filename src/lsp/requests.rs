//! The questions of the client, one function each.

use super::action::actions;
use super::completion::Completer;
use super::document::{Document, edited};
use super::hover::{Hovered, qualified};
use super::index::{Index, Occurrence, Target};
use super::overlay::Overlay;
use super::place::{Slot, place};
use super::rename::{Edits, Renamer, is_alike};
use super::server::{Refusal, Session, Site, read};
use super::uri;
use crate::check::check;
use crate::syntax::mention::{NameKind, Role};
use lsp_server::ErrorCode;
use lsp_types as lsp;
use serde_json::{Value, json};

impl Session {
    /// The answer to a request of [`super::METHODS`]; others are unknown.
    pub(super) fn respond(&mut self, method: &str, params: Value) -> Result<Value, Refusal> {
        match method {
            "textDocument/hover" => self.hover(&read(params)?),
            "textDocument/completion" => self.completion(&read(params)?),
            "textDocument/definition" => self.definition(&read(params)?),
            "textDocument/references" => self.references(&read(params)?),
            "textDocument/prepareRename" => self.prepare_rename(&read(params)?),
            "textDocument/rename" => self.rename(&read(params)?),
            "textDocument/codeAction" => self.code_action(&read(params)?),
            "textDocument/documentSymbol" => self.symbols(&read(params)?),
            _ => Err((ErrorCode::MethodNotFound, format!("no method `{method}`"))),
        }
    }

    /// The document and site of a request; `None` for documents of no site, which say nothing.
    fn document(&self, uri: &lsp::Uri) -> Option<(String, &Document, &Site)> {
        let path = uri::path(uri)?;
        let document = self.documents.get(&path)?;
        let site = self.site_of(&path)?;
        Some((path, document, site))
    }

    fn hover(&self, params: &lsp::HoverParams) -> Result<Value, Refusal> {
        let at = &params.text_document_position_params;
        Ok(self.hovered(at).map_or(Value::Null, |hover| json!(hover)))
    }

    fn hovered(&self, at: &lsp::TextDocumentPositionParams) -> Option<lsp::Hover> {
        let (_, document, site) = self.document(&at.text_document.uri)?;
        let cursor = document.lines.byte(&document.text, at.position);
        let found = place(&document.text, cursor)?;
        let word = document.text.get(found.word.clone())?;
        let hovered = Hovered {
            language: &self.language,
            words: &self.words,
            index: &site.index,
            good: site.good.as_deref(),
            checked: site.newest.as_deref(),
        };
        let value = hovered.page(&found, word, cursor.saturating_sub(found.word.start))?;
        let contents = lsp::HoverContents::Markup(lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value });
        Some(lsp::Hover { contents, range: Some(document.lines.range(&document.text, found.word)) })
    }

    fn completion(&self, params: &lsp::CompletionParams) -> Result<Value, Refusal> {
        Ok(self.proposals(&params.text_document_position).map_or(Value::Null, |list| json!(list)))
    }

    fn proposals(&self, at: &lsp::TextDocumentPositionParams) -> Option<lsp::CompletionList> {
        let (_, document, site) = self.document(&at.text_document.uri)?;
        let text = &document.text;
        let cursor = document.lines.byte(text, at.position);
        let found = place(text, cursor)?;
        let typed = text.get(found.word.start..cursor).unwrap_or("");
        let checked = site.good.as_deref().or(site.newest.as_deref());
        let completer = Completer {
            language: &self.language,
            words: &self.words,
            index: Some(&site.index),
            checked,
            blueprint: &self.blueprint,
            catalogue: &self.catalogue,
        };
        let mut list = completer.complete(&found, typed, document.lines.range(text, found.word.clone()));
        let has_colon = text.get(found.word.end..).is_some_and(|rest| rest.starts_with(':'));
        let after_colon = text.get(..found.word.start).is_some_and(|before| before.ends_with(':'));
        for item in &mut list.items {
            let Some(lsp::CompletionTextEdit::Edit(edit)) = &mut item.text_edit else { continue };
            if has_colon && found.slot == Slot::Key {
                edit.new_text = edit.new_text.trim_end().trim_end_matches(':').to_owned();
            } else if after_colon {
                edit.new_text.insert(0, ' ');
            }
        }
        Some(list)
    }

    /// The name at a position and what it does there: by the index where the file stands in it as it is, else by the text.
    fn name_at(&self, at: &lsp::TextDocumentPositionParams) -> Option<(&Site, String, Role)> {
        let (path, document, site) = self.document(&at.text_document.uri)?;
        let file = site.index.files.get(&path)?;
        if file.is_fresh {
            let found = file.at(at.position)?;
            return Some((site, found.name.clone(), found.role));
        }
        let cursor = document.lines.byte(&document.text, at.position);
        let found = place(&document.text, cursor)?;
        let word = document.text.get(found.word.clone())?;
        let role = match found.slot {
            Slot::Value => self.language.names.value(&found.path)?,
            Slot::Key => {
                let own = [&*found.path, &[word.to_owned()]].concat();
                self.language.names.key(&own).or_else(|| self.language.names.value(&found.path))?
            }
        };
        match word.split_once('/') {
            Some((cluster, _)) if cursor <= found.word.start + cluster.len() => {
                Some((site, cluster.to_owned(), Role::Refers(&[NameKind::Cluster])))
            }
            Some(_) => Some((site, word.to_owned(), Role::Refers(&[NameKind::Namespace]))),
            None => Some((site, qualified(&found.path, word), role)),
        }
    }

    fn definition(&self, params: &lsp::GotoDefinitionParams) -> Result<Value, Refusal> {
        let Some((site, name, role)) = self.name_at(&params.text_document_position_params) else {
            return Ok(Value::Null);
        };
        let targets = site.index.targets(&name, role);
        let mut found: Vec<lsp::Location> = Vec::new();
        for target in &targets {
            found.extend(site.index.definitions(target).filter_map(|place| self.location(place)));
            if target.kind == NameKind::Host {
                // A chassis is named where it is used: first there.
                found.extend(site.index.occurrences(target).first().and_then(|place| self.location(*place)));
            }
        }
        Ok(json!(found))
    }

    fn location(&self, (path, item): (&str, &Occurrence)) -> Option<lsp::Location> {
        Some(lsp::Location { uri: self.uri_of(path)?, range: item.range })
    }

    fn references(&self, params: &lsp::ReferenceParams) -> Result<Value, Refusal> {
        let Some((site, name, role)) = self.name_at(&params.text_document_position) else { return Ok(Value::Null) };
        let with_definition = params.context.include_declaration;
        let of = |target: &Target| {
            let all = site.index.occurrences(target).into_iter();
            all.filter(|(_, item)| with_definition || matches!(item.role, Role::Refers(_)))
                .filter_map(|place| self.location(place))
                .collect::<Vec<_>>()
        };
        let mut found: Vec<lsp::Location> = site.index.targets(&name, role).iter().flat_map(of).collect();
        found.dedup();
        Ok(json!(found))
    }

    fn renamer<'a>(&'a self, index: &'a Index) -> Renamer<'a> {
        Renamer { index, words: &self.words, blueprint: &self.blueprint, catalogue: &self.catalogue }
    }

    /// The occurrence to rename at a position.
    fn renamed(&self, at: &lsp::TextDocumentPositionParams) -> Result<(&Site, &Occurrence), Refusal> {
        let nothing = || failed(self.words.get("rename-nothing").to_owned());
        let (path, _, site) = self.document(&at.text_document.uri).ok_or_else(nothing)?;
        let file = site.index.files.get(&path).ok_or_else(nothing)?;
        if !file.is_fresh {
            return Err(failed(self.words.fill("rename-unread", &[("file", path)])));
        }
        Ok((site, file.at(at.position).ok_or_else(nothing)?))
    }

    fn prepare_rename(&self, params: &lsp::TextDocumentPositionParams) -> Result<Value, Refusal> {
        let (site, found) = self.renamed(params)?;
        let (range, placeholder) = self.renamer(&site.index).prepare(found).map_err(failed)?;
        Ok(json!({ "range": range, "placeholder": placeholder }))
    }

    fn rename(&self, params: &lsp::RenameParams) -> Result<Value, Refusal> {
        let (site, found) = self.renamed(&params.text_document_position)?;
        let edits = self.renamer(&site.index).rename(found, &params.new_name).map_err(failed)?;
        self.prove(site, &edits)?;
        let mut changes = serde_json::Map::new();
        for (path, edits) in edits {
            if let Some(uri) = self.uri_of(&path) {
                changes.insert(uri.as_str().to_owned(), json!(edits));
            }
        }
        Ok(json!({ "changes": changes }))
    }

    /// Checks the site as it would be, so that a rename never changes what it says.
    fn prove(&self, site: &Site, edits: &Edits) -> Result<(), Refusal> {
        let Some(before) = &site.newest else { return Ok(()) };
        let root = uri::folder(&site.index.main);
        let mut buffers = self.buffers();
        for (_, source) in before.sources.files() {
            let path = format!("{root}/{}", source.name);
            if let Some(edits) = edits.get(&path) {
                let text = buffers.get(&path).map_or(source.text.as_str(), |text| text);
                let text = edited(text, edits);
                buffers.insert(path, text.into());
            }
        }
        let internal = |reason: String| (ErrorCode::InternalError, reason);
        let overlay = Overlay::open(&*self.disk, &site.index.main, &buffers).map_err(internal)?;
        let after = check(&overlay, self.settings.strict).map_err(|error| internal(error.to_string()))?;
        if is_alike(before, &after) { Ok(()) } else { Err(failed(self.words.get("rename-changes").to_owned())) }
    }

    fn code_action(&self, params: &lsp::CodeActionParams) -> Result<Value, Refusal> {
        let Some((path, _, site)) = self.document(&params.text_document.uri) else { return Ok(Value::Null) };
        let Some(checked) = &site.newest else { return Ok(json!([])) };
        let found = actions(checked, &site.index.main, &path, params.range, &self.words, &|path| self.uri_of(path));
        Ok(json!(found))
    }

    /// What a file defines, in the order written.
    fn symbols(&self, params: &lsp::DocumentSymbolParams) -> Result<Value, Refusal> {
        let Some((path, _, site)) = self.document(&params.text_document.uri) else { return Ok(Value::Null) };
        let occurrences = site.index.files.get(&path).map(|file| file.occurrences.as_slice()).unwrap_or_default();
        let symbol = |item: &Occurrence| match item.role {
            Role::Defines(kind) => Some(json!({
                "name": item.name,
                "detail": self.words.kind(kind, &self.catalogue),
                "kind": symbol_kind(kind),
                "range": item.range,
                "selectionRange": item.range,
            })),
            Role::Refers(_) => None,
        };
        Ok(occurrences.iter().filter_map(symbol).collect())
    }
}

fn failed(reason: String) -> Refusal {
    (ErrorCode::RequestFailed, reason)
}

const fn symbol_kind(kind: NameKind) -> lsp::SymbolKind {
    match kind {
        NameKind::Network | NameKind::Zone | NameKind::Segment => lsp::SymbolKind::NAMESPACE,
        NameKind::Gateway | NameKind::Cluster | NameKind::Namespace | NameKind::Platform => lsp::SymbolKind::MODULE,
        NameKind::Component | NameKind::Replica | NameKind::Host => lsp::SymbolKind::OBJECT,
        NameKind::Group => lsp::SymbolKind::ARRAY,
        NameKind::Flow | NameKind::Uplink => lsp::SymbolKind::FUNCTION,
        NameKind::Service | NameKind::CatalogueService => lsp::SymbolKind::INTERFACE,
        _ => lsp::SymbolKind::PROPERTY,
    }
}
