//! The demo's world as work to be done: for every object that its files declare, the steps by which it comes into being
//! through the control API, each by a person whose it is to do.
//!
//! What no case can bring about — a certificate that ended before the story began, an agreement that nobody signed — is
//! not brought about: it is absent, and absence is denial as well.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, anyhow};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use shuzha_core::{Id, Role, Timestamp};
use shuzha_products::parties::ApplicationUnit;
use shuzha_products::product::Product;
use shuzha_products::world::{self, documents};
use shuzha_products::{World, WorldError};

use super::date;
use super::persons::acting_for;
use super::registered::content;
use super::steps::{CREDENTIAL, PRODUCT, Step, act, put};

/// Whose declarations these are.
const AUTHORITY: &str = "data-bureau";
pub(super) const OPERATOR: &str = "yunze-data";
/// The kind of organisations.
const ORGANISATION: &str = "Organisation";

/// The declared world, and when the story begins.
pub(super) struct Town {
    world: World,
    /// Every object as its file has it.
    specs: BTreeMap<(&'static str, Id), Value>,
    begin: Timestamp,
}

/// A product's registration, by the days on which its steps are taken.
pub(super) struct Registered {
    pub(super) drafted: Vec<Step>,
    pub(super) accepted: Vec<Step>,
    pub(super) approved: Vec<Step>,
    pub(super) certified: Vec<Step>,
}

/// What is declared to be suspended.
#[derive(Deserialize)]
struct Suspended {
    target: Map<String, Value>,
    reason: String,
}

impl Town {
    /// The world of `files`, (name, text) each.
    pub(super) fn read(files: &[(&str, &str)], begin: Timestamp) -> Result<Self> {
        let faulty = |faults: Vec<WorldError>| {
            let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
            anyhow!("the demo's world: {}", lines.join("; "))
        };
        let kinds: Vec<_> = world::KINDS.iter().map(|kind| kind.name).collect();
        let documents = documents(files, &kinds).map_err(faulty)?;
        let specs = documents.into_iter().map(|document| ((document.kind, document.name), document.spec));
        Ok(Self { specs: specs.collect(), world: World::parse(files).map_err(faulty)?, begin })
    }

    fn spec(&self, kind: &'static str, name: &str) -> Result<Value> {
        let spec = self.specs.get(&(kind, Id::new(name)?));
        Ok(spec.with_context(|| format!("{kind}/{name} is not declared"))?.clone())
    }

    /// The fields of a spec.
    pub(super) fn fields(&self, kind: &'static str, name: &str) -> Result<Map<String, Value>> {
        Ok(serde_json::from_value(self.spec(kind, name)?)?)
    }

    fn product(&self, name: &str) -> Result<&Product> {
        self.world.products.get(name).with_context(|| format!("there is no product {name}"))
    }

    fn unit(&self, name: &str) -> Result<&ApplicationUnit> {
        self.world.units.get(name).with_context(|| format!("there is no unit {name}"))
    }

    pub(super) fn names(&self, kind: &'static str) -> impl Iterator<Item = &str> {
        self.specs.keys().filter(move |(of, _)| *of == kind).map(|(_, name)| name.as_str())
    }

    /// The organisations, which are there before anything is agreed on.
    pub(super) fn organisations(&self) -> Result<Vec<Step>> {
        self.declares_all(|kind| kind == ORGANISATION)
    }

    /// Everything else that is declared and not decided on.
    pub(super) fn declared(&self) -> Result<Vec<Step>> {
        self.declares_all(|kind| !matches!(kind, "Jurisdiction" | ORGANISATION))
    }

    /// What is declared of some kinds, in an order in which references point backwards.
    fn declares_all(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        for kind in world::KINDS.iter().filter(|kind| kind.declared && wanted(kind.name)) {
            for name in self.names(kind.name) {
                let mut spec = self.spec(kind.name, name)?;
                let who = self.declares(kind.name, &spec)?;
                // A quota of a scenario comes when the scenario does: see `privacy_quotas`.
                if let Some(quotas) = spec.pointer_mut("/privacy/quotas").and_then(Value::as_object_mut) {
                    quotas.remove("overrides");
                }
                let line = format!("声明{} declares {}", kind.title_zh, kind.name);
                let step = put(who, &format!("{line}/{name}"), kind.name, name, spec)?;
                steps.push(if name == CREDENTIAL { step } else { step.within(&line) });
            }
        }
        Ok(steps)
    }

