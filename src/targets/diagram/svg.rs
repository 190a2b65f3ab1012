//! The SVG writer: the only place where characters become markup.

use std::fmt::Display;

use super::metrics::Metrics;

/// Escapes a value for text and attributes. Control characters, which XML 1.0 forbids, become U+FFFD.
pub fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// Tenths as a decimal number without a needless fraction.
pub fn tenths(value: i32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, part) = (value.abs() / 10, value.abs() % 10);
    if part == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// Size, weight and colour of a text.
#[derive(Debug, Clone, Copy)]
pub struct Font {
    /// Size in tenths of a pixel.
    pub size: i32,
    /// Bold.
    pub bold: bool,
    /// Class suffix: `ink`, `mute`, `onbar`, `onfill`.
    pub class: &'static str,
    /// Colour of the light theme.
    pub colour: &'static str,
}

/// A document under construction.
#[derive(Debug)]
pub struct Svg<'m> {
    out: String,
    open: Vec<&'static str>,
    metrics: &'m Metrics,
}

/// An element whose attributes are being written.
#[derive(Debug)]
pub struct Element<'s, 'm> {
    svg: &'s mut Svg<'m>,
    tag: &'static str,
}

impl<'m> Svg<'m> {
    /// An empty document.
    pub fn new(metrics: &'m Metrics) -> Self {
        Self { out: String::new(), open: Vec::new(), metrics }
    }

    /// Starts an element.
    pub fn element<'s>(&'s mut self, tag: &'static str) -> Element<'s, 'm> {
        self.out.push('<');
        self.out.push_str(tag);
        Element { svg: self, tag }
    }

    /// Closes the innermost open element.
    pub fn close(&mut self) {
        if let Some(tag) = self.open.pop() {
            self.out.push_str(&format!("</{tag}>\n"));
        }
    }

    /// A text with its measured length, so that any fallback font fits. `x` and `y` in tenths.
    pub fn text(&mut self, x: i32, y: i32, font: Font, middle: bool, text: &str) {
        self.text_turned(x, y, font, middle, None, text);
    }

    /// A text that reads upwards around its own anchor when `turned` is set.
    pub fn text_turned(&mut self, x: i32, y: i32, font: Font, middle: bool, turned: Option<()>, text: &str) {
        if text.is_empty() {
            return;
        }
        let length = self.metrics.tenths(text, font.size, font.bold);
        let mut e = self.element("text").a("class", format!("zd-t-{}", font.class));
        e = e.a("x", tenths(x)).a("y", tenths(y)).a("font-size", tenths(font.size));
        if font.bold {
            e = e.a("font-weight", 700);
        }
        if middle {
            e = e.a("text-anchor", "middle");
        }
        if turned.is_some() {
            e = e.a("transform", format!("rotate(-90 {} {})", tenths(x), tenths(y)));
        }
        e.a("fill", font.colour).a("textLength", tenths(length)).a("lengthAdjust", "spacingAndGlyphs").body(text);
    }

    /// The finished document.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }
}

impl Element<'_, '_> {
    /// An attribute.
    pub fn a(self, name: &'static str, value: impl Display) -> Self {
        self.svg.out.push_str(&format!(" {name}=\"{}\"", escape(&value.to_string())));
        self
    }

    /// Ends an element without content.
    pub fn end(self) {
        self.svg.out.push_str("/>\n");
    }

    /// Ends an element with text content.
    pub fn body(self, text: &str) {
        self.svg.out.push_str(&format!(">{}</{}>\n", escape(text), self.tag));
    }

    /// Ends a style element; the text is our own constant and must not be escaped, or selectors would break.
    pub fn body_raw_css(self, css: &str) {
        self.svg.out.push_str(&format!(">{css}</{}>\n", self.tag));
    }

    /// Leaves the element open for children.
    pub fn open(self) {
        self.svg.out.push_str(">\n");
        self.svg.open.push(self.tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_cannot_be_smuggled_in() {
        let metrics = Metrics::default();
        let mut svg = Svg::new(&metrics);
        svg.element("g").a("id", "a\"><script>").open();
        svg.element("title").body("</title>&\u{1b}");
        assert_eq!(
            svg.finish(),
            "<g id=\"a&quot;&gt;&lt;script&gt;\">\n<title>&lt;/title&gt;&amp;\u{FFFD}</title>\n</g>\n"
        );
    }

    #[test]
    fn tenths_print_shortest() {
        assert_eq!([tenths(120), tenths(115), tenths(-5)], ["12", "11.5", "-0.5"]);
    }
}
