//! Every verb of every case, done twice by the same person with the same words: the second time it is refused, or changes
//! nothing of the state, its times included.

use std::time::Duration;

use serde_json::{Value, json};
use shuzha_products::case::KINDS;

use crate::town::{Town, grant};

/// A step: who does which verb with which body.
type Step = (&'static str, &'static str, Value);

/// One way of a case through its verbs: its kind, who opens it with which spec, and who then does what.
struct Way {
    kind: &'static str,
    opener: &'static str,
    spec: Value,
    steps: Vec<Step>,
}

fn way(kind: &'static str, opener: &'static str, spec: &Value, steps: &[&[Step]]) -> Way {
    Way { kind, opener, spec: spec.clone(), steps: steps.concat() }
}

fn plain(who: &'static str, verb: &'static str) -> Step {
    (who, verb, json!({}))
}

fn digest(who: &'static str, verb: &'static str) -> Step {
    (who, verb, json!({"digest": "ab".repeat(32)}))
}

fn window() -> Value {
    json!({"from": "2026-01-01", "until": "2028-01-01"})
}

/// How a right ends, from in force.
fn ending() -> Vec<Step> {
    vec![
        ("wang", "suspend", json!({"rectifyBy": "2026-12-01"})),
        plain("wang", "resume"),
        plain("wang", "terminate"),
        digest("wu", "hand-over"),
        digest("wu", "destroy"),
        plain("wang", "archive"),
    ]
}

fn scenarios() -> Vec<Way> {
    let spec = json!({"unit": "bank", "title": "企业开户核验", "purpose": "industry", "mode": "scenario",
        "necessity": "仅核验", "needs": [{"product": "company-check", "operations": ["verify"]}],
        "window": window(), "measures": ["专线接入"], "securityOfficer": "林望舒", "emergencyPlan": "bank-plan"});
    let applied =
        [plain("wu", "submit"), plain("zhao", "agree"), ("zhou", "opine", json!({"favourable": true}))];
    let used = [plain("wang", "approve")];
    vec![
        way("Scenario", "wu", &spec, &[&applied, &used, &ending()]),
        way("Scenario", "wu", &spec, &[&applied, &[plain("wang", "reject")]]),
        way("Scenario", "wu", &spec, &[&applied, &[plain("wang", "return")]]),
        way("Scenario", "wu", &spec, &[&[plain("wu", "submit"), plain("zhao", "decline")]]),
    ]
}

fn agreements() -> Vec<Way> {
    let spec = json!({"unit": "bank", "scenarios": ["onboarding"], "window": window(),
        "parties": ["data-bureau", "yunze-data", "yunze-bank"],
        "split": [{"party": "data-bureau", "parts": 3_000}, {"party": "yunze-data", "parts": 7_000}],
        "securityOfficer": "林望舒", "scope": "企业身份核验"});
    let signed = [plain("wu", "submit"), plain("wu", "sign"), plain("sun", "sign"), plain("wang", "sign")];
    let grant = grant("2026-02-01", "2027-01-01");
    vec![
        way("Agreement", "wu", &spec, &[&signed, &ending()]),
        way("Agreement", "wu", &spec, &[&[plain("wu", "submit"), plain("sun", "return")]]),
        way("Grant", "wu", &grant, &[&[plain("sun", "issue"), plain("sun", "revoke")]]),
        way("Grant", "wu", &grant, &[&[plain("sun", "reject")]]),
    ]
}

fn suspensions() -> Vec<Way> {
    let stop = |emergency: bool| {
        json!({"target": {"kind": "ApplicationUnit", "name": "bank"}, "emergency": emergency,
            "rectifyBy": "2026-12-01", "reason": "数据风险"})
    };
    let report = json!({"occurred": "2026-01-31T23:50:00Z", "what": "异常批量调用", "affected": "核验产品",
        "measures": "已紧急关闭", "contact": "值班室"});
    let ordered = [
        plain("feng", "order"),
        ("wu", "report", report.clone()),
        plain("wu", "rectified"),
        plain("feng", "terminate"),
    ];
    let confirmed = [("root", "report", report), plain("wang", "confirm"), plain("wang", "resume")];
    vec![
        way("Suspension", "wang", &stop(false), &[&ordered]),
        way("Suspension", "wang", &stop(false), &[&[plain("feng", "reject")]]),
        way("Suspension", "root", &stop(true), &[&confirmed]),
    ]
}

