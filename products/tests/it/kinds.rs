//! The page of product kinds: written from the kinds themselves and from what is said of each field here.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use shuzha_products::kinds::{KINDS, Lane};
use shuzha_products::product::OPERATION_FIELDS;

/// A name in manifests, with its meaning.
struct Said {
    name: &'static str,
    zh: &'static str,
    en: &'static str,
}

const fn said(name: &'static str, zh: &'static str, en: &'static str) -> Said {
    Said { name, zh, en }
}

/// Every kind.
const OF_KINDS: &[Said] = &[
    said(
        "verification",
        "核验：只答一致、不一致或查无",
        "Says whether a statement is consistent, inconsistent or without a record",
    ),
    said(
        "interface",
        "数据接口：记录中获批的字段",
        "Fields of a record, cut to those that the grant permits",
    ),
    said("model", "数据模型：有界、取整的结果", "Bounded, rounded results of a model"),
    said("report", "数据报告：差分隐私下的统计", "Statistics under differential privacy"),
    said(
        "package",
        "数据包：按授权收费一次的文件",
        "A file, charged once for each grant and streamed with ranges",
    ),
    said(
        "blind",
        "隐匿核验：双方都看不到对方的名单",
        "Entries matched with a list that neither side shows the other",
    ),
    said(
        "table",
        "统计表：各键均已声明的固定分组的计数，默认加噪（每个数据版本扣一次隐私预算），法规要求时隐去小组",
        "Counts over groups whose keys are declared: noised, at one charge to the privacy budget for each version of the data, or \
         with small groups hidden where a law demands it",
    ),
];

/// Every field of an operation, of all kinds.
const OF_FIELDS: &[Said] = &[
    said("name", "操作名称", "Name of the operation"),
    said("method", "GET 或 POST", "GET or POST"),
    said("path", "产品服务上的路径", "Path at the product service"),
    said(
        "personal",
        "是否涉及个人信息，每次调用须个人授权",
        "Whether it touches personal information; then each call needs the person's consent",
    ),
    said(
        "businessSecret",
        "是否涉及商业秘密，每次调用须企业授权",
        "Whether each call needs the authorisation of the enterprise",
    ),
    said("legalBasis", "另有规定允许调用时的文号", "Number of the act that permits the call otherwise"),
    said(
        "subject",
        "请求中主体标识的种类与位置",
        "Kind of the subject's identifier, and where it stands in the request",
    ),
    said("requestBytesMax", "请求正文的字节上限", "Most bytes of a request's body"),
    said("timeout", "产品服务的答复时限", "Time the product service has for its answer"),
    said("answerBytesMax", "答复的字节上限", "Most bytes of an answer"),
    said(
        "equalAnswerBytes",
        "答复补齐到的字节数，使长度不泄露结果",
        "Size to which answers are padded, so that their length tells nothing",
    ),
    said("concurrency", "同时调用上限", "Most calls at once"),
    said(
        "pseudonymDomain",
        "假名域：同一产品中声明同一域的操作，其假名可以互相比对；这些操作不接受标识符",
        "Within it pseudonyms of several operations of the product can be joined; none of them takes an identifier",
    ),
    said(
        "canaries",
        "诱饵主体的假名，命中即报警",
        "Pseudonyms of subjects that nobody asks for honestly; a call about one is an alarm",
    ),
    said(
        "example",
        "沙箱的示例答复，须合输出合约",
        "Made-up answer of the sandbox, within the output contract",
    ),
    said("input", "输入合约（JSON Schema 子集）", "Input contract, a subset of JSON Schema"),
    said("output", "输出合约：按 JSON 指针列出的字段", "Output contract: permitted fields by JSON pointer"),
    said(
        "inputs",
        "可以问什么：`free`（默认）或 `subjects`（只问主体，特征由产品服务查取）",
        "What may be asked: `free`, the default, or `subjects`: a request names a subject only, whose features the product service looks up",
    ),
    said(
        "queriesPerQuarter",
        "一个单位每季度的查询上限",
        "Answers that one unit may have in a quarter, far below what copies the model",
    ),
    said(
        "list",
        "名单的条目数和标签文件的 SHA-256：换了名单就是新版本",
        "How many entries the list has and the SHA-256 of its tag file: another list is another version",
    ),
    said(
        "elementsPerEpoch",
        "一个周期内所有单位合计可比对的条目数",
        "Elements that all units together may have evaluated in one epoch",
    ),
    said(
        "verdicts",
        "产品服务结果码与核验结果的对应",
        "Which result code of the product service means which verdict",
    ),
    said("noRecord", "哪种答复表示查无", "Which answer means that there is no record"),
    said(
        "by",
        "分组维度及各维度的全部键（视图：维度名称，或由键合并而成的粗维度）",
        "Dimensions with all their keys; of a view, their names, or coarser ones with the keys that each group has",
    ),
    said("of", "视图所属的操作：该操作声明格子", "Of a view, the operation that declares the cells"),
    said(
        "impossible",
        "不可能有人的键组合，印作 0",
        "Combinations of keys in which nobody can be: printed 0, and no room to hide in",
    ),
    said(
        "protection",
        "保护方式：`noise`（默认）或 `suppress`",
        "How counts are protected: `noise`, the default, or `suppress`",
    ),
    said("accuracy", "加噪表每次发布的隐私开销", "What each release of a noised table costs"),
    said(
        "minIntervalDays",
        "加噪表两次发布的最短间隔（天）",
        "Least days between two releases of a noised table",
    ),
    said("law", "要求隐去小组的法规条文", "The law that demands that small groups are hidden"),
    said("referenceDate", "隐去小组的表的统计时点", "The date that the counts of a suppressed table are of"),
    said("threshold", "隐去小组的表公布的最小计数", "Least count that a suppressed table shows"),
    said(
        "watermark",
        "水印：表的列、识别行的列、末位承载水印的列",
        "Watermark: the table's columns, those that name a row, those whose last digit carries the mark",
    ),
    said("epoch", "名单密钥的周期", "Epoch of the list's key"),
    said("publicKey", "名单的公钥（base 64）", "Public key of the list, in base 64"),
    said("elementsMax", "一次请求的元素上限", "Most elements of one request"),
];

