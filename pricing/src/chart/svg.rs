//! A small writer of SVG.

use std::fmt::{Display, Write as _};

use super::Caption;

/// Width of every chart, in its own units; it is shown as wide as its place.
pub(super) const WIDTH: i64 = 720;

/// Widths of a character of 13 units: about half for those of ASCII, whole for all others.
const NARROW: i64 = 7;
const WIDE: i64 = 13;

/// A picture that is being drawn.
pub(super) struct Svg(String);

/// Where a text begins, lies or ends at its place.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

const NO_IO: &str = "writing to a String cannot fail";

impl Svg {
    /// A picture `height` high that says `description` to those who do not see it.
    pub(super) fn new(caption: &Caption<'_>, height: i64, description: &str) -> Self {
        let id = caption.id;
        debug_assert!(
            id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "{id} names a picture"
        );
        let mut svg = Self(String::new());
        svg.raw(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-desc\" font-family=\"system-ui, 'Noto Sans CJK SC', 'Microsoft YaHei', \
             sans-serif\" font-size=\"13\" fill=\"currentColor\"><title id=\"{id}-title\">"
        ));
        svg.escaped(caption.title);
        svg.raw(format_args!("</title><desc id=\"{id}-desc\">"));
        svg.escaped(description);
        svg.raw(format_args!("</desc>\n"));
        svg.bold(0, 18, caption.title);
        svg
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }

    /// A line; `look` adds attributes.
    pub(super) fn line(&mut self, from: (i64, i64), to: (i64, i64), colour: &str, look: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.raw(format_args!(
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{colour}\" {look}/>\n"
        ));
    }

    /// A filled rectangle, with what it means to a pointer that rests on it.
    pub(super) fn rect(&mut self, at: (i64, i64), size: (i64, i64), look: &str, meaning: &str) {
        let ((x, y), (width, height)) = (at, size);
        self.raw(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" {look}><title>"
        ));
        self.escaped(meaning);
        self.raw(format_args!("</title></rect>\n"));
    }

    /// A dot, with its meaning.
    pub(super) fn dot(&mut self, (x, y): (i64, i64), look: &str, meaning: &str) {
        self.raw(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" {look}><title>"));
        self.escaped(meaning);
        self.raw(format_args!("</title></circle>\n"));
    }

    /// A line or an area through points.
    pub(super) fn path(&mut self, points: &[(i64, i64)], end: &str, look: &str) {
        self.0.push_str("<path d=\"");
        for (index, (x, y)) in points.iter().enumerate() {
            self.raw(format_args!("{}{x} {y}", if index == 0 { 'M' } else { 'L' }));
        }
        self.raw(format_args!("{end}\" {look}/>\n"));
    }

    pub(super) fn text(&mut self, at: (i64, i64), anchor: Anchor, look: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y) = at;
        self.raw(format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" {look}>"));
        self.escaped(text);
        self.raw(format_args!("</text>\n"));
    }

    fn bold(&mut self, x: i64, y: i64, text: &str) {
        self.text((x, y), Anchor::Start, "font-size=\"16\" font-weight=\"600\"", text);
    }

    fn raw(&mut self, text: impl Display) {
        write!(self.0, "{text}").expect(NO_IO);
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                _ => self.0.push(character),
            }
        }
    }
}

/// About how wide a text is.
pub(super) fn width(text: &str) -> i64 {
    text.chars().map(|character| if character.is_ascii() { NARROW } else { WIDE }).sum()
}

/// The text, or as much of it as fits with `…` behind.
pub(super) fn fitted(text: &str, space: i64) -> String {
    if width(text) <= space {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        kept.push(character);
        if width(&kept) + WIDE > space {
            kept.pop();
            break;
        }
    }
    kept + "…"
}
