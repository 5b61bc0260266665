//! The calls of the demo, in order: every kind of product answered, every stage refusing once.

mod blinded;
mod refused;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use shuzha_client::{HttpClient, HttpRequest};
use shuzha_core::{Code, NanoCharge};
use shuzha_node::node::NodeKeys;

use super::calls::{Ask, CallResult, Expected, code_of};
use super::cast::{COMPANY, Cast, Consented, OTHER_PERSON, PERSON, Whose, fresh_key};
use super::disk::DemoDisk;
use super::services::Services;

/// Plays all calls.
pub(super) fn play(
    base: &str,
    cast: &Cast,
    keys: &NodeKeys,
    services: &mut Services,
    disk: &DemoDisk,
) -> Result<Vec<CallResult>> {
    let mut stage = Stage { client: HttpClient::new(base)?, cast, keys, results: Vec::new() };
    stage.verifications()?;
    stage.consents()?;
    stage.data_and_models()?;
    stage.reports()?;
    stage.packages()?;
    stage.guarded()?;
    stage.blinded()?;
    stage.refused_at_the_door()?;
    stage.refused_by_right()?;
    stage.refused_by_limit_and_price()?;
    stage.refused_after_dispatch(services)?;
    stage.refused_by_the_journal(disk)?;
    Ok(stage.results)
}

struct Stage<'d> {
    client: HttpClient,
    cast: &'d Cast,
    keys: &'d NodeKeys,
    results: Vec<CallResult>,
}

/// A call of the bank for a company, which needs nobody's consent.
fn company_check(story: &'static str, expected: Expected) -> Ask {
    Ask {
        story,
        unit: "bank",
        credential: "bank-1",
        product: "company-check",
        kind: "verification",
        operation: "verify",
        scenario: "bank-onboarding",
        body: Some(json!({"uscc": COMPANY.0, "name": COMPANY.1})),
        headers: Vec::new(),
        nonce: None,
        signed: true,
        expected,
    }
}

fn person_check(story: &'static str, unit: &'static str, token: Option<&str>, expected: Expected) -> Ask {
    let (credential, scenario) = match unit {
        "charity" => ("charity-1", "charity-aid"),
        "insurer" => ("insurer-1", "insurer-claims"),
        "startup" => ("startup-1", "startup-kyc"),
        _ => ("bank-1", "bank-onboarding"),
    };
    Ask {
        unit,
        credential,
        scenario,
        product: "person-check",
        body: Some(json!({"id_number": PERSON.0, "name": PERSON.1})),
        headers: token.map(|token| ("X-Consent".to_owned(), token.to_owned())).into_iter().collect(),
        ..company_check(story, expected)
    }
}

fn report(story: &'static str, unit: &'static str, query: Value, expected: Expected) -> Ask {
    let (credential, scenario) = match unit {
        "insurer" => ("insurer-1", "insurer-pricing"),
        "civil-affairs" => ("civil-affairs-1", "civil-planning"),
        _ => ("bank-1", "bank-research"),
    };
    Ask {
        unit,
        credential,
        scenario,
        product: "census-report",
        kind: "report",
        operation: "query",
        body: Some(query),
        ..company_check(story, expected)
    }
}

fn histogram(column: &str, epsilon: &str) -> Value {
    json!({"measure": "histogram", "column": column, "accuracy": {"epsilon": epsilon}})
}

