//! Bills from files: exports, and what the API answered.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::Value;
use shuzha_core::Id;
use shuzha_pricing::closing::Quality;
use shuzha_pricing::closing::rated::{FIELDS, FieldKind as Of};
use shuzha_pricing::export::{CheckError, Format, Kind, Set, check};
use shuzha_pricing::rerating::Correction;

use super::sheet::{Cells, Line, Sheet, Sheets, amount};
use shuzha_verify::{Trouble, read_file};

/// Byte order mark of UTF-8, which an exported CSV begins with.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A bill as it was handed over.
pub(super) struct Given {
    name: String,
    lines: Vec<Line>,
    /// What it must be complete in, and whose where it is of one only.
    whole: Vec<(Sheet, Option<String>)>,
}

/// Reads a bill.
///
/// # Errors
/// Bad where an export is not as it was exported; incomplete where it is no bill.
pub(super) fn read(path: &Path) -> Result<Given, Trouble> {
    let (bytes, name) = (read_file(path)?, path.display().to_string());
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(value) if value.get("#totals").is_none() => answered(name, &value),
        _ => exported(name, &bytes),
    }
}

fn no_bill(name: &str) -> Trouble {
    Trouble::Incomplete(format!(
        "{name}: 不是结算单、明细或收益分配账单 is no statement, lines or share bill, exported or as the API answers"
    ))
}

fn exported(name: String, bytes: &[u8]) -> Result<Given, Trouble> {
    let format = match bytes {
        [b'{', ..] => Format::JsonLines,
        _ if bytes.starts_with(BOM) => Format::Csv,
        _ => Format::CsvGb18030,
    };
    let said = |set: &Set| {
        let marks = [format!("\"set\":\"{}\"", set.as_str()), format!("#set,'{}", set.as_str())];
        marks.iter().any(|mark| bytes.windows(mark.len()).any(|window| window == mark.as_bytes()))
    };
    let set = Set::ALL.into_iter().find(said);
    let Some((set, sheet)) = set.and_then(|set| Some((set, Sheet::of_set(set)?))) else {
        return Err(no_bill(&name));
    };
    let mut lines = Vec::new();
    let read = check(format, set.layout(), bytes, &mut |_, row| {
        lines.push(Line::of_row(sheet, row));
        ControlFlow::Continue(())
    });
    match read {
        Ok(_) => Ok(Given { name, lines, whole: vec![(sheet, None)] }),
        Err(CheckError::Format | CheckError::Read(_) | CheckError::Stopped) => Err(no_bill(&name)),
        Err(CheckError::Version) => Err(Trouble::Incomplete(format!(
            "{name}: 另一版本的导出，本软件不识 an export of another version, which this software does not know"
        ))),
        Err(changed) => {
            Err(Trouble::Bad(format!("{name}: 导出文件被改动 the export was changed: {changed}")))
        }
    }
}

fn answered(name: String, value: &Value) -> Result<Given, Trouble> {
    let (mut lines, mut whole) = (Vec::new(), BTreeSet::new());
    let one = value["items"].is_null();
    let items = value["items"].as_array().map_or_else(|| vec![value], |items| items.iter().collect());
    for item in items {
        let read = if item["shares"].is_array() {
            share_bill(item, &mut lines)
        } else if item["records"].is_u64() {
            contribution(item).map(|line| lines.push(line))
        } else if item["number"].is_string() {
            statement(item, &mut lines)
        } else {
            line(item, Cells::new()).map(|line| lines.push(line))
        };
        read.ok_or_else(|| no_bill(&name))?;
        if one {
            let owner = |line: &Line| (line.sheet, Some(line.owner().to_owned()));
            whole.extend(lines.iter().map(owner));
            // A statement without its lines is one all the same.
            if item["lines"].is_array() || item["shares"].is_array() {
                let of = lines[0].owner().to_owned();
                let sheet = if item["lines"].is_array() { Sheet::Lines } else { Sheet::Shares };
                whole.insert((sheet, Some(of)));
            }
        }
    }
    if !one {
        whole.extend(lines.iter().map(|line| (line.sheet, None)));
        // Statements of a list have no lines; where one has, those are of it.
        let listed = lines.iter().any(|line| line.sheet == Sheet::Statements);
        whole.retain(|(sheet, _)| !(listed && *sheet == Sheet::Lines));
    }
    if lines.is_empty() {
        return Err(no_bill(&name));
    }
    Ok(Given { name, lines, whole: whole.into_iter().collect() })
}

