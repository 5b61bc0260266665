//! The operator's own authorisation (授权运营), which everything else stands under.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use shuzha_products::jurisdiction::CONTENTS;

use super::steps::{Step, act, put};
use super::town::Town;

/// Working days in which the operator hands records over, and destroys what it holds, after the end.
const ENDING: (u16, u16) = (10, 20);

impl Town {
    /// The operating agreements (授权运营协议): drafted by one person of the authority, approved by another, signed by both sides.
    pub(super) fn operating_agreements(&self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        for name in self.names("OperatingAgreement") {
            steps.extend(self.operating_agreement(name)?);
        }
        Ok(steps)
    }

    fn operating_agreement(&self, name: &str) -> Result<Vec<Step>> {
        let path = &format!("operating-agreements/{name}");
        let mut spec = self.fields("OperatingAgreement", name)?;
        spec.remove("inForce").context("whether it is in force")?;
        let contents = CONTENTS.iter().map(|content| ((*content).to_owned(), "见协议文本相应条款".into()));
        let (hand_over, destroy) = ENDING;
        spec.insert("contents".to_owned(), Value::Object(contents.collect::<Map<_, _>>()));
        spec.insert("ending".to_owned(), json!({"handOverDays": hand_over, "destroyDays": destroy}));
        let done = |who, title: &str, verb, body, state| act(who, title, path, verb, body, state);
        Ok(vec![
            put(
                "wang",
                "起草授权运营协议 drafts the operating agreement",
                "OperatingAgreement",
                name,
                spec.into(),
            )?,
            done("wang", "提交审议 submits it for deliberation", "submit", json!({}), "deliberation"),
            done("feng", "审议通过 approves it", "approve", json!({"reason": "三重一大审议通过"}), "signing"),
            done("wang", "主管部门签署 the authority signs", "sign", json!({}), "signing"),
            done("sun", "运营机构签署，协议生效 the operator signs", "sign", json!({}), "in-force"),
        ])
    }
}
