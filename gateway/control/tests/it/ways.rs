//! Ways of cases through their verbs, which the tests walk: every kind, every verb, by persons of the town.

use std::time::Duration;

use serde_json::{Value, json};
use shuzha_control::{Error, Outcome, Request, Rules};
use shuzha_products::jurisdiction::{calendar, pack};
use shuzha_testkit_control::{TestWorld, by, example, grant, id};

/// A step: who does which verb with which body.
pub(crate) type Step = (&'static str, &'static str, Value);

/// One way of a case through its verbs: its kind, who opens it with which spec, and who then does what.
pub(crate) struct Way {
    pub(crate) kind: &'static str,
    pub(crate) opener: &'static str,
    pub(crate) spec: Value,
    pub(crate) steps: Vec<Step>,
}

/// Who stands for the time that passes, in days, and for what it does.
pub(crate) const TIME: &str = "time";

impl Way {
    /// The town in which the case was opened under `name`. Registrations go by the rules of Gansu, which have every step.
    pub(crate) fn begin(&self, name: &str) -> TestWorld {
        let town = TestWorld::authorised();
        if self.kind == "Registration" {
            let rules = Rules { jurisdiction: pack("gansu").expect("known"), calendar: calendar().clone() };
            town.plane.control.set_rules(rules).expect("taken");
            // Longer than the registrations run.
            town.operating_until("yunze-2026", "2031-01-01");
        }
        if matches!(self.kind, "PrivacyRefund" | "PrivacyRaise") {
            counted(&town);
        }
        if self.kind == "PrivacyRaise" {
            shared(&town);
        }
        town.open(self.opener, self.kind, name, &self.spec);
        town
    }

    /// Does a step, or only tries it.
    pub(crate) fn take(
        &self,
        town: &TestWorld,
        (who, verb, body): (&str, &str, &Value),
        name: &str,
        dry_run: bool,
    ) -> Result<Outcome, Error> {
        // Whoever objects may not see the case, and knows no version of it.
        let public = self.kind == "Registration" && verb == "object";
        let expected = town.plane.version(self.kind, name).filter(|_| !public);
        let request = Request { expected, reason: "核查属实", dry_run, ..Request::default() };
        town.plane.control.act(&by(who), self.kind, &id(name), verb, body, &request)
    }
}

/// Lets days pass, and what is due happen.
pub(crate) fn pass(town: &TestWorld, days: &Value) {
    let days = days.as_u64().expect("a number of days");
    town.plane.clock.advance(Duration::from_secs(days * 86_400));
    while town.plane.control.tick().expect("answers") > 0 {}
}

