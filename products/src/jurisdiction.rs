//! What differs between jurisdictions (REQUIREMENTS, jurisdiction rule packs): data, not code.
//!
//! A pack is one file of `config/jurisdictions`; five are built in. Every rule in it carries its article, and a rule that is
//! not there does not exist there. What its absence means stands at each field, and in `docs/jurisdictions.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use shuzha_core::{Id, NanoCharge, PurposeClass, Timestamp};

use crate::operating::{Demand, Mode};
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;
use crate::{Window, World};

mod pack;
mod years;

pub(crate) use pack::FORMS;
pub use pack::{PACKS, pack, parse};
pub use years::{YearError, calendar, with_year};

/// The rules of the jurisdiction the gateway runs under. A world holds at most one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jurisdiction {
    /// The jurisdiction's name for people; empty without a pack.
    pub title: String,
    /// On which level the gateway stands.
    pub level: Level,
    /// When its texts are in force (有效期). Absent: no end is stated.
    pub validity: Option<Window>,
    /// Whether a product is served only on a valid certificate (Gansu-O 27–28; Heilongjiang 20(四)). Absent: no.
    pub certificate_required: bool,
    /// What counts as a product (产品形态). Absent: anything.
    pub product_kinds: Option<ProductKinds>,
    /// Modes of authorisation (授权模式). Absent: by scenario.
    pub modes: Vec<Mode>,
    /// Those of a province's own platform (Heilongjiang 9). Absent: as all others.
    pub modes_province: Option<Vec<Mode>>,
    /// Longest term of an agreement in years. Absent: as the parties agree.
    pub agreement_years_max: Option<u8>,
    /// Whether that is so in principle only (原则上、一般): a longer term then gives its reason. Absent: no.
    pub agreement_years_in_principle: bool,
    /// Whether a product needs an operating agreement that covers its data. Absent: no.
    pub operating: Demand,
    /// What an operating agreement must say, of [`CONTENTS`]. Absent: what its parties write down.
    pub agreement_contents: Vec<&'static str>,
    /// In how many last months of a term a new application may be made (Qingtian 二(五)). Absent: at any time.
    pub reapplication_months: Option<u8>,
    /// Steps and terms of registration (登记).
    pub registration: RegistrationRules,
    /// How long the selection of an operator is publicised, in working days. Absent: by no rule.
    pub operator_publicity_working_days: Option<u16>,
    /// Whether approvals are published (Qingtian 二(四)). Absent: by no rule.
    pub results_published: bool,
    /// Who reviews a product before it leaves the domain (出域审核); every one of them must. Absent: nobody.
    pub exit_review_by: Vec<Reviewer>,
    /// Fewest records that must not be told apart by what a scenario's products release of them: what `shuzha review anonymity` asks for.
    pub anonymity_k_min: u32,
    /// What a person's consent is needed for. Absent: what the product's own declaration asks for.
    pub personal_consent: Option<ConsentRule>,
    /// How prices come about. Absent: nothing is free by rule, and no price is guided.
    pub price: Option<PriceRules>,
    /// Whether a product carries an exchange's listing number. Absent: no.
    pub exchange_listing: ListingRule,
    /// For how many months network logs are kept at least. Absent: by no rule of this jurisdiction; the Cybersecurity
    /// Law's six months (网络安全法 21(三)) stay.
    pub network_log_months: Option<u16>,
    /// For how many years records and certificates are kept at least. Absent: by no rule.
    pub record_years: Option<u8>,
    /// Whether an operator may re-develop what it delivered. Absent: no, which is also the only thing the catalogue knows.
    pub operator_redevelopment: bool,
    /// How often the operator reports. Absent: by no rule.
    pub operation_report: Option<Period>,
    /// What privacy budgets are measured by. Absent: what no regulation says and this software recommends.
    pub privacy: PrivacyRules,
    /// In how many hours a second person confirms an emergency stop; without that it lapses. The configuration says.
    pub emergency_hours: u16,
    articles: BTreeMap<&'static str, String>,
}

/// How long before the texts end that is said: their successor has to be put into force by then.
pub const VALIDITY_WARNED: Duration = Duration::from_secs(60 * 86_400);

/// Contents of an operating agreement beside its term (Gansu-O 20, Heilongjiang 14), in their order there.
pub const CONTENTS: &[&str] = &[
    "catalogue",
    "products",
    "platform",
    "ownership",
    "disclosure",
    "accounting",
    "security",
    "evaluation",
    "breach",
    "disputes",
    "amendment",
    "other",
];

