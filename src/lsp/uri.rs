//! `file:` URIs ↔ paths (RFC 8089). Paths are absolute, with `/`, as the client names them: nothing is resolved.

use lsp_types::Uri;
use std::str::FromStr;

/// The path of a `file:` URI; `None` for other schemes and for what is not UTF-8.
#[must_use]
pub fn path(uri: &Uri) -> Option<String> {
    let rest = uri.as_str().strip_prefix("file://")?;
    // `file://localhost/…` is allowed; another host is not ours.
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let path = decoded(rest)?;
    // On Windows the drive stands behind a slash: `/c:/zones`.
    let drive = path.as_bytes().get(2) == Some(&b':') && path.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic);
    let path = if cfg!(windows) && drive { path.get(1..)?.to_owned() } else { path };
    (path.starts_with('/') || cfg!(windows)).then_some(path)
}

/// The URI of a path.
#[must_use]
pub fn uri(path: &str) -> Option<Uri> {
    let mut text = String::from(if path.starts_with('/') { "file://" } else { "file:///" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    Uri::from_str(&text).ok()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The folder of a path, without its last `/`; empty for the root.
#[must_use]
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back() {
        for name in ["/srv/zonen/site.yaml", "/srv/Größe der Zonen/a#b%c?.yaml"] {
            assert_eq!(uri(name).and_then(|uri| path(&uri)).as_deref(), Some(name));
        }
        let of = |text: &str| Uri::from_str(text).ok().and_then(|uri| path(&uri));
        assert_eq!(of("file:///c%3A/zonen/site.yaml").as_deref(), Some("/c:/zonen/site.yaml"));
        assert_eq!(of("file://localhost/a").as_deref(), Some("/a"));
        assert_eq!(of("untitled:Untitled-1"), None);
        assert_eq!(of("file:///a%FFb"), None);
        assert_eq!(of("file:///a%2"), None);
    }
}
