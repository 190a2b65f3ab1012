//! Messages in and out (LSP 3.17, "Base Protocol"). What is no message is told and skipped: a slip of the client does not
//! end the session.

use lsp_server::Message;
use std::io::{BufRead, Read, Result};

/// Bytes of one message. A site is at most 64 MiB per file; JSON may double that.
const LIMIT: usize = 256 << 20;

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Message),
    /// Bytes that are no message, and why.
    Broken(String),
}

/// Reads the next message; `None` at the end of the input.
///
/// # Errors
/// Those of the input.
pub fn read(input: &mut dyn BufRead) -> Result<Option<Incoming>> {
    let mut size = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        // A header line is short; without a bound, a stream without line breaks would fill the memory.
        if input.take(8192).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        match (text.is_empty(), size) {
            (true, Some(size)) if size <= LIMIT => return body(input, size).map(Some),
            (true, Some(size)) => {
                std::io::copy(&mut input.take(size as u64), &mut std::io::sink())?;
                return Ok(Some(Incoming::Broken(format!("a message of {size} bytes is too large"))));
            }
            // Empty lines between messages, or after a header that was no header.
            (true, None) => {}
            (false, _) => match text.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    let Ok(bytes) = value.trim().parse() else { return broken("the length of a message", text) };
                    size = Some(bytes);
                }
                Some((name, _)) if name.eq_ignore_ascii_case("content-type") => {}
                _ => return broken("a header", text),
            },
        }
    }
}

fn broken(what: &str, text: &str) -> Result<Option<Incoming>> {
    let start: String = text.chars().take(60).collect();
    Ok(Some(Incoming::Broken(format!("`{start}` is not {what}"))))
}

fn body(input: &mut dyn BufRead, size: usize) -> Result<Incoming> {
    let mut bytes = Vec::new();
    let got = input.take(size as u64).read_to_end(&mut bytes)?;
    if got < size {
        return Ok(Incoming::Broken("a message ends too early".to_owned()));
    }
    Ok(match serde_json::from_slice(&bytes) {
        Ok(message) => Incoming::Message(message),
        Err(error) => Incoming::Broken(format!("a message is no JSON-RPC: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        while let Ok(Some(incoming)) = read(&mut bytes) {
            found.push(match incoming {
                Incoming::Message(Message::Notification(note)) => note.method,
                Incoming::Message(_) => "message".to_owned(),
                Incoming::Broken(_) => "broken".to_owned(),
            });
        }
        found
    }

    #[test]
    fn what_is_no_message_is_skipped() {
        let good = "Content-Length: 33\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"exit\"}";
        assert_eq!(all(good.as_bytes()), ["exit"]);
        assert_eq!(all(format!("Content-Length: 3\r\n\r\n{{x}}{good}").as_bytes()), ["broken", "exit"]);
        assert_eq!(all(format!("Content-Length: x\r\n\r\n{good}").as_bytes()), ["broken", "exit"]);
        assert_eq!(all(format!("rubbish\r\n\r\n{good}").as_bytes()), ["broken", "exit"]);
        assert_eq!(all(format!("CONTENT-LENGTH:2\r\nContent-Type: x\r\n\r\n[]{good}").as_bytes()), ["broken", "exit"]);
        assert_eq!(all(b"Content-Length: 99\r\n\r\n{}"), ["broken"]);
    }
}
