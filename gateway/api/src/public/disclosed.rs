//! What is disclosed (REQUIREMENTS J1), as JSON and as a spreadsheet, from the one table of the control plane.

use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, LINK};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};
use shuzha_control::public::{Cell, CellKind, DisclosedColumn, Disclosure, Rows, in_chinese};
use shuzha_core::text::needs_guard_in_a_sheet;
use shuzha_core::{Code, Lang};
use shuzha_schema::Page;

use super::KEEP;
use crate::ask::{Ask, Reply};
use crate::problem::Problem;
use crate::shown::instant;

/// What the address of a spreadsheet ends with.
pub(crate) const CSV: &str = ".csv";
/// Most rows of one spreadsheet; `Link` says where the next begins.
pub(crate) const CSV_ROWS_MAX: usize = 2_000;
/// Most pages that one spreadsheet is made from, however few rows they have: what a request may cost.
const CSV_PAGES_MAX: usize = 20;
/// Tells a spreadsheet program that the file is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// Between texts of one cell.
const BETWEEN: &str = "；";

/// `GET /api/v1/public/{subject}`, and `GET /api/v1/public/{subject}.csv`.
pub(crate) fn get(ask: &Ask) -> Result<Reply, Problem> {
    let asked = ask.part("subject");
    let plural = asked.strip_suffix(CSV).unwrap_or(asked);
    let subject = Disclosure::find(plural).ok_or(Code::C006)?;
    let mut parameters = ask.parameters();
    let after = parameters.text("cursor");
    if plural == asked {
        let limit = parameters.limit();
        parameters.done()?;
        let page = ask.shared.control.disclosed(subject, after.as_deref(), limit)?;
        let items: Vec<Value> = page.items.into_iter().map(|row| item(subject, row)).collect();
        return Ok(Reply::ok(&Page { items, next: page.next }).header(CACHE_CONTROL, KEEP));
    }
    let lang = parameters.lang();
    parameters.done()?;
    sheet(ask, subject, after, lang)
}

/// A row as JSON.
fn item(subject: &Disclosure, row: Vec<Cell>) -> Value {
    let fields = subject.columns.iter().zip(row);
    Value::Object(fields.map(|(column, cell)| (column.name.to_owned(), value(cell))).collect::<Map<_, _>>())
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::None => Value::Null,
        Cell::Text(text) => text.into(),
        Cell::Texts(texts) => texts.into(),
        Cell::Instant(at) => instant(at).as_str().into(),
        Cell::Flag(flag) => flag.into(),
    }
}

fn sheet(ask: &Ask, subject: &Disclosure, mut after: Option<String>, lang: Lang) -> Result<Reply, Problem> {
    let mut text = BYTE_ORDER_MARK.to_owned();
    line(&mut text, subject.columns.iter().map(|column| heading(column.zh, column.en, lang).to_owned()));
    let (mut rows, mut pages) = (0, 0);
    loop {
        let Rows { items, next } =
            ask.shared.control.disclosed(subject, after.as_deref(), CSV_ROWS_MAX - rows)?;
        rows += items.len();
        for row in items {
            let cells = subject.columns.iter().zip(row);
            line(&mut text, cells.map(|(column, cell)| shown(column, cell, lang)));
        }
        after = next;
        pages += 1;
        if after.is_none() || rows >= CSV_ROWS_MAX || pages == CSV_PAGES_MAX {
            break;
        }
    }
    let file = format!("attachment; filename=\"{}{CSV}\"", subject.plural);
    let ascii = |text: &str| HeaderValue::from_str(text).expect("names are visible ASCII");
    let mut reply = Reply::text(StatusCode::OK, "text/csv; charset=utf-8", text.into())
        .header(CACHE_CONTROL, KEEP)
        .header(CONTENT_DISPOSITION, ascii(&file));
    if let Some(next) = after {
        let lang = heading("zh", "en", lang);
        let link =
            format!("</api/v1/public/{}{CSV}?lang={lang}&cursor={next}>; rel=\"next\"", subject.plural);
        reply = reply.header(LINK, ascii(&link));
    }
    Ok(reply)
}

const fn heading(zh: &'static str, en: &'static str, lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// A word for people, where it is one.
fn said(column: &str, word: &str, lang: Lang) -> String {
    let known = in_chinese(column, word).filter(|_| lang == Lang::Zh);
    known.map_or_else(|| word.to_owned(), str::to_owned)
}

/// A cell for people.
fn shown(column: &DisclosedColumn, cell: Cell, lang: Lang) -> String {
    match cell {
        Cell::None => String::new(),
        Cell::Text(text) if column.kind == CellKind::Word => said(column.name, &text, lang),
        Cell::Text(text) => text,
        Cell::Texts(words) if column.kind == CellKind::Words => {
            words.iter().map(|word| said(column.name, word, lang)).collect::<Vec<_>>().join(BETWEEN)
        }
        Cell::Texts(texts) => texts.join(BETWEEN),
        Cell::Instant(at) => instant(at).as_str().to_owned(),
        Cell::Flag(true) => heading("是", "yes", lang).to_owned(),
        Cell::Flag(false) => heading("否", "no", lang).to_owned(),
    }
}

/// Adds a line (RFC 4180). Others wrote the cells: none is a formula to whoever opens the file.
fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(',');
        }
        let guard = if needs_guard_in_a_sheet(&cell) { "'" } else { "" };
        if cell.contains(['"', ',', '\r', '\n']) {
            text.extend(["\"", guard, &cell.replace('"', "\"\""), "\""]);
        } else {
            text.extend([guard, &cell]);
        }
    }
    text.push_str("\r\n");
}
