//! The report for people (验证报告): what was checked, what the log says, in Chinese.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use shuzha_core::{Code, Lang, MicroYuan, hex};
use shuzha_evidence::merkle::{Sha256, Sm3};
use shuzha_evidence::verify::{Head, Suspensions, for_each_entry};
use shuzha_evidence::{Decision, Entry};
use shuzha_files::escape;
use shuzha_files::terminal::Out;

use crate::CopyArgs;
use crate::Trouble;
use crate::copy;
use crate::instant::instant;
use crate::whole::{check_log, follow, threads};

/// What to report on.
#[derive(clap::Args, Debug)]
pub struct ReportArgs {
    #[command(flatten)]
    copy: CopyArgs,
    /// File of the report (HTML); not replaced where one is there.
    #[arg(long)]
    out: PathBuf,
}

/// What the entries say, counted.
#[derive(Default)]
struct Counts {
    kinds: BTreeMap<&'static str, u64>,
    decisions: BTreeMap<&'static str, u64>,
    codes: BTreeMap<Code, u64>,
    units: BTreeMap<String, Unit>,
}

/// One unit's calls, those in the sandbox left out.
#[derive(Default)]
struct Unit {
    answered: u64,
    refused: u64,
    amount: i128,
}

impl Counts {
    fn visit(&mut self, entry: &Entry<'_>) {
        *self.kinds.entry(kind(entry)).or_default() += 1;
        let Entry::Call(call) = entry else { return };
        *self.decisions.entry(decision(call.decision)).or_default() += 1;
        if let Some(code) = call.code {
            *self.codes.entry(code).or_default() += 1;
        }
        if call.terms.unit.is_empty() || call.sandbox {
            return;
        }
        let unit = self.units.entry(call.terms.unit.to_owned()).or_default();
        match call.decision {
            Decision::Answered | Decision::Replayed => unit.answered += 1,
            Decision::Refused | Decision::Failed => unit.refused += 1,
            // A plan is no use of a product: it is counted among the results above.
            Decision::Planned => {}
        }
        unit.amount += i128::from(call.amount.micros());
    }
}

fn kind(entry: &Entry<'_>) -> &'static str {
    match entry {
        Entry::Boot(_) => "启动",
        Entry::Intent(_) => "调用意向",
        Entry::Call(_) => "调用",
        Entry::Act(_) => "管理行为",
        Entry::Delivery(_) => "数据包交付",
        Entry::Registered(_) => "登记行为",
        Entry::Refund(_) => "隐私预算退还",
        Entry::Anchored(_) => "锚定",
        Entry::KeysRotated(_) => "密钥轮换",
        Entry::Retention(_) => "封存销毁",
        Entry::Projected(_) => "投影检查点",
        Entry::RefusalCount(_) => "未识别请求拒绝计数",
    }
}

fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Answered => "已答复",
        Decision::Refused => "已拒绝",
        Decision::Failed => "失败",
        Decision::Replayed => "重复答复",
        Decision::Planned => "试算",
    }
}

/// Checks everything; writes the report only if all of it is sound.
pub(crate) fn write(out: &mut Out, args: &ReportArgs) -> Result<(), Trouble> {
    let policy = args.copy.policy()?;
    let logs = copy::logs(&args.copy.folder)?;
    let mut heads = Vec::new();
    let mut counts = Counts::default();
    for (_, log) in &logs {
        let (sm3, _) = check_log::<Sm3>(log, &policy, (0, None), threads(None))?;
        let (sha256, checked) = check_log::<Sha256>(log, &policy, (0, None), threads(None))?;
        for_each_entry(log, sha256.size, 0..sha256.size, |_, bytes| {
            if let Ok(entry) = Entry::decode(bytes) {
                counts.visit(&entry);
            }
        })?;
        heads.push((sha256, sm3, checked.unknown));
    }
    let stops = follow(&logs, &policy)?;
    let html = page(&heads, &counts, &stops);
    let mut options = std::fs::OpenOptions::new();
    let written = options.write(true).create_new(true).open(&args.out);
    let written = written.and_then(|mut file| std::io::Write::write_all(&mut file, html.as_bytes()));
    written.map_err(|error| Trouble::Usage(format!("{}: {error}", args.out.display())))?;
    out.line(&format!("报告已写入 the report is in {}", args.out.display()))?;
    match (stops.breaches.len(), stops.unkept().len()) {
        (0, 0) => Ok(()),
        (0, late) => Err(Trouble::Bad(format!(
            "{late} 项暂停的决定未按时生效 suspensions of the register were not in force in time"
        ))),
        (count, _) => {
            Err(Trouble::Bad(format!("暂停之后仍有 {count} 次答复 answers stand behind a suspension")))
        }
    }
}