/// Puts the values of `item` at `fields` (column, kind, pointer) into `cells`.
fn cells(item: &Value, fields: &[(&'static str, Kind, &str)], mut cells: Cells) -> Option<Cells> {
    for (column, kind, pointer) in fields {
        let text = match item.pointer(pointer)? {
            Value::String(text) => amount(*kind, text)?,
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        cells.insert(column, text);
    }
    Some(cells)
}

fn statement(item: &Value, lines: &mut Vec<Line>) -> Option<()> {
    use Kind::{Count, Fen, Id};
    let own = [
        ("number", Id, "/number"),
        ("period", Id, "/month"),
        ("unit", Id, "/unit"),
        ("gross", Fen, "/amounts/gross"),
        ("net", Fen, "/amounts/net"),
        ("tax", Fen, "/amounts/tax"),
    ];
    let tree = [
        ("merkle_root", Id, "/calls/root"),
        ("records", Count, "/calls/size"),
        ("first_sequence", Count, "/calls/sequences/0"),
        ("last_sequence", Count, "/calls/sequences/1"),
    ];
    let mut found = cells(item, &own, Cells::new())?;
    if item["calls"].is_null() {
        found.extend(tree.map(|(column, _, _)| (column, String::new())));
    } else {
        found = cells(item, &tree, found)?;
    }
    let on = [("statement", found["number"].clone()), ("period", found["period"].clone())];
    lines.push(Line { sheet: Sheet::Statements, cells: found });
    for one in item["lines"].as_array().into_iter().flatten() {
        lines.push(line(one, on.clone().into())?);
    }
    Some(())
}

/// A line, by the table of a line's fields. What its document has not yet, or not any more in lines that were closed before, is empty.
fn line(item: &Value, mut cells: Cells) -> Option<Line> {
    for field in FIELDS {
        let stated =
            item.pointer(&format!("/{}", field.path.replace('.', "/"))).filter(|value| !value.is_null());
        let text = match (stated, field.kind) {
            (None, _) if field.since > 1 => String::new(),
            (Some(Value::Number(number)), Of::Parts) => {
                let parts = number.as_u64()?;
                format!("{}.{:06}", parts / 10_000, parts % 10_000 * 100)
            }
            (Some(Value::Number(number)), Of::Count) => number.to_string(),
            (Some(Value::String(text)), Of::MicroYuan) => amount(Kind::MicroYuan, text)?,
            (Some(Value::String(text)), Of::Fen) => amount(Kind::Fen, text)?,
            (Some(Value::String(text)), Of::Id | Of::Text | Of::Month | Of::Purpose | Of::Basis) => {
                text.clone()
            }
            _ => return None,
        };
        cells.insert(field.key, text);
    }
    Some(Line { sheet: Sheet::Lines, cells })
}

/// A contribution, whose figures of effect and quality are empty where the period was closed before they were recorded.
fn contribution(item: &Value) -> Option<Line> {
    use Kind::{Count, Fen, Id, MicroYuan};
    let own = [
        ("party", Id, "/party"),
        ("product", Id, "/product"),
        ("calls", Count, "/calls"),
        ("charged", Count, "/charged"),
        ("records", Count, "/records"),
        ("revenue", Fen, "/revenue"),
        ("notional", MicroYuan, "/notional"),
        ("share", Fen, "/share"),
    ];
    let mut cells = cells(item, &own, Cells::new())?;
    for column in ["units", "scenarios", "tickets", "faults"] {
        cells.insert(column, item[column].as_u64().map(|count| count.to_string()).unwrap_or_default());
    }
    Some(Line { sheet: Sheet::Contributions, cells })
}

fn share_bill(item: &Value, lines: &mut Vec<Line>) -> Option<()> {
    use Kind::{Fen, Id};
    let own = [("number", Id, "/number"), ("party", Id, "/party"), ("amount", Fen, "/amount")];
    let bill = cells(item, &own, Cells::new())?;
    let on = Cells::from([("bill", bill["number"].clone()), ("party", bill["party"].clone())]);
    lines.push(Line { sheet: Sheet::Bills, cells: bill });
    for share in item["shares"].as_array()? {
        let fields = [
            ("agreement", Id, "/agreement"),
            ("product", Id, "/product"),
            ("base", Fen, "/base"),
            ("weight", Id, "/weight"),
            ("whole", Id, "/whole"),
            ("amount", Fen, "/amount"),
        ];
        lines.push(Line { sheet: Sheet::Shares, cells: cells(share, &fields, on.clone())? });
    }
    Some(())
}

impl Given {
    /// The differences of closed months that it states.
    pub(super) fn corrections(&self) -> impl Iterator<Item = Correction> {
        self.lines.iter().filter_map(Line::correction)
    }

    /// What it states of providers' data.
    pub(super) fn qualities(&self) -> impl Iterator<Item = ((Id, Id), Quality)> {
        self.lines.iter().filter_map(Line::quality)
    }

    /// Names every row that is changed, added, given twice or left out.
    pub(super) fn compare(&self, expected: &Sheets, only: &[Id], differences: &mut Vec<String>) {
        let mut seen = BTreeSet::new();
        for line in &self.lines {
            let key = line.key();
            let mut say = |what: String| {
                differences.push(format!("{}: {} {key}: {what}", self.name, line.sheet.title()));
            };
            if !seen.insert((line.sheet, key.clone())) {
                say("重复 it is there twice".to_owned());
                continue;
            }
            let Some(good) = expected.rows(line.sheet).get(&key) else {
                say("多出：记录中没有 it was added: no entries lead to it".to_owned());
                continue;
            };
            for (column, stated) in &line.cells {
                match good.cells.get(column) {
                    Some(is) if is == stated || line.may_lack(column) => {}
                    is => {
                        let is = is.map_or("", String::as_str);
                        say(format!("{column}: 记作 it states {stated}，应为 it is {is}"));
                    }
                }
            }
        }
        for (sheet, of) in &self.whole {
            for (key, line) in expected.rows(*sheet) {
                let asked = match of {
                    Some(of) => line.owner() == of,
                    None => only.is_empty() || only.iter().any(|one| one.as_str() == line.owner()),
                };
                if asked && !seen.contains(&(*sheet, key.clone())) {
                    differences.push(format!("{}: {} {key}: 漏列 it was left out", self.name, sheet.title()));
                }
            }
        }
    }
}
