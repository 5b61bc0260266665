//! What is disclosed to anyone (REQUIREMENTS J1; Gansu-O 32, Heilongjiang 20(四)(五), 65号): one table of subjects, each with its
//! columns and where its rows come from. Answers, spreadsheets and the API's description are made from the table, so that what is
//! public is decided in one place: nothing leaves that has no column here.

mod announcements;
mod read;
mod words;

use serde_json::Value;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_store::register::{Filter, Object};

use super::PAGE_MAX;
use crate::force::waits;
use crate::{Control, Error, Page};

/// What a cell of a column holds; every one may be null, but the first of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// The name of an object of the register.
    Name,
    /// Text as it was declared.
    Text,
    /// A word of a closed list; [`in_chinese`] says it for people.
    Word,
    /// Texts.
    Texts,
    /// Words of a closed list.
    Words,
    /// An instant.
    Instant,
    /// Yes or no.
    Flag,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing to say.
    None,
    /// A name or text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// An instant.
    Instant(Timestamp),
    /// Yes or no.
    Flag(bool),
}

/// A column: a field of an item in JSON, and a column of the spreadsheet.
#[derive(Clone, Copy, Debug)]
pub struct DisclosedColumn {
    /// The field.
    pub name: &'static str,
    /// Heading, and what it means.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// What its cells hold.
    pub kind: CellKind,
}

const fn column(name: &'static str, kind: CellKind, zh: &'static str, en: &'static str) -> DisclosedColumn {
    DisclosedColumn { name, zh, en, kind }
}

/// Makes a row of an object; none where it is not public. The cells stand as the columns do, without the first, the name.
type Read = fn(&Control, &Object, &Value) -> Result<Option<Vec<Cell>>, Error>;

