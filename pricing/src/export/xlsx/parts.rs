//! The parts of a workbook that are not its cells.

use std::fmt::Write as _;

use super::super::columns::{Column, Kind, Layout};

/// A cell's style; its number is its place among the `cellXfs` of [`STYLES`].
#[derive(Clone, Copy)]
pub(super) enum Style {
    Text,
    Heading,
    Count,
    MicroYuan,
    Fen,
    Ratio,
    Day,
}

impl Style {
    pub(super) const fn number(self) -> &'static str {
        match self {
            Self::Text => "0",
            Self::Heading => "1",
            Self::Count => "2",
            Self::MicroYuan => "3",
            Self::Fen => "4",
            Self::Ratio => "5",
            Self::Day => "6",
        }
    }

    pub(super) const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Text | Kind::Id | Kind::Instant => Self::Text,
            Kind::Count => Self::Count,
            Kind::MicroYuan => Self::MicroYuan,
            Kind::Fen => Self::Fen,
            Kind::Ratio => Self::Ratio,
            Kind::Day => Self::Day,
        }
    }
}

/// Number formats of the kinds. 49 is text, 3 whole numbers and 4 two decimals, each with thousands.
const STYLES: &str = r##"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="3"><numFmt numFmtId="164" formatCode="#,##0.00####"/><numFmt numFmtId="165" formatCode="0.00####"/><numFmt numFmtId="166" formatCode="yyyy\-mm\-dd"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font><font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts><fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid"><fgColor rgb="FFE7EEF3"/><bgColor indexed="64"/></patternFill></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="7"><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="1" fillId="2" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1"/><xf numFmtId="3" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="166" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"##;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// A sheet until its columns: the heading stays in sight.
pub(super) const SHEET_HEAD: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">"#,
    r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>"#,
);

/// The sheet of the control totals until its rows.
pub(super) const TOTALS_HEAD: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">"#,
    r#"<cols><col min="1" max="1" width="24" customWidth="1"/><col min="2" max="2" width="70" customWidth="1"/></cols>"#,
    "<sheetData>",
);

pub(super) const SHEET_TAIL: &str = "</sheetData></worksheet>";

pub(super) fn sheet_path(number: u32) -> String {
    format!("xl/worksheets/sheet{number}.xml")
}

/// Widths of the columns in characters, by what they hold.
pub(super) fn push_widths(xml: &mut String, columns: &[Column]) {
    xml.push_str("<cols>");
    for (index, column) in columns.iter().enumerate() {
        let width = match column.kind {
            Kind::Text | Kind::Id => 22,
            Kind::Instant => 34,
            Kind::Count | Kind::Ratio | Kind::Day => 12,
            Kind::MicroYuan | Kind::Fen => 16,
        };
        let number = index + 1;
        write!(xml, "<col min=\"{number}\" max=\"{number}\" width=\"{width}\" customWidth=\"1\"/>")
            .expect("writing to a String cannot fail");
    }
    xml.push_str("</cols>");
}

/// The parts that are written last: by then the number of `sheets` of rows is known; one of totals follows them.
pub(super) fn fixed(layout: &Layout, sheets: u32) -> [(&'static str, String); 5] {
    let (mut types, mut list, mut links) = (String::new(), String::new(), String::new());
    for number in 1..=sheets + 1 {
        let name = match number {
            _ if number > sheets => "totals 合计".to_owned(),
            1 => layout.set.to_owned(),
            _ => format!("{} {number}", layout.set),
        };
        types.extend([
            "<Override PartName=\"/",
            &sheet_path(number),
            "\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>",
        ]);
        list.push_str(&format!("<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>"));
        links.push_str(&format!(
            "<Relationship Id=\"rId{number}\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>"
        ));
    }
    let styles = sheets + 2;
    links.push_str(&format!(
        "<Relationship Id=\"rId{styles}\" Type=\"{RELATIONS}/styles\" Target=\"styles.xml\"/>"
    ));
    [
        ("xl/styles.xml", STYLES.to_owned()),
        (
            "xl/workbook.xml",
            format!(
                "{XML}<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
                 xmlns:r=\"{RELATIONS}\"><sheets>{list}</sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!("{XML}<Relationships xmlns=\"{PACKAGE}\">{links}</Relationships>"),
        ),
        (
            "_rels/.rels",
            format!(
                "{XML}<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" \
                 Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "[Content_Types].xml",
            format!(
                "{XML}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
                 <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
                 <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
                 <Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>\
                 <Override PartName=\"/xl/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/>\
                 {types}</Types>"
            ),
        ),
    ]
}

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

/// Appends `text` as XML character data. What XML cannot hold is written `_xHHHH_` (ISO/IEC 29500-1 §22.9.2.19), and so
/// is the underscore of a text that looks like that.
pub(super) fn push_escaped(xml: &mut String, text: &str) {
    for (at, character) in text.char_indices() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '_' if is_escape(&text[at..]) => xml.push_str("_x005F_"),
            '\t' | '\n' => xml.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                write!(xml, "_x{:04X}_", u32::from(character)).expect("writing to a String cannot fail");
            }
            _ => xml.push(character),
        }
    }
}

/// Whether the text begins with `_xHHHH_`.
fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 7 && bytes[1] == b'x' && bytes[6] == b'_' && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
}