fn page(heads: &[(Head, Head, u64)], counts: &Counts, stops: &Suspensions) -> String {
    let mut html = String::from(HEAD);
    let mut rows = Vec::new();
    for (sha256, sm3, unknown) in heads {
        for (name, head) in [("SHA-256", sha256), ("SM3", sm3)] {
            let unknown = if *unknown > 0 {
                format!("（其中 {unknown} 条本软件不识）")
            } else {
                String::new()
            };
            rows.push([
                head.origin.clone(),
                name.to_owned(),
                format!("{}{unknown}", head.size),
                hex::encode(&head.root),
                "属实".to_owned(),
            ]);
        }
    }
    table(&mut html, "一、完整性", ["日志", "树", "记录数", "根", "结论"], &rows);
    html.push_str("<p>逐条重算了每一条记录的散列与其上的每一个散列，并与日志签名的检查点相符。</p>\n");
    let pairs = |map: &BTreeMap<&'static str, u64>| -> Vec<[String; 2]> {
        map.iter().map(|(name, count)| [(*name).to_owned(), count.to_string()]).collect()
    };
    table(&mut html, "二、记录", ["种类", "条数"], &pairs(&counts.kinds));
    table(&mut html, "三、调用结果", ["结果", "次数"], &pairs(&counts.decisions));
    let codes: Vec<_> = counts
        .codes
        .iter()
        .map(|(code, count)| [code.to_string(), code.title(Lang::Zh).to_owned(), count.to_string()])
        .collect();
    table(&mut html, "四、拒绝与失败的原因", ["代码", "含义", "次数"], &codes);
    let units: Vec<_> = counts
        .units
        .iter()
        .map(|(name, unit)| {
            let amount = i64::try_from(unit.amount).map_or_else(
                |_| format!("{} 微元", unit.amount),
                |micros| format!("{} 元", MicroYuan::from_micros(micros)),
            );
            [name.clone(), unit.answered.to_string(), unit.refused.to_string(), amount]
        })
        .collect();
    table(&mut html, "五、应用单位", ["单位", "答复", "拒绝与失败", "费用"], &units);
    let breaches: Vec<_> = stops
        .breaches
        .iter()
        .map(|breach| {
            [breach.index.to_string(), breach.target.clone(), instant(breach.since), instant(breach.received)]
        })
        .collect();
    let verdict = match stops.breaches.len() {
        0 => format!("<p>共 {} 次暂停，其后无一答复。</p>\n", stops.seen),
        count => format!("<p class=\"bad\">共 {} 次暂停，其后仍有 {count} 次答复：</p>\n", stops.seen),
    };
    html.push_str("<h2>六、暂停</h2>\n");
    html.push_str(&verdict);
    if !breaches.is_empty() {
        table(&mut html, "", ["记录", "对象", "暂停自", "受理于"], &breaches);
    }
    html.push_str("</body>\n</html>\n");
    html
}

fn table<const N: usize>(html: &mut String, title: &str, heads: [&str; N], rows: &[[String; N]]) {
    if !title.is_empty() {
        let _ = writeln!(html, "<h2>{}</h2>", escape(title));
    }
    let cells = |tag: &str, cells: &[String]| -> String {
        cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect()
    };
    let _ = writeln!(html, "<table>\n<tr>{}</tr>", cells("th", &heads.map(str::to_owned)));
    for row in rows {
        let _ = writeln!(html, "<tr>{}</tr>", cells("td", row));
    }
    html.push_str("</table>\n");
}

const HEAD: &str = "<!doctype html>\n<html lang=\"zh\">\n<head>\n<meta charset=\"utf-8\">\n<title>存证验证报告</title>\n<style>\n\
    body { font: 15px/1.6 sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }\n\
    table { border-collapse: collapse; } th, td { border: 1px solid #999; padding: .2rem .6rem; text-align: left; overflow-wrap: anywhere; }\n\
    .bad { color: #b00; font-weight: bold; }\n</style>\n</head>\n<body>\n<h1>存证验证报告</h1>\n\
    <p>本报告由 <code>shuzha verify report</code> 离线生成，只用到日志的副本与公钥。</p>\n";