#[derive(Clone, Copy, Debug)]
enum Source {
    /// Objects of a kind, in some states where they are cases; in order of name.
    Objects { kind: &'static str, states: &'static [&'static str], read: Read },
    /// Acts, the latest first.
    Acts,
}

/// Something that is disclosed.
#[derive(Clone, Copy, Debug)]
pub struct Disclosure {
    /// The last part of its address.
    pub plural: &'static str,
    /// What it is.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// Its columns; the first tells rows apart and is where the next page begins.
    pub columns: &'static [DisclosedColumn],
    source: Source,
}

/// Rows of a subject; where the next page begins, if there is one.
pub type Rows = Page<Vec<Cell>, String>;

pub use words::in_chinese;

use CellKind::{Flag, Instant, Name, Text, Texts, Word, Words};

/// Everything that is disclosed.
pub const DISCLOSURES: [Disclosure; 8] = [
    Disclosure {
        plural: "products",
        zh: "数据产品和服务清单",
        en: "Products and services that may be had, or could: registered ones, where the rules demand that.",
        columns: &[
            column("name", Name, "标识", "Its name."),
            column("title", Text, "名称", "What it is called."),
            column("kind", Word, "产品类型", "Kind of product."),
            column("operations", Texts, "操作", "What it can be asked."),
            column("personal", Flag, "须个人授权", "Whether the person's own consent is needed."),
            column("operator", Name, "运营机构", "The operator."),
            column("operatorTitle", Text, "运营机构名称", "What the operator is called."),
            column("dataSets", Texts, "数据资源", "The data sets that it is made from."),
            column("certificate", Text, "登记凭证编码", "Code of the certificate that is good now."),
            column("certificateUntil", Instant, "凭证有效期至", "First instant after the certificate."),
            column(
                "state",
                Word,
                "状态",
                "Whether it is in service, suspended, or its certificate is not good any more.",
            ),
        ],
        source: Source::Objects { kind: "Product", states: &[], read: read::product },
    },
    Disclosure {
        plural: "prices",
        zh: "价格",
        en: "Prices, each with the act behind it; those of the past and of the future too.",
        columns: &[
            column("name", Name, "标识", "Its name."),
            column("product", Name, "产品", "The product."),
            column("productTitle", Text, "产品名称", "What the product is called."),
            column("operation", Text, "操作", "The operation; null for all."),
            column("scenario", Name, "应用场景", "The scenario that it is for; null for all."),
            column("purposes", Words, "用途类别", "Classes of purpose that it is for; null for all."),
            column("form", Word, "计费方式", "Form of charging."),
            column(
                "amount",
                Text,
                "价格（元）",
                "Yuan, without tax: a call's, of each tier, or for a number of calls.",
            ),
            column("annual", Text, "年费（元）", "Yuan a year besides."),
            column("minimum", Text, "最低收费", "The least that is charged."),
            column("maximum", Text, "最高收费（元）", "The most that is charged, in yuan."),
            column("charged", Words, "收费的结果", "Outcomes that are charged."),
            column("trial", Flag, "试行价格", "Whether it is a trial price."),
            column("act", Text, "文号", "Number of the act behind it."),
            column("issuer", Text, "制定机构", "Who issued the act."),
            column("from", Instant, "起", "When it takes effect."),
            column("until", Instant, "止", "First instant after it."),
        ],
        source: Source::Objects { kind: "Price", states: &[], read: read::price },
    },
    Disclosure {
        plural: "ceilings",
        zh: "上限收费标准",
        en: "Highest lawful prices, each with the act behind it.",
        columns: &[
            column("name", Name, "标识", "Its name."),
            column("product", Name, "产品", "The product."),
            column("productTitle", Text, "产品名称", "What the product is called."),
            column("perCallMax", Text, "每次上限（元）", "Most for a call, in yuan."),
            column("annualMax", Text, "每年上限（元）", "Most for a year, in yuan."),
            column("act", Text, "文号", "Number of the act behind it."),
            column("issuer", Text, "制定机构", "Who issued the act."),
            column("from", Instant, "起", "When it takes effect."),
            column("until", Instant, "止", "First instant after it."),
        ],
        source: Source::Objects { kind: "Ceiling", states: &[], read: read::ceiling },
    },
    Disclosure {
        plural: "operators",
        zh: "运营机构",
        en: "Operators.",
        columns: &[
            column("name", Name, "标识", "Its name."),
            column("title", Text, "名称", "What it is called."),
            column("uscc", Text, "统一社会信用代码", "Its unified social credit code."),
            column("products", Texts, "产品", "Titles of the products that it operates."),
        ],
        source: Source::Objects { kind: "Organisation", states: &[], read: read::operator },
    },
    Disclosure {
        plural: "operating-agreements",
        zh: "授权运营协议：授权对象、内容、范围和期限",
        en: "Operating agreements that are or were in force: with which operator, about what, how long.",
        columns: &[
            column("name", Name, "标识", "Its name."),
            column("authoriser", Text, "授权方", "What the authorising organisation is called."),
            column("operator", Name, "运营机构", "The operator."),
            column("operatorTitle", Text, "授权对象", "What the operator is called."),
            column("parties", Texts, "其他签署方", "Titles of the further organisations that sign it."),
            column("mode", Word, "授权方式", "Mode of authorisation."),
            column("extent", Texts, "授权范围", "Providers, fields, or the scenario and its data sets."),
            column("products", Text, "授权内容", "What is to be made of the data, as agreed."),
            column("from", Instant, "起", "When its term begins."),
            column("until", Instant, "止", "First instant after its term."),
            column("state", Word, "状态", "State."),
        ],
        source: Source::Objects {
            kind: "OperatingAgreement",
            states: &["in-force", "amended", "terminated", "expired", "archived"],
            read: read::operating_agreement,
        },
    },
    Disclosure {
        plural: "scenarios",
        zh: "应用场景",
        en: "Scenarios that were approved.",
        columns: &[
            column("name", Name, "标识", "Its name."),
            column("title", Text, "名称", "What it is."),
            column("purpose", Word, "用途类别", "Class of purpose."),
            column("mode", Word, "授权方式", "Mode of authorisation."),
            column("unitTitle", Text, "应用单位", "The application unit's organisation."),
            column("products", Texts, "所需产品", "Titles of the products that it needs."),
            column("from", Instant, "起", "When its term begins."),
            column("until", Instant, "止", "First instant after its term."),
            column("state", Word, "状态", "State."),
        ],
        source: Source::Objects {
            kind: "Scenario",
            states: &["approved", "active", "suspended", "terminated", "archived"],
            read: read::scenario,
        },
    },
    Disclosure {
        plural: "agreements",
        zh: "协议：授权对象、内容、范围和期限",
        en: "Agreements that are or were in force: with whom, about what, within what scope, how long.",
        columns: &[
            column("name", Name, "标识", "Its name."),
            column("unitTitle", Text, "授权对象", "The application unit's organisation."),
            column("parties", Texts, "签署方", "Titles of the organisations that sign it."),
            column("scenarios", Texts, "授权内容", "Titles of the scenarios that it is about."),
            column("scope", Text, "授权范围", "Its scope."),
            column("from", Instant, "起", "When its term begins."),
            column("until", Instant, "止", "First instant after its term."),
            column("state", Word, "状态", "State."),
        ],
        source: Source::Objects {
            kind: "Agreement",
            states: &["in-force", "suspended", "terminated", "expired", "archived"],
            read: read::agreement,
        },
    },
    Disclosure {
        plural: "announcements",
        zh: "公告",
        en: "What began, changed and ended, the latest first.",
        columns: &[
            column("number", Text, "序号", "Its place in the order of all acts."),
            column("at", Instant, "时间", "When."),
            column("kind", Word, "类别", "Kind of the object."),
            column("name", Name, "标识", "The object."),
            column("title", Text, "名称", "What the object is called."),
            column("state", Word, "状态", "What it became."),
            column("what", Text, "公告事项", "The same for people."),
        ],
        source: Source::Acts,
    },
];

impl Disclosure {
    /// The subject of this name.
    #[must_use]
    pub fn find(plural: &str) -> Option<&'static Self> {
        DISCLOSURES.iter().find(|subject| subject.plural == plural)
    }
}

impl Control {
    /// Rows of `subject` after the one that `after` names. A page may be short, or empty, and still have a next.
    ///
    /// # Errors
    /// C1001 for an `after` that no page gave; of the register.
    pub fn disclosed(&self, subject: &Disclosure, after: Option<&str>, limit: usize) -> Result<Rows, Error> {
        const NO_CURSOR: &str = "is not the `next` of a page";
        let limit = limit.clamp(1, PAGE_MAX);
        let wrong = || Error::fault(Code::C1001, "?cursor", NO_CURSOR);
        let Source::Objects { kind, states, read } = subject.source else {
            let number = |text: &str| u64::try_from(text.parse::<i64>().ok()?).ok();
            let before = after.map(|text| number(text).ok_or_else(wrong)).transpose()?;
            return self.announcements(before, limit);
        };
        let after = after.map(|text| Id::new(text).map_err(|_| wrong())).transpose()?;
        let filter = Filter { kind, after: after.as_ref(), states, limit: limit + 1, ..Filter::default() };
        let page = Page::cut(self.register.list(&filter)?, limit, |object| object.name.to_string());
        let mut items = Vec::with_capacity(page.items.len());
        for object in page.items.iter().filter(|object| !waits(object.state.as_ref())) {
            let spec = crate::force::json(object, &object.spec)?;
            if let Some(mut cells) = read(self, object, &spec)? {
                cells.insert(0, Cell::Text(object.name.to_string()));
                debug_assert_eq!(cells.len(), subject.columns.len(), "{}", subject.plural);
                items.push(cells);
            }
        }
        Ok(Page { items, next: page.next })
    }
}
