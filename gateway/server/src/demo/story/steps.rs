//! What happens in the story: who does what, and what must come of it.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shuzha_core::{Id, Role, Timestamp};
use shuzha_products::{World, world};

use super::desk::date;

/// The product that the story is about.
pub(super) const PRODUCT: &str = "company-check";
/// The scenario it is called in.
pub(super) const SCENARIO: &str = "bank-onboarding";
/// The credential of the bank: an Ed25519 key that never leaves its holder.
pub(super) const CREDENTIAL: &str = "bank-story";

/// Account, person, organisation, role. Every one is made up.
pub(super) const PERSONS: &[(&str, &str, &str, Role)] = &[
    ("wang", "王砚秋", "data-bureau", Role::Authority),
    ("feng", "冯以宁", "data-bureau", Role::Authority),
    ("zhou", "周怀瑾", "data-bureau", Role::Expert),
    ("li", "李南乔", "registry-centre", Role::Registrar),
    ("chen", "陈望山", "registry-centre", Role::Registrar),
    ("zhao", "赵清和", "market-regulator", Role::Provider),
    ("sun", "孙亦航", "yunze-data", Role::Operator),
    ("qian", "钱若谷", "yunze-data", Role::Operator),
    ("wu", "吴行之", "yunze-bank", Role::ApplicationUnit),
    ("zheng", "郑知微", "ndrc", Role::Pricing),
];

/// The role of a person.
pub(super) fn role_of(who: &str) -> Option<Role> {
    PERSONS.iter().find(|(name, ..)| *name == who).map(|(.., role)| *role)
}

/// One step.
pub(super) struct Step {
    /// The account; empty for time itself.
    pub(super) who: &'static str,
    /// In words, 中文 and English.
    pub(super) title: String,
    pub(super) what: What,
}

