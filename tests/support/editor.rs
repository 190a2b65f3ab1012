//! A scripted editor: speaks the language server protocol with `zonec lsp` over its standard input and output.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than any answer takes, also on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// An editor with a running server.
pub struct Editor {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    next: i64,
    /// Diagnostics by URI, as last published.
    pub shown: BTreeMap<String, Vec<Value>>,
    /// Number of publications by URI.
    pub published: BTreeMap<String, usize>,
    /// Other notifications and requests of the server.
    pub heard: Vec<Value>,
    answers: BTreeMap<i64, Value>,
    versions: BTreeMap<String, i64>,
}

/// The URI of a path.
pub fn uri(path: &Path) -> String {
    let mut out = String::from("file://");
    for byte in path.to_str().unwrap().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// The position of a byte, counted by hand: lines from 0, UTF-16 code units.
pub fn position(text: &str, byte: usize) -> Value {
    let before = &text[..byte];
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    json!({ "line": line, "character": before[start..].encode_utf16().count() })
}

/// The byte of a position.
pub fn byte(text: &str, position: &Value) -> usize {
    let line = position["line"].as_u64().unwrap() as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let mut units = position["character"].as_u64().unwrap() as usize;
    let mut at = start;
    for c in text[start..].chars() {
        if units == 0 {
            break;
        }
        units -= c.len_utf16();
        at += c.len_utf8();
    }
    at
}

/// A text with the edits of an answer.
pub fn edited(text: &str, edits: &[Value]) -> String {
    let mut ranges: Vec<(usize, usize, &str)> = edits
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (byte(text, &range["start"]), byte(text, &range["end"]), edit["newText"].as_str().unwrap())
        })
        .collect();
    ranges.sort_unstable();
    let mut out = String::new();
    let mut at = 0;
    for (start, end, new) in ranges {
        out += &text[at..start];
        out += new;
        at = end;
    }
    out + &text[at..]
}

impl Editor {
    /// Starts a server and does not greet it.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_zonec"))
            .arg("lsp")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = receive(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            messages,
            next: 0,
            shown: BTreeMap::new(),
            published: BTreeMap::new(),
            heard: Vec::new(),
            answers: BTreeMap::new(),
            versions: BTreeMap::new(),
        }
    }

    /// Starts a server as of the day of the examples, and greets it.
    pub fn greeted(arguments: &[&str]) -> Self {
        let mut editor = Self::start(&[&["--as-of", "2026-11-24"], arguments].concat());
        let watched = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
        let answer =
            editor.request("initialize", json!({ "processId": null, "rootUri": null, "capabilities": watched }));
        assert_eq!(answer.unwrap()["capabilities"]["textDocumentSync"]["change"], 2);
        editor.notify("initialized", json!({}));
        editor
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.write(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request and does not wait.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.next += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params }));
        self.next
    }

    /// The result of a request, or its error.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params);
        self.answer(id)
    }

    /// Waits for the answer to a request.
    pub fn answer(&mut self, id: i64) -> Result<Value, Value> {
        self.until(|editor| editor.answers.contains_key(&id));
        let mut answer = self.answers.remove(&id).unwrap();
        match answer.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(answer["result"].take()),
        }
    }

    /// Listens until something holds.
    pub fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            let left = end.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok(message) => self.take(message),
                Err(error) => panic!("{error}; shown {:#?}, heard {:#?}", self.shown, self.heard),
            }
        }
    }

    fn take(&mut self, message: Value) {
        if message["method"] == "textDocument/publishDiagnostics" {
            let uri = message["params"]["uri"].as_str().unwrap().to_owned();
            *self.published.entry(uri.clone()).or_default() += 1;
            self.shown.insert(uri, message["params"]["diagnostics"].as_array().unwrap().clone());
        } else if let (Some(id), None) = (message["id"].as_i64(), message.get("method")) {
            self.answers.insert(id, message);
        } else {
            self.heard.push(message);
        }
    }

    /// Opens a document.
    pub fn open(&mut self, path: &Path, text: &str) {
        let uri = uri(path);
        self.versions.insert(uri.clone(), 1);
        let item = json!({ "uri": uri, "languageId": "yaml", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
    }

    /// Changes a document: a range, or all of it.
    pub fn change(&mut self, path: &Path, range: Option<Value>, text: &str) {
        let uri = uri(path);
        let version = self.versions.entry(uri.clone()).or_default();
        *version += 1;
        let document = json!({ "uri": uri, "version": *version });
        let change = match range {
            Some(range) => json!({ "range": range, "text": text }),
            None => json!({ "text": text }),
        };
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
    }

    /// Closes a document.
    pub fn close(&mut self, path: &Path) {
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } }));
    }

    /// Waits until the worker has judged the state as it is. Code actions are answered after the diagnostics of their state.
    pub fn settle(&mut self, path: &Path) {
        let zero = json!({ "line": 0, "character": 0 });
        let range = json!({ "start": zero, "end": zero });
        let params = json!({ "textDocument": { "uri": uri(path) }, "range": range, "context": { "diagnostics": [] } });
        self.request("textDocument/codeAction", params).unwrap();
    }

    /// The diagnostics shown at a file now.
    pub fn at(&self, path: &Path) -> &[Value] {
        self.shown.get(&uri(path)).map(Vec::as_slice).unwrap_or_default()
    }

    /// A request about a place in a document.
    pub fn ask_at(&mut self, method: &str, path: &Path, text: &str, byte: usize, more: &Value) -> Result<Value, Value> {
        let mut params = json!({ "textDocument": { "uri": uri(path) }, "position": position(text, byte) });
        if let (Some(params), Some(more)) = (params.as_object_mut(), more.as_object()) {
            params.extend(more.clone());
        }
        self.request(method, params)
    }

    /// Ends the input, and gives the exit status.
    pub fn hang_up(mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.wait().unwrap().code()
    }

    /// Shuts the server down as the protocol wants, and gives the exit status.
    pub fn quit(mut self) -> Option<i32> {
        self.request("shutdown", Value::Null).unwrap();
        self.notify("exit", Value::Null);
        self.child.wait().unwrap().code()
    }
}

fn receive(output: &mut impl BufRead) -> Option<Value> {
    let mut size = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", bytes)) => size = bytes.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut bytes = vec![0; size];
    output.read_exact(&mut bytes).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap())
}