/// In how many hours an emergency stop is confirmed where nothing else is said.
pub const EMERGENCY_HOURS: u16 = 24;
/// Fewest records alike in what is released of them, where the rules say nothing: what statistical offices ask for as a rule.
pub const ANONYMITY_K_MIN: u32 = 5;

/// Figures by which privacy budgets are judged (隐私预算). Above a ceiling a reason is named, which reviewers and the public see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivacyRules {
    /// Most that one query costs, in ε or ρ.
    pub per_query_max: NanoCharge,
    /// Most that a person-space is given at first, and again in each year.
    pub space_year_max: NanoCharge,
    /// How long a raise of a cap is publicised (公示), in working days.
    pub raise_publicity: u16,
}

impl Default for PrivacyRules {
    /// ε 1 for a query and 10 for a year of a person-space: from there on an outcome may become 22,026 times as likely by one
    /// person's being there, which is no figure that a promise is made with unasked. Publicity as of a registration.
    fn default() -> Self {
        Self {
            per_query_max: NanoCharge::from_nanos(1_000_000_000),
            space_year_max: NanoCharge::from_nanos(10_000_000_000),
            raise_publicity: 10,
        }
    }
}

/// The level a platform stands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// A province's.
    Province,
    /// A city's or county's.
    #[default]
    Local,
}

/// A jurisdiction's list of what a product can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductKinds {
    /// The kinds it names.
    pub kinds: Vec<ProductForm>,
    /// Whether there are no others (no “等” at the list's end).
    pub exhaustive: bool,
}

/// 产品形态, as the regulations name them. The catalogue's kinds are among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductForm {
    /// 数据包.
    Package,
    /// 数据模型.
    Model,
    /// 数据接口.
    Interface,
    /// 数据报告.
    Report,
    /// 核验.
    Verification,
    /// 数据服务.
    Service,
    /// 业务服务.
    BusinessService,
}

/// Steps and terms of registration. Terms of steps are in working days (工作日).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistrationRules {
    /// A first registration is due so long after the first delivery (Gansu-R 25(一)). Absent: no term.
    pub first_filing: Option<u16>,
    /// A change of the data, so long after it (Gansu-R 25(二)). Absent: no term.
    pub data_change_filing: Option<u16>,
    /// A change of the registrant, so long after it was approved (Gansu-R 25(二)). Absent: no term.
    pub subject_change_filing: Option<u16>,
    /// 受理 (Gansu-R 26). Absent: no term.
    pub acceptance: Option<u16>,
    /// 审查 (Gansu-R 27). Absent: no term.
    pub review: Option<u16>,
    /// 公示 (Gansu-R 28). Absent: none, an approved registration is certified at once.
    pub publicity: Option<u16>,
    /// 注销 (Gansu-R 25(四)). Absent: no term.
    pub cancellation: Option<u16>,
    /// Longest validity of a certificate in years (Gansu-R 37). Absent: the authorised term.
    pub validity_years: Option<u8>,
    /// 续展 (Gansu-R 37). Absent: a certificate is not renewed.
    pub renewal: Option<Renewal>,
}

/// How a certificate is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// In so many last days (calendar days, 日) of its validity.
    pub window_days: u16,
    /// By at most so many years.
    pub years_max: u8,
}

/// Who reviews a product before it leaves the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reviewer {
    /// 数据主管部门.
    Authority,
    /// 实施机构.
    ImplementingBody,
    /// 运营机构.
    Operator,
    /// 数据持有单位.
    Provider,
}

/// What is said about personal information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentRule {
    /// The person's precise consent (精准授权).
    Precise,
    /// No blanket or forced consent.
    NoBlanket,
    /// No harm to personal rights.
    NoHarm,
    /// The person authorises a third party.
    AuthorisedByPerson,
}

/// How prices come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRules {
    /// Who sets them.
    pub regime: PriceRegime,
    /// Classes of purpose served free, under conditions.
    pub free: Vec<PurposeClass>,
    /// Whether the department that provides the data pays less or nothing (Qingtian 一(九)).
    pub provider_discount: bool,
}

/// Who sets prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceRegime {
    /// 有条件有偿: paid under conditions.
    Conditional,
    /// 政府指导定价: under ceilings.
    Guided,
    /// 普惠公平、收益合理.
    Inclusive,
    /// By rules of the price authority (发展改革部门).
    Rules,
}

/// Whether products are listed at an exchange (数据交易机构); see [`crate::listing`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListingRule {
    /// Not asked for.
    #[default]
    NotRequired,
    /// Encouraged (Qingdao 39): nothing is refused for want of it.
    Encouraged,
    /// Trading follows the rules of trading (Gansu-O 28): a product that was put on an exchange is paid for only while
    /// it is listed there; one that never was may be paid for outside.
    IfTraded,
    /// Paid for only while listed (Heilongjiang 24).
    Required,
}