    /// Whose it is to declare this.
    fn declares(&self, kind: &str, spec: &Value) -> Result<&'static str> {
        let field = |name: &str| spec[name].as_str().unwrap_or_default();
        match kind {
            ORGANISATION | "ConsentIssuer" | "PersonSpace" => acting_for(AUTHORITY, Role::Authority),
            // The people behind statistics are the authority's to name.
            "DataSet" if spec.get("privacy").is_some() => acting_for(AUTHORITY, Role::Authority),
            "DataSet" => acting_for(field("provider"), Role::Provider),
            "TaxRate" => acting_for(OPERATOR, Role::Finance),
            "Ceiling" => acting_for("ndrc", Role::Pricing),
            "PriceAct" if field("issuer") == "ndrc" => acting_for("ndrc", Role::Pricing),
            "Credential" => self.applicant(field("unit")),
            _ => acting_for(OPERATOR, Role::Operator),
        }
    }

    /// Who applies for a unit.
    fn applicant(&self, unit: &str) -> Result<&'static str> {
        acting_for(self.unit(unit)?.organisation.as_str(), Role::ApplicationUnit)
    }

    /// The products that are registered beside the one that the story follows.
    pub(super) fn others(&self) -> impl Iterator<Item = &str> {
        let current = self.world.certificates.values().filter(|one| one.window.until() > self.begin);
        let products: BTreeSet<_> = current.map(|certificate| certificate.product.as_str()).collect();
        products.into_iter().filter(|product| *product != PRODUCT)
    }

    /// How a product is called in the story.
    pub(super) fn product_line(&self, product: &str) -> Result<String> {
        Ok(format!("{product} {}", self.product(product)?.title))
    }

    /// The steps of one part of the other products' registrations.
    pub(super) fn others_registered(&self, part: fn(Registered) -> Vec<Step>) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        for product in self.others() {
            let line = self.product_line(product)?;
            steps.extend(part(self.registrations(product)?).into_iter().map(|step| step.within(&line)));
        }
        Ok(steps)
    }

    /// A product's registration (登记).
    pub(super) fn registrations(&self, product: &str) -> Result<Registered> {
        let path = &format!("registrations/{product}");
        let declared = self.product(product)?;
        let data_set = declared.data_sets.first().context("a product has data")?;
        let of = (data_set.as_str(), &self.world.data_sets[data_set]);
        let content = content(product, declared, of, self.begin);
        let passed = json!({"reason": "材料齐全", "passed": true});
        let look = super::steps::What::Look { path: path.clone(), state: "certified" };
        Ok(Registered {
            drafted: vec![
                put("sun", "起草首次登记 drafts a registration", "Registration", product, content)?,
                act("sun", "提交登记申请 submits it", path, "submit", json!({}), "submitted"),
            ],
            accepted: vec![act("li", "受理 accepts it", path, "accept", json!({}), "accepted")],
            approved: vec![
                act("li", "审查 reviews it", path, "review", passed, "in-review"),
                act("chen", "进入公示 approves it", path, "approve", json!({}), "publicity"),
            ],
            certified: vec![Step::new("li", "凭证生效 the certificate is in force", look)],
        })
    }

    /// A product's exit review (出域审查).
    pub(super) fn exit_review(&self, product: &str) -> Result<Vec<Step>> {
        let path = &format!("exit-reviews/{product}");
        let found = |reason: &str| json!({"noRawData": true, "notReversible": true, "noJoiningRisk": true, "reason": reason});
        let spec = json!({"product": product, "evidence": format!("{product} 出域测试报告")});
        Ok(vec![
            put("sun", "申请出域审查 asks for the exit review", "ExitReview", product, spec)?,
            act("sun", "提交出域审查 submits it", path, "submit", json!({}), "review"),
            act(
                "zhou",
                "专家意见 the expert's finding",
                path,
                "opine",
                found("按输出契约，不能还原"),
                "review",
            ),
            act("wang", "审查通过 passes it", path, "pass", found("不含原始数据"), "passed"),
        ])
    }

    /// Units that apply for scenarios.
    pub(super) fn units(&self) -> impl Iterator<Item = &str> {
        let units: BTreeSet<_> =
            self.world.scenarios.values().map(|scenario| scenario.unit.as_str()).collect();
        units.into_iter()
    }

    /// A unit's emergency plan (应急预案).
    pub(super) fn emergency_plan(&self, unit: &str) -> Result<Vec<Step>> {
        let (who, name) = (self.applicant(unit)?, format!("{unit}-plan"));
        let path = &format!("emergency-plans/{name}");
        let officer = &self.unit(unit)?.security_officer;
        let spec = json!({"unit": unit, "title": "数据安全事件应急处置预案", "officer": officer, "contact": "安全部",
            "events": ["数据泄露", "异常批量调用"], "steps": ["停止调用", "报告主管部门"]});
        Ok(vec![
            put(who, "编制应急预案 writes an emergency plan", "EmergencyPlan", &name, spec)?,
            act(who, "提交预案 submits it", path, "submit", json!({}), "submitted"),
            act("feng", "预案备案 files it", path, "file", json!({"reason": "内容完整"}), "filed"),
        ])
    }

    /// Scenarios whose term has not ended.
    pub(super) fn scenarios(&self) -> impl Iterator<Item = &str> {
        let current = self.world.scenarios.iter().filter(|(_, one)| one.window.until() > self.begin);
        current.map(|(name, _)| name.as_str())
    }

    pub(super) fn scenario_title(&self, name: &str) -> Result<String> {
        Ok(self.world.scenarios.get(name).context("a scenario")?.title.clone())
    }

    /// A scenario (应用场景), applied for with what its grants need, and decided on.
    pub(super) fn scenario(&self, name: &str) -> Result<Vec<Step>> {
        let declared = self.world.scenarios.get(name).context("a scenario")?;
        let (who, path) = (self.applicant(declared.unit.as_str())?, &format!("scenarios/{name}"));
        let mut spec = self.fields("Scenario", name)?;
        let approved = spec.remove("approved") == Some(Value::Bool(true));
        let (mut needs, mut providers) = (Vec::new(), BTreeSet::new());
        let own = self.world.grants.iter().filter(|(_, grant)| grant.scenario.as_str() == name);
        for (name, grant) in own {
            let need = self.fields("Grant", name.as_str())?.into_iter();
            let need = need.filter(|(key, _)| ["product", "operations", "fields"].contains(&key.as_str()));
            needs.push(need.collect::<Map<_, _>>());
            let product = &self.world.products[&grant.product];
            providers.extend(product.data_sets.iter().map(|set| self.world.data_sets[set].provider.as_str()));
        }
        let plan = format!("{}-plan", declared.unit);
        let officer = self.unit(declared.unit.as_str())?.security_officer.as_str();
        for (field, value) in [
            ("mode", "scenario".into()),
            ("necessity", "仅用于办理本人申请的业务".into()),
            ("needs", json!(needs)),
            ("measures", json!(["专线接入", "双人复核"])),
            ("securityOfficer", officer.into()),
            ("emergencyPlan", plan.into()),
        ] {
            spec.insert(field.to_owned(), value);
        }
        let mut steps = vec![
            put(who, "申请应用场景 applies for a scenario", "Scenario", name, spec.into())?,
            act(who, "提交场景申请 submits it", path, "submit", json!({}), "provider-review"),
        ];
        for (at, provider) in (1..).zip(&providers) {
            let state = if at == providers.len() { "expert-review" } else { "provider-review" };
            let who = acting_for(provider, Role::Provider)?;
            steps.push(act(who, "提供单位同意 the provider agrees", path, "agree", json!({}), state));
        }
        let opinion = json!({"favourable": approved, "reason": if approved { "用途明确，最小必要" } else { "用途过宽" }});
        steps.push(act("zhou", "专家意见 the expert's opinion", path, "opine", opinion, "decision"));
        let reason = |words: &str| json!({"reason": words});
        steps.push(if approved {
            let title = "主管部门批准 the authority approves";
            act("wang", title, path, "approve", reason("同意"), "approved")
        } else {
            let title = "主管部门不予批准 the authority rejects";
            act("wang", title, path, "reject", reason("超出开户所必需"), "rejected")
        });
        Ok(steps)
    }

    /// Privacy quotas that providers set for single scenarios, now that there are scenarios.
    pub(super) fn privacy_quotas(&self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        for name in self.names("DataSet") {
            let spec = self.spec("DataSet", name)?;
            if spec.pointer("/privacy/quotas/overrides").is_some() {
                let who = self.declares("DataSet", &spec)?;
                let title = format!("设定场景的隐私配额 sets a scenario's privacy quota: {name}");
                steps.push(put(who, &title, "DataSet", name, spec)?.within(&title));
            }
        }
        Ok(steps)
    }

    /// Agreements, signed or not.
    pub(super) fn agreements(&self) -> impl Iterator<Item = &str> {
        self.world.agreements.keys().map(Id::as_str)
    }

    /// A service agreement (应用服务协议) about all scenarios that the unit was approved for; one that stays a draft is signed by the
    /// unit alone.
    pub(super) fn agreement(&self, name: &str) -> Result<Vec<Step>> {
        let declared = self.world.agreements.get(name).context("an agreement")?;
        let unit = declared.unit.as_str();
        let (who, path) = (self.applicant(unit)?, &format!("agreements/{name}"));
        let mut spec = self.fields("Agreement", name)?;
        let scenarios: Vec<_> = self.scenarios().filter(|scenario| self.approved(scenario, unit)).collect();
        let officer = &self.unit(unit)?.security_officer;
        let organisation = self.world.units[unit].organisation.as_str();
        spec.remove("signed");
        for (field, value) in [
            ("scenarios", json!(scenarios)),
            ("parties", json!([AUTHORITY, OPERATOR, organisation])),
            ("split", json!([{"party": AUTHORITY, "parts": 3_000}, {"party": OPERATOR, "parts": 7_000}])),
            ("securityOfficer", officer.as_str().into()),
            ("scope", "经批准的应用场景所需的数据产品".into()),
        ] {
            spec.insert(field.to_owned(), value);
        }
        let sign = |who, title: &str, state| act(who, title, path, "sign", json!({}), state);
        let mut steps = vec![
            put(who, "起草应用服务协议 drafts the service agreement", "Agreement", name, spec.into())?,
            act(who, "提交签署 submits it for signing", path, "submit", json!({}), "signing"),
            sign(who, "应用单位签署 the unit signs", "signing"),
        ];
        if declared.signed {
            steps.push(sign("sun", "运营机构签署 the operator signs", "signing"));
            steps.push(sign("wang", "主管部门签署，协议生效 the authority signs", "in-force"));
        }
        Ok(steps)
    }

    fn approved(&self, scenario: &str, unit: &str) -> bool {
        let found = self.world.scenarios.get(scenario);
        found.is_some_and(|found| {
            found.approved && found.unit.as_str() == unit && found.window.until() > self.begin
        })
    }

    /// Grants that stand under an approved scenario and a signed agreement, with a term to come.
    pub(super) fn grants(&self) -> impl Iterator<Item = &str> {
        let current = self.world.grants.iter().filter(|(_, grant)| {
            let agreement = self.world.agreements.get(&grant.agreement);
            self.approved(grant.scenario.as_str(), grant.unit.as_str())
                && agreement.is_some_and(|agreement| agreement.signed)
                && grant.window.until() > self.begin
        });
        current.map(|(name, _)| name.as_str())
    }

    pub(super) fn unit_of_grant(&self, name: &str) -> Result<&str> {
        Ok(self.world.grants.get(name).context("a grant")?.unit.as_str())
    }

    /// A grant (授权): applied for by the unit, given by the operator.
    pub(super) fn grant(&self, name: &str) -> Result<Vec<Step>> {
        let who = self.applicant(self.unit_of_grant(name)?)?;
        let path = &format!("grants/{name}");
        Ok(vec![
            put(who, "申请授权 asks for the grant", "Grant", name, self.spec("Grant", name)?)?,
            act("qian", "授予 issues it", path, "issue", json!({}), "active"),
        ])
    }

    /// Orders to close something until it is put right (暂时关闭，限期整改).
    pub(super) fn suspensions(&self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        for name in self.names("Suspension") {
            let Suspended { target, reason } = serde_json::from_value(self.spec("Suspension", name)?)?;
            let until = date(self.begin.plus(std::time::Duration::from_secs(120 * 86_400)));
            let line = format!(
                "限期整改 suspended to be put right: {}",
                target.get("name").and_then(Value::as_str).unwrap_or("?")
            );
            let spec = json!({"target": target, "emergency": false, "rectifyBy": until, "reason": reason});
            let reason = json!({"reason": reason});
            let path = &format!("suspensions/{name}");
            steps
                .push(put("wang", "拟定关闭 proposes a suspension", "Suspension", name, spec)?.within(&line));
            let orders = "决定关闭 orders it";
            steps.push(act("feng", orders, path, "order", reason, "in-force").within(&line));
        }
        Ok(steps)
    }
}
