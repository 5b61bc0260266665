//! Objects, cases and acts for people: Chinese first, times as they are in China.

use comfy_table::{Table, presets};
use jiff::tz::Offset;
use serde_json::Value;
use shuzha_control::Kind;
use shuzha_core::calendar;
use shuzha_core::{OsRng, Rng as _, Timestamp};
use shuzha_schema::Instant;
use shuzha_schema::object::{Act, Author, Deadline, Object};

const LOCAL: Offset = Offset::constant(calendar::OFFSET_HOURS);
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

fn civil(at: Timestamp) -> jiff::civil::DateTime {
    let at = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::MAX);
    LOCAL.to_datetime(at)
}

/// A name that nobody else makes: of the time, and of chance for those who are quick.
pub(super) fn fresh_name(prefix: &str, at: Timestamp) -> String {
    format!("{prefix}-{}-{:04x}", civil(at).strftime("%Y%m%d-%H%M%S"), u16::from_ne_bytes(OsRng.bytes()))
}

/// An instant that the API wrote, for people; as it is where it is none.
pub(super) fn local(written: &Instant) -> String {
    match read(written) {
        Some(at) => civil(at).strftime("%Y-%m-%d %H:%M").to_string(),
        None => written.to_string(),
    }
}

/// The instant that is written.
pub(super) fn read(written: &Instant) -> Option<Timestamp> {
    let at: jiff::Timestamp = written.as_str().parse().ok()?;
    Some(Timestamp::from_micros(at.as_microsecond()))
}

/// What stands where there is nothing.
pub(super) const NOTHING: &str = "—";

/// What there is; a dash where there is nothing.
pub(super) fn text(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| value.to_string())
}

/// A value of no known shape; a dash where there is none.
pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The state of a case.
pub(super) fn state(object: Option<&Object>) -> String {
    text(object.and_then(|object| object.status.as_ref()).map(|status| &status.state))
}

/// Who acted, as `person` puts account and author; or time itself.
pub(super) fn acted_by(by: Option<&Author>, person: impl Fn(String, &Author) -> String) -> String {
    by.map_or_else(|| "到期 by time".to_owned(), |by| person(text(by.account.as_ref()), by))
}

/// A deadline: what, when, and how long that is from `now`.
pub(super) fn deadline(deadline: &Deadline, now: Timestamp) -> String {
    let mut line = format!("{} {}", deadline.what, local(&deadline.at));
    if let Some(at) = read(&deadline.at) {
        let left = at.micros() - now.micros();
        // A begun day counts: what is due today has one day left, what was missed today is one day late.
        let days = left.unsigned_abs().div_ceil(DAY.unsigned_abs());
        line.push_str(&match left {
            1.. => format!(" · 剩 {days} 天 {days} d left"),
            _ => format!(" · 逾期 {days} 天 {days} d overdue"),
        });
    }
    if deadline.provisional {
        line.push_str(" · 暂定 provisional");
    }
    line
}

/// A table without lines around it.
pub(super) fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(heads);
    table
}

/// A list of objects.
pub(super) fn list(kind: Kind, objects: &[Object], now: Timestamp) -> Table {
    let case = matches!(kind, Kind::Case(_));
    let heads = ["名称 name", "所属 owner", "更新 updated"];
    let mut table = table(&if case {
        [&heads[..], &["状态 state", "期限 next deadline"]].concat()
    } else {
        heads.to_vec()
    });
    for object in objects {
        let metadata = &object.metadata;
        let mut row =
            vec![metadata.name.to_string(), text(metadata.owner.as_ref()), local(&metadata.updated)];
        if case {
            row.push(state(Some(object)));
            let deadlines = object.status.iter().flat_map(|status| &status.deadlines);
            let next = deadlines.min_by_key(|deadline| read(&deadline.at));
            row.push(next.map(|next| deadline(next, now)).unwrap_or_default());
        }
        table.add_row(row);
    }
    table
}

/// What stands above the spec of one object.
pub(super) fn head(kind: Kind, object: &Object, now: Timestamp) -> Table {
    let metadata = &object.metadata;
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row(kind.title_zh(), format!("{}/{}", kind.name(), metadata.name));
    row("版本 version", metadata.version.to_string());
    row("所属 owner", text(metadata.owner.as_ref()));
    row("创建 created", local(&metadata.created));
    row("更新 updated", local(&metadata.updated));
    if let Some(status) = &object.status {
        row("状态 state", format!("{} · {}", status.state, local(&status.since)));
        for due in &status.deadlines {
            row("期限 deadline", deadline(due, now));
        }
        let verbs: Vec<_> = status.verbs.iter().map(|verb| verb_title(kind, verb)).collect();
        row("可办 open to you", if verbs.is_empty() { NOTHING.to_owned() } else { verbs.join(", ") });
    }
    table
}

/// A verb with its Chinese name.
pub(super) fn verb_title(kind: Kind, verb: &str) -> String {
    let known = match kind {
        Kind::Case(case) => case.verb(verb),
        Kind::Declared(..) => None,
    };
    known.map_or_else(|| verb.to_owned(), |known| format!("{} {verb}", known.title_zh))
}

/// A list of acts on objects of a kind.
pub(super) fn history(kind: Kind, acts: &[Act]) -> Table {
    let mut table =
        table(&["时间 at", "经办 by", "办理 act", "状态 state", "理由 reason", "附件 attachments"]);
    for act in acts {
        let by = match &act.by {
            None => "期限届满 time".to_owned(),
            Some(by) => format!("{} @ {} ({})", text(by.account.as_ref()), by.organisation, by.role),
        };
        table.add_row([
            local(&act.at),
            by,
            verb_title(kind, &act.verb),
            text(act.state.as_ref()),
            act.reason.clone(),
            act.attachments.len().to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_chinas_and_days_are_counted() {
        let now = Timestamp::from_seconds(1_770_000_000);
        let name = fresh_name("stop", now);
        assert!(name.starts_with("stop-20260202-104000-") && shuzha_core::Id::check(&name).is_ok(), "{name}");
        assert_eq!(local(&Instant::of("2026-02-02T02:40:00Z")), "2026-02-02 10:40");
        assert_eq!(text(None::<&str>), "—");
        let due = |at: &str, provisional| {
            let (what, at) = ("review".to_owned(), Instant::of(at));
            deadline(&Deadline { what, at, provisional, passed: false }, now)
        };
        assert_eq!(due("2026-02-03T10:40:00+08:00", false), "review 2026-02-03 10:40 · 剩 1 天 1 d left");
        assert_eq!(
            due("2026-02-04T10:39:00+08:00", true),
            "review 2026-02-04 10:39 · 剩 2 天 2 d left · 暂定 provisional"
        );
        assert_eq!(
            due("2026-02-02T10:00:00+08:00", false),
            "review 2026-02-02 10:00 · 逾期 1 天 1 d overdue"
        );
    }
}