impl Stage<'_> {
    fn call(&mut self, ask: Ask) -> Result<()> {
        let story = ask.story;
        let mut result = ask.make(&self.client, self.cast, self.results.last()).with_context(|| story)?;
        // A statistic that was released before says what it cost then, and costs nothing now.
        if self.results.iter().any(|before| before.released_the_same(&result)) {
            result.charge = NanoCharge::ZERO;
        }
        self.results.push(result);
        Ok(())
    }

    fn consent(&self, given: Consented<'_>) -> Result<super::cast::Granted> {
        self.cast.consent(self.keys, given)
    }

    fn verifications(&mut self) -> Result<()> {
        self.call(company_check("企业核验：一致 company: consistent", Expected::Answered("consistent")))?;
        self.call(Ask {
            body: Some(json!({"uscc": COMPANY.0, "name": "云泽市并无此企业有限公司"})),
            credential: "bank-2",
            ..company_check(
                "名称不符（SM3 签名） wrong name, signed with SM3",
                Expected::Answered("inconsistent"),
            )
        })?;
        self.call(Ask {
            body: Some(json!({"uscc": "91350100M000100Y43", "name": COMPANY.1})),
            credential: "bank-ed25519",
            ..company_check("查无（RFC 9421 签名）不收费 no record, free", Expected::Answered("no_record"))
        })?;
        let retry = vec![("Idempotency-Key".to_owned(), fresh_key())];
        let first = Ask {
            headers: retry,
            ..company_check("带幂等键 with an idempotency key", Expected::Answered("consistent"))
        };
        self.call(first.clone())?;
        self.call(Ask {
            story: "同键重试：同一答复，不再收费 retry: same answer, free",
            expected: Expected::Replayed,
            ..first.clone()
        })?;
        self.call(Ask {
            story: "同键换了内容 same key, other body",
            body: Some(json!({"uscc": COMPANY.0, "name": "另一家"})),
            expected: Expected::Refused(&[Code::C308]),
            ..first
        })
    }

    fn consents(&mut self) -> Result<()> {
        let given = Consented {
            whose: Whose::Person(PERSON.0),
            unit: "bank",
            scenario: "bank-onboarding",
            purpose: "industry",
            uses: 1,
        };
        let once = self.consent(given)?;
        let token = Some(once.token.as_str());
        self.call(person_check(
            "身份核验，单次授权 with the person's consent",
            "bank",
            token,
            Expected::Answered("consistent"),
        ))?;
        self.call(person_check(
            "授权次数用完 the consent is used up",
            "bank",
            token,
            Expected::Refused(&[Code::C407]),
        ))?;
        self.call(person_check("没有个人授权 no consent", "bank", None, Expected::Refused(&[Code::C401])))?;
        let anothers = self.consent(Consented { whose: Whose::Person(OTHER_PERSON.0), ..given })?;
        self.call(person_check(
            "他人的授权 another person's consent",
            "bank",
            Some(&anothers.token),
            Expected::Refused(&[Code::C406]),
        ))?;
        let welfare = Consented {
            unit: "charity",
            scenario: "charity-aid",
            purpose: "public-welfare",
            uses: 5,
            ..given
        };
        let welfare = self.consent(welfare)?;
        let token = Some(welfare.token.as_str());
        self.call(person_check(
            "公益用途免费 public welfare is free",
            "charity",
            token,
            Expected::Answered("consistent"),
        ))?;
        self.withdraw(&welfare.jti)?;
        self.call(person_check(
            "本人已撤回授权 the person withdrew",
            "charity",
            token,
            Expected::Refused(&[Code::C408]),
        ))
    }

    fn withdraw(&self, jti: &str) -> Result<()> {
        let request = HttpRequest {
            method: "POST".to_owned(),
            path: "/v1/consents:withdraw".to_owned(),
            body: self.cast.withdrawal(jti)?.into_bytes(),
            headers: vec![("Content-Type".to_owned(), "application/jose".to_owned())],
            nonce: None,
        };
        let answer = self.client.send(None, &request)?;
        anyhow::ensure!(answer.status == 200, "the withdrawal is refused: {:?}", code_of(&answer));
        Ok(())
    }

    fn data_and_models(&mut self) -> Result<()> {
        self.call(Ask {
            product: "company-profile",
            kind: "interface",
            operation: "lookup",
            scenario: "bank-credit",
            body: Some(json!({"uscc": COMPANY.0})),
            ..company_check("数据接口：只出授权字段 granted fields only", Expected::Answered("answered"))
        })?;
        self.call(score("模型评分（步长 10） a score, in steps of 10", Expected::Answered("answered")))
    }

    fn reports(&mut self) -> Result<()> {
        let query = histogram("education", "0.2");
        self.call(report(
            "统计报告 ε=0.2 statistics",
            "insurer",
            query.clone(),
            Expected::Answered("answered"),
        ))?;
        self.call(report(
            "同一查询：同样字节，不再扣 ε same query, no ε",
            "civil-affairs",
            query,
            Expected::Answered("answered"),
        ))?;
        let other = histogram("income", "0.2");
        self.call(report(
            "隐私配额用完 the privacy quota is exhausted",
            "insurer",
            other,
            Expected::Refused(&[Code::C603]),
        ))?;
        let greedy = histogram("income", "1.5");
        self.call(report(
            "单次开销过大 one query too greedy",
            "bank",
            greedy,
            Expected::Refused(&[Code::C604]),
        ))
    }

    /// What output control lets out: masked values, and tables, with their small groups hidden or noised.
    fn guarded(&mut self) -> Result<()> {
        self.call(Ask {
            product: "company-sketch",
            kind: "interface",
            operation: "lookup",
            scenario: "bank-credit",
            body: Some(json!({"uscc": COMPANY.0})),
            ..company_check("脱敏接口：假名化、泛化、遮盖 masked", Expected::Answered("answered"))
        })?;
        self.call(Ask {
            product: "enterprise-table",
            kind: "table",
            operation: "get",
            scenario: "bank-research",
            body: Some(json!({})),
            ..company_check("统计表：小群体不公布 small groups hidden", Expected::Answered("answered"))
        })?;
        let table = |operation, story| Ask {
            product: "census-table",
            kind: "table",
            operation,
            scenario: "bank-research",
            body: Some(json!({})),
            ..company_check(story, Expected::Answered("answered"))
        };
        self.call(table("cells", "统计表（差分隐私，ε 为 0.5） a table, noised at ε 0.5"))?;
        self.call(table("by-sector", "同一发布的另一视图，不再扣 ε another view, no ε"))
    }

    fn packages(&mut self) -> Result<()> {
        let download = |story, range: &str| Ask {
            product: "enterprise-list",
            kind: "package",
            operation: "download",
            scenario: "bank-credit",
            body: None,
            headers: vec![("Range".to_owned(), range.to_owned())],
            ..company_check(story, Expected::Answered("answered"))
        };
        self.call(download("数据包：首段，按授权收费一次 package, charged once", "bytes=0-65535"))?;
        self.call(download("断点续传：不再收费 resumed, free", "bytes=65536-131071"))
    }
}

/// A row of the UCI credit data: a client who pays on time.
fn score(story: &'static str, expected: Expected) -> Ask {
    let features = json!({
        "limit_bal": 90_000, "sex": 2, "education": 2, "marriage": 2, "age": 34,
        "bill_amt1": 29_239, "bill_amt2": 14_027, "bill_amt3": 13_559,
        "bill_amt4": 14_331, "bill_amt5": 14_948, "bill_amt6": 15_549,
        "pay_amt1": 1_518, "pay_amt2": 1_500, "pay_amt3": 1_000,
        "pay_amt4": 1_000, "pay_amt5": 1_000, "pay_amt6": 5_000,
        "pay_0": 0, "pay_2": 0, "pay_3": 0, "pay_4": 0, "pay_5": 0, "pay_6": 0,
    });
    Ask {
        product: "credit-score",
        kind: "model",
        operation: "score",
        scenario: "bank-credit",
        body: Some(features),
        ..company_check(story, expected)
    }
}
