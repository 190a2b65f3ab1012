//! The picture as PNG, by resvg with the embedded Liberation Sans: nothing of the machine's fonts, the same bytes
//! everywhere. Always light: the rasteriser skips the dark theme.

use super::FONTS;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};
use std::sync::Arc;

/// Pixels of the picture up to which it is drawn at twice its size; beyond, at its own; beyond that, smaller.
const SHARP: f32 = 12_000_000.0;

/// Draws a picture.
///
/// # Errors
/// A picture that resvg does not take, which the tests of the examples exclude.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let mut fonts = fontdb::Database::new();
    for font in FONTS {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family("Liberation Sans");
    // The digest: the picture gives its length, so a proportional face stands in the same place.
    fonts.set_monospace_family("Liberation Sans");
    let options = Options { fontdb: Arc::new(fonts), font_family: "Liberation Sans".to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size();
    let area = (size.width() * size.height()).max(1.0);
    let scale = (SHARP / area).sqrt().min(2.0);
    let scaled = size.to_int_size().scale_by(scale).ok_or("the picture has no size")?;
    let mut pixmap = Pixmap::new(scaled.width(), scaled.height()).ok_or("the picture is too large")?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| error.to_string())
}