impl ListingRule {
    /// Whether a product with these listings may be paid for at `at`.
    #[must_use]
    pub fn permits_payment(self, listings: &[Window], at: Timestamp) -> bool {
        let listed = || listings.iter().any(|window| window.contains(at));
        match self {
            Self::NotRequired | Self::Encouraged => true,
            Self::IfTraded => listings.is_empty() || listed(),
            Self::Required => listed(),
        }
    }
}

/// How often something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// 定期, without saying how often.
    Periodic,
    /// Each year.
    Yearly,
}

impl Default for Jurisdiction {
    /// The strictest in what is decided; at serving time it asks for the certificate and nothing that only a pack knows.
    fn default() -> Self {
        Self {
            title: String::new(),
            level: Level::default(),
            validity: None,
            certificate_required: true,
            product_kinds: None,
            modes: vec![Mode::Scenario],
            modes_province: None,
            agreement_years_max: Some(3),
            agreement_years_in_principle: false,
            operating: Demand::default(),
            agreement_contents: Vec::new(),
            reapplication_months: None,
            registration: RegistrationRules {
                first_filing: Some(20),
                data_change_filing: Some(5),
                subject_change_filing: Some(10),
                acceptance: Some(3),
                review: Some(20),
                publicity: Some(10),
                cancellation: Some(10),
                validity_years: Some(3),
                renewal: Some(Renewal { window_days: 60, years_max: 3 }),
            },
            operator_publicity_working_days: None,
            results_published: false,
            exit_review_by: Vec::new(),
            anonymity_k_min: ANONYMITY_K_MIN,
            personal_consent: Some(ConsentRule::Precise),
            price: None,
            exchange_listing: ListingRule::default(),
            network_log_months: None,
            record_years: None,
            operator_redevelopment: false,
            operation_report: None,
            privacy: PrivacyRules::default(),
            emergency_hours: EMERGENCY_HOURS,
            articles: BTreeMap::new(),
        }
    }
}

impl Jurisdiction {
    /// Whether authorisations may be given in this mode here.
    #[must_use]
    pub fn permits_mode(&self, mode: Mode) -> bool {
        let province = self.modes_province.as_ref().filter(|_| self.level == Level::Province);
        province.unwrap_or(&self.modes).contains(&mode)
    }

    /// Whether such a product may be registered here.
    #[must_use]
    pub fn permits_form(&self, form: ProductForm) -> bool {
        self.product_kinds.as_ref().is_none_or(|list| !list.exhaustive || list.kinds.contains(&form))
    }

    /// When the texts end or ended, within [`VALIDITY_WARNED`] before `at` or earlier.
    #[must_use]
    pub fn ending(&self, at: Timestamp) -> Option<Timestamp> {
        let until = self.validity?.until();
        (at.plus(VALIDITY_WARNED) >= until).then_some(until)
    }

    /// The article behind a rule of the pack, `agreement_term`.
    #[must_use]
    pub fn article(&self, rule: &str) -> Option<&str> {
        self.articles.get(rule).map(String::as_str)
    }
}

impl Object for Jurisdiction {
    const KIND: &'static str = "Jurisdiction";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        if let Some(name) = scope.world().jurisdictions.keys().next() {
            return spec.fail(format!("the world already runs under `{name}`"));
        }
        let section = spec.section(&[&["certificateRequired", "rules", "level", "operatingFrom"]])?;
        let Some(rules) = section.optional("rules") else {
            section.forbid("level", "goes with `rules`");
            section.forbid("operatingFrom", "goes with `rules`");
            let required = section.required("certificateRequired").and_then(|place| place.boolean());
            return Some(Self { certificate_required: required?, ..Self::default() });
        };
        section.forbid("certificateRequired", "is said by the pack that `rules` names");
        let words = [("province", Level::Province), ("local", Level::Local)];
        let level = section.optional("level").map(|place| place.word(&words));
        let packs: Vec<_> = PACKS.iter().map(|(name, _)| (*name, *name)).collect();
        let found = rules.word(&packs).and_then(pack);
        let binds_from = section.optional("operatingFrom").map(|place| place.instant());
        let binds_from = binds_from.map_or(Some(None), |at| at.map(Some));
        let mut found = Self { level: level.unwrap_or(Some(Level::default()))?, ..found? };
        found.operating.binds_from = binds_from?;
        Some(found)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.jurisdictions
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.jurisdictions
    }
}