fn find(said: &'static [Said], name: &str) -> &'static Said {
    said.iter()
        .find(|said| said.name == name)
        .unwrap_or_else(|| panic!("say in this file what `{name}` means"))
}

fn page() -> String {
    let mut page = String::from(
        "# 产品类型 · Product kinds\n\n由测试 `the_page_of_kinds_is_current` 从 `products/src/kinds` 生成，请勿手改。\n\n\
         Written by the test `the_page_of_kinds_is_current` from `products/src/kinds`; do not edit.\n\n\
         一个产品声明其类型和若干操作。下列字段每个操作都可声明，各类型另有自己的字段；其他字段一律拒绝。\n\n\
         A product declares its kind and some operations. Every operation may have the fields of the first table, and those of its kind \
         beside them; any other is refused.\n\n| 字段 Field | 含义 | Meaning |\n|---|---|---|\n",
    );
    let mut row = |name: &str| {
        let Said { zh, en, .. } = find(OF_FIELDS, name);
        writeln!(page, "| `{name}` | {zh} | {en} |").expect("a string takes all");
    };
    OPERATION_FIELDS.iter().for_each(|name| row(name));
    for kind in KINDS {
        let Said { name, zh, en } = find(OF_KINDS, kind.name());
        let (lane_zh, lane_en) = match kind.lane() {
            Lane::Answer => ("整体读取、结算后送出", "read whole, settled, then sent"),
            Lane::Statistics => (
                "同上，转发前扣隐私预算",
                "as an answer, and charged against the privacy budget before dispatch",
            ),
            Lane::Package => ("先结算，后流式送出", "settled first, then streamed"),
        };
        let classes: Vec<_> = kind.classes().iter().map(|class| format!("`{}`", class.as_str())).collect();
        let (chosen_zh, chosen_en) = if kind.fields_chosen() {
            ("授权逐字段选定", "a grant chooses among the fields")
        } else {
            ("授权涵盖整个答复", "a grant covers the whole answer")
        };
        let classes = classes.join(", ");
        write!(
            page,
            "\n## `{name}`\n\n{zh}。答复：{lane_zh}；{chosen_zh}；可分别定价的结果：{classes}。\n\n\
             {en}. An answer is {lane_en}; {chosen_en}; outcomes that a price may charge apart: {classes}.\n",
        )
        .expect("a string takes all");
        if kind.manifest_fields().is_empty() {
            page.push_str("\n没有自己的字段。\n\nIt has no fields of its own.\n");
            continue;
        }
        page.push_str("\n| 字段 Field | 含义 | Meaning |\n|---|---|---|\n");
        for name in kind.manifest_fields() {
            let Said { zh, en, .. } = find(OF_FIELDS, name);
            writeln!(page, "| `{name}` | {zh} | {en} |").expect("a string takes all");
        }
    }
    page
}

/// Written anew when asked to by `SHUZHA_WRITE_GOLDEN=1`.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests, not configuration")]
fn the_page_of_kinds_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/product-kinds.md");
    let page = page();
    if std::env::var("SHUZHA_WRITE_GOLDEN").is_ok() {
        std::fs::write(&path, &page).expect("the page is ours");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/product-kinds.md is not current: write it with SHUZHA_WRITE_GOLDEN=1");
}

#[test]
fn nothing_is_said_of_a_field_or_kind_that_is_gone() {
    let kinds: BTreeSet<_> = KINDS.iter().map(|kind| kind.name()).collect();
    let own = KINDS.iter().flat_map(|kind| kind.manifest_fields());
    let fields: BTreeSet<_> = OPERATION_FIELDS.iter().chain(own).copied().collect();
    assert_eq!(OF_KINDS.iter().map(|said| said.name).collect::<BTreeSet<_>>(), kinds);
    assert_eq!(OF_FIELDS.iter().map(|said| said.name).collect::<BTreeSet<_>>(), fields);
}