/// What is done.
pub(super) enum What {
    Put { plural: &'static str, kind: &'static str, name: &'static str, spec: Value },
    Act { path: &'static str, verb: &'static str, body: Value, state: &'static str },
    Look { path: &'static str, state: &'static str },
    Pass { days: u64 },
    Today,
    Call { expected: &'static str },
}

fn step(who: &'static str, title: &str, what: What) -> Step {
    Step { who, title: title.to_owned(), what }
}

fn act(
    who: &'static str,
    title: &str,
    path: &'static str,
    verb: &'static str,
    body: Value,
    state: &'static str,
) -> Step {
    step(who, title, What::Act { path, verb, body, state })
}

fn case(
    who: &'static str,
    title: &str,
    plural: &'static str,
    kind: &'static str,
    name: &'static str,
    spec: Value,
) -> Step {
    step(who, title, What::Put { plural, kind, name, spec })
}

fn pass(days: u64, title: &str) -> Step {
    step("", title, What::Pass { days })
}

/// The steps, in order. Objects that are declared and not decided on come from the demo's `world`.
pub(super) fn all(world: &World, public_key: &[u8; 32], begin: Timestamp) -> Result<Vec<Step>> {
    let mut steps = declared(world, public_key)?;
    steps.extend(registration(begin));
    steps.extend(exit_review());
    steps.extend(scenario());
    steps.extend(agreement_and_grant());
    steps.extend(calls());
    Ok(steps)
}

fn declared(world: &World, public_key: &[u8; 32]) -> Result<Vec<Step>> {
    const OBJECTS: &[(&str, &str, &str)] = &[
        ("wang", "Organisation", "data-bureau"),
        ("wang", "Organisation", "registry-centre"),
        ("wang", "Organisation", "market-regulator"),
        ("wang", "Organisation", "ndrc"),
        ("wang", "Organisation", "yunze-data"),
        ("wang", "Organisation", "yunze-bank"),
        ("sun", "ApplicationUnit", "bank"),
        ("zhao", "DataSet", "enterprises"),
        ("sun", "Upstream", "register"),
        ("sun", "Product", PRODUCT),
        ("zheng", "PriceAct", "ceilings-2025"),
        ("zheng", "Ceiling", "company-check-2025"),
        ("sun", "PriceAct", "operator-2025"),
        ("sun", "Price", "company-check-2025"),
    ];
    let mut steps = Vec::new();
    for (who, kind, name) in OBJECTS {
        let spec = world.specs.get(&(*kind, Id::new(name)?)).with_context(|| format!("{kind}/{name}"))?;
        let plural = world::KINDS.iter().find(|known| known.name == *kind).context("a kind")?.plural;
        let what = What::Put { plural, kind, name, spec: serde_json::from_str(spec)? };
        steps.push(step(who, &format!("声明 declares {kind}/{name}"), what));
    }
    let key = json!({"unit": "bank", "algorithm": "ed25519", "publicKey": BASE64_STANDARD.encode(public_key),
        "window": {"from": "2025-01-01", "until": "2030-01-01"}});
    let what = What::Put { plural: "credentials", kind: "Credential", name: CREDENTIAL, spec: key };
    steps.push(step("wu", "声明公钥凭据 declares a public key", what));
    Ok(steps)
}

fn document(name: &str) -> Value {
    json!({"name": name, "bytes": 1_024, "sha256": "ab".repeat(32)})
}

fn registration(begin: Timestamp) -> Vec<Step> {
    const PATH: &str = "registrations/company-check-1";
    let window = json!({"from": "2025-01-01", "until": "2030-01-01"});
    let code = "91690000MA0001296J";
    let spec = json!({
        "basic": {
            "name": "企业身份核验", "type": "product", "class": "一般数据", "industry": "市场监管", "areas": ["云泽市"],
            "abstract": "核验企业名称与统一社会信用代码是否一致。", "tags": ["核验"], "firstDelivery": date(begin),
            "product": PRODUCT, "form": "verification", "resourceName": "企业登记信息",
            "resourceCode": "DJ-20250101-ENTERPRISES-0", "authorised": window, "purpose": "开户时核验企业身份",
        },
        "agency": {"principal": "云泽公共数据运营有限公司", "code": code, "window": window, "contract": document("委托书.pdf")},
        "storage": {
            "origin": "履职产生", "structure": "结构化", "format": "接口", "method": "数据库", "initialVolume": "1 GB",
            "updateFrequency": "每日", "updateMethod": "增量", "growth": "10 MB/月", "subjects": "企业", "coverage": "全市",
            "sensitive": false, "masked": false, "evidenceMethod": "哈希存证", "evidenceNote": "存证于本平台",
            "evidence": document("存证.pdf"),
        },
        "scenario": {"conditions": "签订授权协议", "scope": "本市", "audience": "银行", "problems": "冒名开户"},
        "sharing": {"type": "conditional", "conditions": "部门申请", "method": "接口", "open": false, "openConditions": "不开放"},
        "coOwners": [],
        "lawfulSource": {"proofs": [document("来源说明.pdf")], "pledged": true},
        "catalogue": {"fromExisting": true, "reference": "企业登记目录 1"},
        "attachments": [],
    });
    vec![
        case(
            "sun",
            "起草首次登记 drafts a registration",
            "registrations",
            "Registration",
            "company-check-1",
            spec,
        ),
        act("sun", "提交登记申请 submits it", PATH, "submit", json!({}), "submitted"),
        pass(2, "两天后 two days later"),
        act("li", "受理 accepts it (3 working days)", PATH, "accept", json!({}), "accepted"),
        pass(5, "五天后 five days later"),
        act(
            "li",
            "审查 reviews it",
            PATH,
            "review",
            json!({"reason": "材料齐全", "passed": true}),
            "in-review",
        ),
        act("li", "欲自行批准 tries to approve it as well", PATH, "approve", json!({}), "C1105"),
        act("chen", "审查通过，进入公示 approves; publicity begins", PATH, "approve", json!({}), "publicity"),
        pass(24, "公示十个工作日 ten working days of publicity pass"),
        step(
            "li",
            "公示期满，凭证生效 the certificate is in force",
            What::Look { path: PATH, state: "certified" },
        ),
    ]
}

fn exit_review() -> Vec<Step> {
    const PATH: &str = "exit-reviews/company-check-1";
    let found = |reason: &str| json!({"noRawData": true, "notReversible": true, "noJoiningRisk": true, "reason": reason});
    let spec = json!({"product": PRODUCT, "evidence": "出域测试报告第 12 号"});
    vec![
        case(
            "sun",
            "申请出域审核 asks for the exit review",
            "exit-reviews",
            "ExitReview",
            "company-check-1",
            spec,
        ),
        act("sun", "提交出域审核 submits it", PATH, "submit", json!({}), "review"),
        act("zhou", "专家意见 the expert's finding", PATH, "opine", found("只答是否一致"), "review"),
        act("wang", "审核通过 passes it", PATH, "pass", found("不含原始数据"), "passed"),
    ]
}

fn scenario() -> Vec<Step> {
    const PLAN: &str = "emergency-plans/bank-plan";
    const PATH: &str = "scenarios/bank-onboarding";
    let plan = json!({"unit": "bank", "title": "数据安全事件应急处置预案", "officer": "林望舒", "contact": "安全部",
        "events": ["数据泄露"], "steps": ["停止调用", "报告主管部门"]});
    let spec = json!({
        "unit": "bank", "title": "企业开户核验", "purpose": "industry", "mode": "scenario",
        "necessity": "仅核验名称与代码", "needs": [{"product": PRODUCT, "operations": ["verify"]}],
        "window": {"from": "2026-01-01", "until": "2028-01-01"}, "measures": ["专线接入", "双人复核"],
        "securityOfficer": "林望舒", "emergencyPlan": "bank-plan",
    });
    let opinion = json!({"favourable": true, "reason": "用途明确，最小必要"});
    vec![
        case(
            "wu",
            "编制应急预案 writes an emergency plan",
            "emergency-plans",
            "EmergencyPlan",
            "bank-plan",
            plan,
        ),
        act("wu", "提交预案 submits it", PLAN, "submit", json!({}), "submitted"),
        act("feng", "预案备案 files it", PLAN, "file", json!({"reason": "内容完整"}), "filed"),
        case("wu", "申请应用场景 applies for a scenario", "scenarios", "Scenario", "bank-onboarding", spec),
        act("wu", "提交场景申请 submits it", PATH, "submit", json!({}), "provider-review"),
        act("zhao", "提供单位同意 the provider agrees", PATH, "agree", json!({}), "expert-review"),
        act("zhou", "专家意见 the expert's opinion", PATH, "opine", opinion, "decision"),
        act(
            "wang",
            "主管部门批准 the authority approves",
            PATH,
            "approve",
            json!({"reason": "同意"}),
            "approved",
        ),
    ]
}

fn agreement_and_grant() -> Vec<Step> {
    const PATH: &str = "agreements/bank-2026";
    const GRANT: &str = "grants/bank-company";
    let agreement = json!({
        "unit": "bank", "scenarios": ["bank-onboarding"], "window": {"from": "2026-01-01", "until": "2028-01-01"},
        "parties": ["data-bureau", "yunze-data", "yunze-bank"],
        "split": [{"party": "data-bureau", "parts": 3_000}, {"party": "yunze-data", "parts": 7_000}],
        "securityOfficer": "林望舒", "scope": "企业身份核验",
    });
    let grant = json!({
        "unit": "bank", "scenario": "bank-onboarding", "agreement": "bank-2026", "product": PRODUCT,
        "operations": ["verify"], "window": {"from": "2026-01-01", "until": "2028-01-01"},
        "rate": {"calls": 100, "perSeconds": 1}, "quota": {"max": 1_000, "per": "month"},
    });
    vec![
        case("wu", "起草授权协议 drafts the agreement", "agreements", "Agreement", "bank-2026", agreement),
        act("wu", "提交签署 submits it for signing", PATH, "submit", json!({}), "signing"),
        act("wu", "应用单位签署 the unit signs", PATH, "sign", json!({}), "signing"),
        act("sun", "运营机构签署 the operator signs", PATH, "sign", json!({}), "signing"),
        act("wang", "主管部门签署，协议生效 the authority signs", PATH, "sign", json!({}), "in-force"),
        step("", "回到今天 back to today", What::Today),
        step("wu", "授权前调用 calls before the grant", What::Call { expected: "C206" }),
        case("wu", "申请授权 asks for the grant", "grants", "Grant", "bank-company", grant),
        act("qian", "授予 issues it", GRANT, "issue", json!({}), "active"),
    ]
}

fn calls() -> Vec<Step> {
    const STOP: &str = "suspensions/stop-1";
    let stop =
        json!({"target": {"kind": "Product", "name": PRODUCT}, "emergency": true, "reason": "异常批量调用"});
    vec![
        step("wu", "调用 calls the product", What::Call { expected: "consistent" }),
        case("qian", "紧急关闭 emergency stop", "suspensions", "Suspension", "stop-1", stop),
        step("wu", "关闭后调用 calls after the stop", What::Call { expected: "C208" }),
        act(
            "wang",
            "主管部门确认 the authority confirms",
            STOP,
            "confirm",
            json!({"reason": "情况属实"}),
            "in-force",
        ),
        act("feng", "恢复 resumes", STOP, "resume", json!({"reason": "整改完成"}), "lifted"),
        step("wu", "恢复后调用 calls after resumption", What::Call { expected: "consistent" }),
    ]
}
