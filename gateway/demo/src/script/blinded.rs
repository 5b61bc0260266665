//! Blinded verification (隐匿核验): a list and a person are matched, and neither gateway nor product service sees an entry
//! or what was found.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;
use shuzha_cli::blind::{BlindedEntries, TagList};
use shuzha_core::Code;
use shuzha_privacy::blind::entry;
use shuzha_products::world::{KINDS, documents};

use super::super::WORLD;
use super::super::calls::{Ask, Expected};
use super::super::cast::{COMPANY, Consented, PERSON, Whose};
use super::{Stage, company_check};

/// Enterprises that the bank wants to know about: the first two are on the watch list, the last is in no register.
const ENTERPRISES: [&str; 5] =
    ["91690107MA1AT0YY01", "91690111MA7BKNRM3X", COMPANY.0, "91690101MAKN5LLD98", "91350100M000100Y43"];

/// The public key of an operation of blinded matching and the digest of its list's tags, as the product's declaration publishes them.
fn published(operation: &str) -> Result<(String, String)> {
    let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    let declared =
        documents(WORLD, &kinds).map_err(|faults| anyhow::anyhow!("the demo's world: {faults:?}"))?;
    let product = declared.iter().find(|one| one.kind == "Product" && one.name.as_str() == "blind-match");
    let spec = product.context("blinded matching is declared")?.spec.clone();
    let Matching { operations } = serde_json::from_value(spec)?;
    let published = operations.into_iter().find(|one| one.name == operation);
    let published = published.and_then(|one| one.public_key.zip(one.list.map(|list| list.tags)));
    published.context("its key and its list are published")
}

/// What a declaration of blinded matching publishes.
#[derive(Deserialize)]
struct Matching {
    operations: Vec<Published>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    name: String,
    public_key: Option<String>,
    list: Option<Committed>,
}

/// What a list is committed to.
#[derive(Deserialize)]
struct Committed {
    tags: String,
}

fn matching(story: &'static str, operation: &'static str, body: &[u8], expected: Expected) -> Result<Ask> {
    let body: Value = serde_json::from_slice(body)?;
    Ok(Ask {
        product: "blind-match",
        kind: "blind",
        operation,
        scenario: "bank-credit",
        body: Some(body),
        ..company_check(story, expected)
    })
}

impl Stage<'_> {
    pub(super) fn blinded(&mut self) -> Result<()> {
        let Some(list) = self.tags("名单标签（企业） tags of the watch list", "risk")? else {
            return Ok(());
        };
        let entries: Vec<_> = ENTERPRISES.iter().map(|uscc| entry(&[uscc])).collect::<Result<_, _>>()?;
        let batch = BlindedEntries::new(&entries)?;
        let story = "隐匿核验名单：五中二 a list, matched unseen";
        self.matched(matching(story, "risk", &batch.body(&list), Expected::Matched(2, 5))?, &batch, &list)?;

        let Some(list) = self.tags("名单标签（个人） tags of the cardholders", "card")? else {
            return Ok(());
        };
        let batch = BlindedEntries::new(&[entry(&[PERSON.0, PERSON.1])?])?;
        let body = batch.body(&list);
        let without = "隐匿核验个人：没有授权 a person unseen, no consent";
        self.call(matching(without, "card", &body, Expected::Refused(&[Code::C401]))?)?;
        let consent = self.consent(Consented {
            whose: Whose::Blinded(batch.element().context("one entry")?),
            unit: "bank",
            scenario: "bank-credit",
            purpose: "industry",
            uses: 1,
        })?;
        let story = "隐匿核验个人：本人授权 with consent";
        let ask = Ask {
            headers: vec![("X-Consent".to_owned(), consent.token)],
            ..matching(story, "card", &body, Expected::Matched(1, 1))?
        };
        self.matched(ask, &batch, &list)
    }

    /// Downloads the tags of a list; none where they do not come, as the table of calls then shows.
    fn tags(&mut self, story: &'static str, operation: &'static str) -> Result<Option<TagList>> {
        self.call(Ask {
            product: "blind-tags",
            kind: "package",
            operation,
            scenario: "bank-credit",
            body: None,
            ..company_check(story, Expected::Answered("answered"))
        })?;
        let result = self.results.last().context("it was just called")?;
        if result.status >= 300 {
            return Ok(None);
        }
        let (key, tags) = published(operation)?;
        TagList::of_committed(&result.answer, &key, &tags).map(Some).context(story)
    }

    /// Makes a call and finds at home what matched.
    fn matched(&mut self, ask: Ask, batch: &BlindedEntries, list: &TagList) -> Result<()> {
        self.call(ask)?;
        let result = self.results.last_mut().context("it was just called")?;
        if result.status < 300 {
            let answer = serde_json::from_slice(&result.answer)?;
            result.matched(&batch.matches(&answer, list)?);
        }
        Ok(())
    }
}