/// A data set that is charged for in privacy.
pub(crate) fn counted(town: &TestWorld) {
    for (who, kind, name) in [
        ("wang", "Organisation", "statistics-bureau"),
        ("wang", "PersonSpace", "census-sample"),
        ("wang", "DataSet", "census"),
    ] {
        let mut spec = example(kind, name);
        if let Some(quotas) = spec.pointer_mut("/privacy/quotas").and_then(Value::as_object_mut) {
            quotas.remove("overrides");
        }
        town.put(who, kind, name, &spec).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

/// Two data sets over people of their own, of two providers.
pub(crate) fn shared(town: &TestWorld) {
    let people = json!({"measure": "pure-eps", "cap": "2"});
    town.put("wang", "PersonSpace", "residents", &people).expect("declared");
    for (name, provider) in [("doors", "police"), ("shops", "market-regulator")] {
        let mut set = example("DataSet", "census");
        set["provider"] = provider.into();
        set["privacy"]["personSpace"] = "residents".into();
        set["privacy"]["cap"] = "1.5".into();
        set["privacy"]["quotas"] = json!({"default": "0.1"});
        town.put("wang", "DataSet", name, &set).expect("declared");
    }
}

/// A raise of what [`shared`] declares.
pub(crate) fn raise(cap: &str) -> Value {
    json!({"personSpace": "residents", "dataSets": ["doors", "shops"], "cap": cap, "cause": "新增年度数据"})
}

fn raises() -> Vec<Way> {
    let asked = [plain("jiang", "submit"), plain("zhao", "agree")];
    vec![
        way(
            "PrivacyRaise",
            "jiang",
            &raise("3"),
            &[&asked, &[plain("wang", "approve"), (TIME, "pass", json!(40))]],
        ),
        way("PrivacyRaise", "jiang", &raise("3"), &[&asked, &[plain("wang", "reject")]]),
    ]
}

/// Every way. Activation of a scenario, which takes two cases, is not among them.
pub(crate) fn ways() -> Vec<Way> {
    [scenarios(), agreements(), suspensions(), reviews(), others(), registrations(), refunds(), raises()]
        .into_iter()
        .flatten()
        .collect()
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
        "window": window(), "measures": ["专线接入"], "securityOfficer": "林望舒", "emergencyPlan": "bank-plan",
        "volume": {"callsPerDay": 20_000, "subjectsPerDay": 5_000}});
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
    let mut operating = shuzha_testkit_control::operating_agreement("2026-01-01", "2029-01-01");
    operating["mode"] = "scenario".into();
    operating["scenario"] = "onboarding".into();
    operating["dataSets"] = json!(["enterprises"]);
    operating.as_object_mut().expect("an object").remove("providers");
    let operates =
        [plain("wang", "submit"), plain("feng", "approve"), plain("wang", "sign"), plain("sun", "sign")];
    let ends = [
        digest("wang", "file"),
        plain("feng", "terminate"),
        digest("sun", "hand-over"),
        digest("sun", "destroy"),
        plain("wang", "archive"),
    ];
    vec![
        way("OperatingAgreement", "wang", &operating, &[&operates, &ends]),
        way("OperatingAgreement", "wang", &operating, &[&[plain("wang", "submit"), plain("feng", "return")]]),
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

fn document(name: &str) -> Value {
    json!({"name": name, "bytes": 1_024, "sha256": "ab".repeat(32)})
}

/// What a registration of the town's product records.
pub(crate) fn registration() -> Value {
    let window = json!({"from": "2025-01-01", "until": "2033-01-01"});
    json!({
        "basic": {
            "name": "企业身份核验", "type": "product", "class": "一般数据", "industry": "市场监管", "areas": ["云泽市"],
            "abstract": "核验。", "tags": ["核验"], "firstDelivery": "2026-01-20", "product": "company-check",
            "form": "verification", "resourceName": "企业登记信息", "resourceCode": "DJ-20250101-ENTERPRISES-0",
            "authorised": window, "purpose": "供经批准的应用场景使用",
        },
        "storage": {
            "origin": "履职产生", "structure": "结构化", "format": "接口", "method": "数据库", "initialVolume": "1 GB",
            "updateFrequency": "每日", "updateMethod": "增量", "growth": "10 MB/月", "subjects": "企业", "coverage": "全市",
            "sensitive": false, "masked": false, "evidenceMethod": "哈希存证", "evidence": document("存证.pdf"),
        },
        "scenario": {"conditions": "签订授权协议", "scope": "本市", "audience": "银行", "problems": "冒名开户"},
        "sharing": {"type": "conditional", "conditions": "部门申请", "method": "接口", "open": false},
        "lawfulSource": {"proofs": [document("来源说明.pdf")], "pledged": true},
        "catalogue": {"fromExisting": true},
    })
}

/// One registration for all its life: first applied for, objected to, changed, corrected, renewed, cancelled, suspended, revoked.
fn registrations() -> Vec<Way> {
    let proof = || "ab".repeat(32);
    let passed = || ("li", "review", json!({"passed": true}));
    let first = [
        plain("sun", "submit"),
        ("li", "return", json!({"missing": ["授权书"]})),
        plain("sun", "submit"),
        plain("li", "accept"),
        passed(),
        plain("chen", "approve"),
        ("he", "object", json!({"proof": proof()})),
        ("chen", "resolve-objection", json!({"objection": 1, "outcome": "uphold"})),
        (TIME, "pass", json!(40)),
    ];
    let changed = [
        ("sun", "change", json!({"content": registration(), "of": "other", "since": "2026-03-01"})),
        plain("li", "accept"),
        passed(),
        plain("chen", "approve"),
        (TIME, "pass", json!(30)),
        ("zhao", "correct", json!({"content": registration(), "evidence": proof()})),
        plain("sun", "withdraw"),
    ];
    let ended = [
        (TIME, "pass", json!(1_010)),
        plain("sun", "renew"),
        plain("li", "accept"),
        passed(),
        ("chen", "reject", json!({"ground": "law"})),
        ("sun", "cancel", json!({"ground": "waived", "evidence": proof()})),
        plain("li", "refuse"),
        plain("wang", "suspend"),
        plain("wang", "resume"),
        ("chen", "revoke", json!({"ground": "fraud", "evidence": proof()})),
    ];
    vec![way("Registration", "sun", &registration(), &[&first, &changed, &ended])]
}

fn refunds() -> Vec<Way> {
    let spec = json!({"unit": "bank", "dataSet": "census", "request": "019a2b3c-4d5e-7f00-8a1b-2c3d4e5f6071",
        "cause": "统计服务当日停机"});
    let submit = [plain("wu", "submit")];
    vec![
        way("PrivacyRefund", "wu", &spec, &[&submit, &[plain("wang", "approve")]]),
        way("PrivacyRefund", "wu", &spec, &[&submit, &[plain("wang", "reject")]]),
    ]
}
