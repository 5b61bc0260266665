//! What steps are made of, and those that are told in full: one product from its registration to its first call.

use anyhow::Result;
use serde_json::{Value, json};
use shuzha_control::Kind;

use super::town::{OPERATOR, Town};

/// The product that the story is about.
pub(super) const PRODUCT: &str = "company-check";
/// The scenario it is called in, of whom, and under which agreement and grant.
pub(super) const SCENARIO: &str = "bank-onboarding";
const UNIT: &str = "bank";
const AGREEMENT: &str = "bank-2025";
pub(super) const GRANT: &str = "bank-company";
/// The credential of the bank in the story: an Ed25519 key that never leaves its holder.
pub(super) const CREDENTIAL: &str = "bank-ed25519";

/// One step.
pub(super) struct Step {
    /// The account; empty for time itself.
    pub(super) who: &'static str,
    /// In words, 中文 and English.
    pub(super) title: String,
    pub(super) what: What,
    /// The line that it is told in together with others; none for a line of its own.
    pub(super) line: Option<String>,
}

/// What is done.
pub(super) enum What {
    Put { kind: Kind, name: String, spec: Value },
    Act { path: String, verb: &'static str, body: Value, state: &'static str },
    Look { path: String, state: &'static str },
    Pass { days: u64 },
    Today,
    Call { expected: &'static str },
}

/// Steps that belong together.
pub(super) struct Chapter {
    pub(super) title: &'static str,
    pub(super) steps: Vec<Step>,
}

impl Step {
    pub(super) fn new(who: &'static str, title: &str, what: What) -> Self {
        Self { who, title: title.to_owned(), what, line: None }
    }

    /// The same step, told in one line with others.
    pub(super) fn within(self, line: &str) -> Self {
        Self { line: Some(line.to_owned()), ..self }
    }
}

/// Something done to a case, which is in `state` then.
pub(super) fn act(
    who: &'static str,
    title: &str,
    path: &str,
    verb: &'static str,
    body: Value,
    state: &'static str,
) -> Step {
    Step::new(who, title, What::Act { path: path.to_owned(), verb, body, state })
}

/// An object written, or a case opened.
pub(super) fn put(who: &'static str, title: &str, kind: &str, name: &str, spec: Value) -> Result<Step> {
    let kind = Kind::find(kind).ok_or_else(|| anyhow::anyhow!("there is no kind {kind}"))?;
    Ok(Step::new(who, title, What::Put { kind, name: name.to_owned(), spec }))
}

fn call(title: &str, expected: &'static str) -> Step {
    Step::new("wu", title, What::Call { expected })
}

fn pass(days: u64, title: &str) -> Step {
    Step::new("", title, What::Pass { days })
}

fn reason(words: &str) -> Value {
    json!({ "reason": words })
}

/// The chapters, in order.
pub(super) fn chapters(town: &Town) -> Result<Vec<Chapter>> {
    let chapter = |title, steps| Chapter { title, steps };
    Ok(vec![
        chapter("一、授权运营 Authorisation of operation (Gansu-O 13–20)", operation(town)?),
        chapter("二、声明 Declarations", town.declared()?),
        chapter("三、登记 Registration (Gansu-R 23–34)", registration(town)?),
        chapter("四、出域审查 Exit review (Gansu-O 26)", exit_review(town)?),
        chapter(
            "五、应用场景（一场景一授权一申请） Scenarios: one application and one authorisation each",
            scenario(town)?,
        ),
        chapter("六、应用服务协议 Service agreements", agreement(town)?),
        chapter("七、授权、调用、紧急关闭 Grants, calls, an emergency stop", grant_and_calls(town)?),
        chapter("八、暂停运营机构 The operator suspended (Gansu-O 21)", operator_stopped()?),
    ])
}

/// Everything of an operator stops with it, and goes on when it may operate again.
fn operator_stopped() -> Result<Vec<Step>> {
    const STOP: &str = "suspensions/operator-stop";
    let spec = json!({
        "target": {"kind": "Organisation", "name": OPERATOR}, "emergency": true, "reason": "重大数据安全事件",
    });
    let title = "紧急关闭运营机构 stops the operator";
    let confirms = "另一人确认 a second person confirms";
    Ok(vec![
        put("wang", title, "Suspension", "operator-stop", spec)?,
        call("运营机构关闭后调用 calls after the stop", "C208"),
        act("feng", confirms, STOP, "confirm", reason("情况属实"), "in-force"),
        act("feng", "恢复 resumes", STOP, "resume", reason("整改完成"), "lifted"),
        call("恢复后调用 calls after resumption", "consistent"),
    ])
}

/// All products are registered side by side; the story follows one.
fn registration(town: &Town) -> Result<Vec<Step>> {
    let path = &format!("registrations/{PRODUCT}");
    let first = town.registrations(PRODUCT)?;
    let mut steps = first.drafted;
    steps.extend(town.others_registered(|other| other.drafted)?);
    steps.push(pass(2, "两天后 two days later"));
    steps.push(act(
        "li",
        "受理，限三个工作日 accepts it, within 3 working days",
        path,
        "accept",
        json!({}),
        "accepted",
    ));
    steps.extend(town.others_registered(|other| other.accepted)?);
    steps.push(pass(5, "五天后 five days later"));
    let passed = json!({"reason": "材料齐全", "passed": true});
    steps.push(act("li", "审查 reviews it", path, "review", passed, "in-review"));
    steps.push(act(
        "li",
        "欲自行批准：回避 tries to approve it as well",
        path,
        "approve",
        json!({}),
        "C1105",
    ));
    let approves = "审查通过，进入公示 approves; publicity begins";
    steps.push(act("chen", approves, path, "approve", json!({}), "publicity"));
    steps.extend(town.others_registered(|other| other.approved)?);
    steps.push(pass(24, "公示十个工作日 ten working days of publicity pass"));
    let look = What::Look { path: path.clone(), state: "certified" };
    steps.push(Step::new("li", "公示期满，凭证生效 the certificate is in force", look));
    steps.extend(town.others_registered(|other| other.certified)?);
    Ok(steps)
}

fn exit_review(town: &Town) -> Result<Vec<Step>> {
    let mut steps = town.exit_review(PRODUCT)?;
    for product in town.others() {
        let line = town.product_line(product)?;
        steps.extend(town.exit_review(product)?.into_iter().map(|step| step.within(&line)));
    }
    Ok(steps)
}

fn scenario(town: &Town) -> Result<Vec<Step>> {
    let mut steps = town.emergency_plan(UNIT)?;
    for unit in town.units().filter(|unit| *unit != UNIT) {
        let line = format!("应急预案 emergency plan: {unit}");
        steps.extend(town.emergency_plan(unit)?.into_iter().map(|step| step.within(&line)));
    }
    steps.extend(town.scenario(SCENARIO)?);
    for name in town.scenarios().filter(|name| *name != SCENARIO) {
        let line = format!("{name} {}", town.scenario_title(name)?);
        steps.extend(town.scenario(name)?.into_iter().map(|step| step.within(&line)));
    }
    steps.extend(town.privacy_quotas()?);
    Ok(steps)
}

fn agreement(town: &Town) -> Result<Vec<Step>> {
    let mut steps = town.agreement(AGREEMENT)?;
    for name in town.agreements().filter(|name| *name != AGREEMENT) {
        let line = format!("应用服务协议 service agreement: {name}");
        steps.extend(town.agreement(name)?.into_iter().map(|step| step.within(&line)));
    }
    Ok(steps)
}

fn grant_and_calls(town: &Town) -> Result<Vec<Step>> {
    const STOP: &str = "suspensions/stop-1";
    let stop =
        json!({"target": {"kind": "Product", "name": PRODUCT}, "emergency": true, "reason": "异常批量调用"});
    let mut steps = vec![
        Step::new("", "回到今天 back to today", What::Today),
        call("授权前调用 calls before the grant", "C206"),
    ];
    steps.extend(town.grant(GRANT)?);
    for name in town.grants().filter(|name| *name != GRANT) {
        let line = format!("授权 grants: {}", town.unit_of_grant(name)?);
        steps.extend(town.grant(name)?.into_iter().map(|step| step.within(&line)));
    }
    steps.push(call("调用 calls the product", "consistent"));
    steps.push(put("qian", "紧急关闭 emergency stop", "Suspension", "stop-1", stop)?);
    steps.push(call("关闭后调用 calls after the stop", "C208"));
    let confirms = "主管部门确认 the authority confirms";
    steps.push(act("wang", confirms, STOP, "confirm", reason("情况属实"), "in-force"));
    steps.push(act("feng", "恢复 resumes", STOP, "resume", reason("整改完成"), "lifted"));
    steps.push(call("恢复后调用 calls after resumption", "consistent"));
    steps.extend(town.suspensions()?);
    Ok(steps)
}

fn operation(town: &Town) -> Result<Vec<Step>> {
    let mut steps = town.organisations()?;
    steps.extend(town.operating_agreements()?);
    Ok(steps)
}
