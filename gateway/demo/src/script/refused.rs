//! The calls that are refused: at the door, by right, by limit and price, after dispatch, and by the journal.

use anyhow::Result;
use serde_json::json;
use shuzha_client::HttpRequest;
use shuzha_core::Code;

use super::super::calls::{Ask, Expected, code_of};
use super::super::cast::{COMPANY, Consented, PERSON, Whose, fresh_key};
use super::super::disk::DemoDisk;
use super::super::services::Services;
use super::{Stage, company_check, person_check, score};

impl Stage<'_> {
    pub(super) fn refused_at_the_door(&mut self) -> Result<()> {
        let refused = Expected::Refused;
        self.call(Ask { signed: false, ..company_check("没有签名 unsigned", refused(&[Code::C101])) })?;
        self.call(Ask {
            credential: "bank-2024",
            ..company_check("凭据已过期 an expired credential", refused(&[Code::C106]))
        })?;
        self.call(Ask {
            unit: "insurer",
            credential: "insurer-office",
            ..company_check("来源地址不在白名单 address not allowed", refused(&[Code::C107]))
        })?;
        let nonce = Some(fresh_key());
        self.call(Ask {
            nonce: nonce.clone(),
            ..company_check("一次性随机数 a fresh nonce", Expected::Answered("consistent"))
        })?;
        self.call(Ask { nonce, ..company_check("重放 the same nonce again", refused(&[Code::C105])) })
    }

    pub(super) fn refused_by_right(&mut self) -> Result<()> {
        let refused = Expected::Refused;
        self.call(Ask {
            product: "address-check",
            ..company_check("产品未登记 no certificate", refused(&[Code::C202]))
        })?;
        self.call(Ask {
            product: "person-check",
            scenario: "bank-marketing",
            body: Some(json!({"id_number": PERSON.0, "name": PERSON.1})),
            ..company_check("场景未获批准 scenario not approved", refused(&[Code::C204]))
        })?;
        self.call(Ask {
            unit: "lender",
            credential: "lender-1",
            product: "person-check",
            scenario: "lender-loans",
            body: Some(json!({"id_number": PERSON.0, "name": PERSON.1})),
            ..company_check("单位被暂停 the unit is suspended", refused(&[Code::C208]))
        })?;
        self.call(Ask {
            body: Some(json!({"uscc": "91690114MAC4UCDX1Q", "name": COMPANY.1})),
            ..company_check("校验位错误 wrong check character", refused(&[Code::C305]))
        })?;
        self.call(Ask {
            body: Some(json!({"uscc": COMPANY.0, "name": COMPANY.1, "all": true})),
            ..company_check("多余字段 an unknown field", refused(&[Code::C302]))
        })
    }

    pub(super) fn refused_by_limit_and_price(&mut self) -> Result<()> {
        let refused = Expected::Refused;
        let insurer = |story, expected| Ask {
            unit: "insurer",
            credential: "insurer-1",
            scenario: "insurer-claims",
            ..company_check(story, expected)
        };
        self.call(insurer("配额第 1 次 quota 1 of 2", Expected::Answered("consistent")))?;
        self.call(insurer("配额第 2 次 quota 2 of 2", Expected::Answered("consistent")))?;
        self.call(insurer("配额用完 the quota is exhausted", refused(&[Code::C503])))?;
        let given = Consented {
            whose: Whose::Person(PERSON.0),
            unit: "insurer",
            scenario: "insurer-claims",
            purpose: "industry",
            uses: 5,
        };
        let consent = self.consent(given)?;
        let token = Some(consent.token.as_str());
        self.call(person_check(
            "限频第 1 次 rate, first",
            "insurer",
            token,
            Expected::Answered("consistent"),
        ))?;
        self.call(person_check("过于频繁 too many calls", "insurer", token, refused(&[Code::C501])))?;
        self.call(Ask {
            product: "licence-check",
            ..company_check("没有生效的价格 no price in force", refused(&[Code::C701]))
        })?;
        let given = Consented { unit: "startup", scenario: "startup-kyc", ..given };
        let consent = self.consent(given)?;
        let token = Some(consent.token.as_str());
        self.call(person_check(
            "额度 0.60 元，首次用 0.50 元 credit ¥0.60, first",
            "startup",
            token,
            Expected::Answered("consistent"),
        ))?;
        self.call(person_check("额度不足 the credit is not enough", "startup", token, refused(&[Code::C704])))
    }

    pub(super) fn refused_after_dispatch(&mut self, services: &mut Services) -> Result<()> {
        self.call(Ask {
            product: "seal-check",
            body: Some(json!({"uscc": "91350100M000100Y43", "name": COMPANY.1})),
            ..company_check("结果码未登记：无法核验 unmapped result", Expected::Refused(&[Code::C902]))
        })?;
        services.stop("model")?;
        self.call(score(
            "产品服务已停：不收费 service down, free",
            Expected::Refused(&[Code::C801, Code::C806]),
        ))
    }

    pub(super) fn refused_by_the_journal(&mut self, disk: &DemoDisk) -> Result<()> {
        disk.look_full(true);
        let refused = self.wait_for_journal(|answer| answer == Some("C090"));
        self.call(company_check(
            "日志盘满：宁可不服务 disk full: nothing is served",
            Expected::Refused(&[Code::C090]),
        ))?;
        disk.look_full(false);
        refused?;
        self.wait_for_journal(|answer| answer != Some("C090"))?;
        self.call(company_check("腾出空间后恢复 and resumes", Expected::Answered("consistent")))
    }

    /// Makes the cheapest call until the gateway's code is as wanted. The journal looks at the disk now and then.
    fn wait_for_journal(&self, wanted: impl Fn(Option<&str>) -> bool) -> Result<()> {
        for _ in 0..100 {
            let body = json!({"uscc": COMPANY.0, "name": COMPANY.1}).to_string().into_bytes();
            let request = HttpRequest {
                method: "POST".to_owned(),
                path: "/v1/products/company-check/verify".to_owned(),
                body,
                headers: vec![("X-Scenario".to_owned(), "charity-aid".to_owned())],
                nonce: None,
            };
            let answer = self.client.send(Some(&self.cast.signer("charity-1")?), &request)?;
            if wanted(code_of(&answer).as_deref()) {
                return Ok(());
            }
            std::thread::park_timeout(std::time::Duration::from_millis(50));
        }
        anyhow::bail!("the journal did not notice its disk within five seconds")
    }
}