fn reviews() -> Vec<Way> {
    let findings =
        |who, verb| (who, verb, json!({"noRawData": true, "notReversible": true, "noJoiningRisk": true}));
    let review = json!({"product": "company-check", "evidence": "测试报告"});
    let submit = [plain("sun", "submit")];
    let found = [findings("zhou", "opine"), findings("zhao", "opine"), findings("wang", "pass")];
    let plan = json!({"unit": "bank", "title": "应急处置预案", "officer": "林望舒", "contact": "安全部",
        "events": ["数据泄露"], "steps": ["停止调用"]});
    let drill = json!({"held": "2026-01-05", "result": "达到预期", "digest": "ab".repeat(32)});
    let filed =
        [plain("wu", "submit"), plain("feng", "file"), ("wu", "drill", drill), plain("feng", "retire")];
    vec![
        way("ExitReview", "sun", &review, &[&submit, &found]),
        way("ExitReview", "sun", &review, &[&submit, &[plain("wang", "fail")]]),
        way("EmergencyPlan", "wu", &plan, &[&filed]),
        way("EmergencyPlan", "wu", &plan, &[&[plain("wu", "submit"), plain("feng", "return")]]),
    ]
}

fn others() -> Vec<Way> {
    let import = json!({"unit": "bank", "scenario": "onboarding", "title": "社会数据", "source": "自有",
        "lawfulBasis": "合同", "purpose": "比对", "personal": false, "measures": ["隔离"], "window": window()});
    let submit = [plain("wu", "submit")];
    let brought = [plain("wang", "approve"), digest("sun", "import"), digest("sun", "remove")];
    let ticket = json!({"product": "company-check", "dataSet": "enterprises", "title": "名称有误", "description": "变更未更新"});
    let answered =
        [("zhao", "answer", json!({"verdict": "corrected"})), plain("wu", "object"), plain("wang", "rule")];
    vec![
        way("SocialImport", "wu", &import, &[&submit, &brought]),
        way("SocialImport", "wu", &import, &[&submit, &[plain("wang", "reject")]]),
        way("SocialImport", "wu", &import, &[&submit, &[plain("wang", "return")]]),
        way("Ticket", "wu", &ticket, &[&answered]),
        way("Ticket", "wu", &ticket, &[&[plain("wu", "close")]]),
    ]
}

fn state(town: &Town, kind: &str, name: &str) -> String {
    let object = town.house.register.get(kind, name).expect("answers").expect("there");
    object.state.expect("a case").json
}

fn activated_twice() {
    let town = Town::authorised();
    let body = json!({"agreement": "bank-2026"});
    town.act("sun", "Scenario", "onboarding", "activate", &body).expect("once");
    let kept = town.house.dump();
    let again = town.act("sun", "Scenario", "onboarding", "activate", &body);
    assert_eq!(crate::house::code(again), shuzha_core::Code::C1007);
    assert_eq!(town.house.dump(), kept);
}

#[test]
fn every_verb_done_twice_is_refused_or_changes_nothing() {
    // Activation names an agreement about the scenario itself, which takes two cases.
    let mut met: Vec<(&str, &str)> = vec![("Scenario", "activate")];
    activated_twice();
    let ways = [scenarios(), agreements(), suspensions(), reviews(), others()];
    for (at, way) in ways.into_iter().flatten().enumerate() {
        let town = Town::authorised();
        let name = format!("twice-{at}");
        town.open(way.opener, way.kind, &name, &way.spec);
        for (who, verb, body) in &way.steps {
            let done = town.act(who, way.kind, &name, verb, body);
            done.unwrap_or_else(|error| panic!("{who} {verb} {}/{name}: {error:?}", way.kind));
            met.push((way.kind, verb));
            let (before, kept) = (state(&town, way.kind, &name), town.house.dump());
            town.house.clock.advance(Duration::from_secs(7));
            let again = town.act(who, way.kind, &name, verb, body);
            assert_eq!(state(&town, way.kind, &name), before, "{who} {verb} {} twice", way.kind);
            assert!(again.is_ok() || town.house.dump() == kept, "a refusal changes nothing");
        }
    }
    // Registrations have their own matrix beside the machine; refunds need a recorded call.
    for case in KINDS.iter().filter(|case| !matches!(case.kind, "Registration" | "PrivacyRefund")) {
        for verb in case.verbs {
            assert!(met.contains(&(case.kind, verb.name)), "{} {} was not tried", case.kind, verb.name);
        }
    }
}

#[test]
fn an_agreement_is_signed_once_by_each_party_and_the_time_stays() {
    let town = Town::authorised();
    let spec = town.house.register.get("Agreement", "bank-2026").expect("answers").expect("there").spec;
    town.open("wu", "Agreement", "second", &serde_json::from_str(&spec).expect("JSON"));
    town.done("wu", "Agreement", "second", "submit");
    town.done("wu", "Agreement", "second", "sign");
    let (before, kept) = (state(&town, "Agreement", "second"), town.house.dump());
    town.house.clock.advance(Duration::from_secs(60));
    for who in ["wu", "zhang"] {
        let again = town.act(who, "Agreement", "second", "sign", &json!({}));
        assert_eq!(crate::house::code(again), shuzha_core::Code::C1007, "{who}");
    }
    assert_eq!(state(&town, "Agreement", "second"), before);
    assert_eq!(town.house.dump(), kept);
}
