//! Prices and ceilings as acts declare them.

use shuzha_core::{Id, MicroYuan, PurposeClass, Timestamp};

use crate::money::Overflow;
use crate::{Effective, Form, Tariff};

/// What came of a call, as far as its price depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// 一致.
    Consistent,
    /// 不一致.
    Inconsistent,
    /// 查无.
    NoRecord,
    /// An answer that is not a verification.
    Answer,
    /// A data package (数据包).
    Package,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Consistent, Self::Inconsistent, Self::NoRecord, Self::Answer, Self::Package];

    /// The outcome's name: `consistent`, `inconsistent`, `no_record`, `answer`, `package`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Inconsistent => "inconsistent",
            Self::NoRecord => "no_record",
            Self::Answer => "answer",
            Self::Package => "package",
        }
    }

    /// The outcome with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// The outcomes that are charged.
///
/// A price that charges for one verdict and not for another makes the bill say which verdict it was; the default
/// charges for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billable(u8);

impl Default for Billable {
    fn default() -> Self {
        Self::of(&Outcome::ALL)
    }
}

impl Billable {
    /// These outcomes.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        Self(outcomes.iter().fold(0, |set, &outcome| set | 1 << outcome as u8))
    }

    /// Whether the outcome is charged.
    #[must_use]
    pub const fn charges(self, outcome: Outcome) -> bool {
        self.0 >> outcome as u8 & 1 == 1
    }

    /// Whether no outcome is charged.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Parts of a price that a preferred caller pays, of ten thousand (万分比).
pub const WHOLE: u32 = 10_000;

/// Longest price of a trial, in days: a product on trial has not yet been run for a full year (65号).
pub const TRIAL_DAYS_MAX: i64 = 366;

/// The classes of purpose that a price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purposes(u8);

impl Default for Purposes {
    fn default() -> Self {
        Self::of(&PurposeClass::ALL)
    }
}

impl Purposes {
    /// These classes.
    #[must_use]
    pub fn of(purposes: &[PurposeClass]) -> Self {
        Self(purposes.iter().fold(0, |set, &purpose| set | 1 << purpose as u8))
    }

    /// Whether the class is among them.
    #[must_use]
    pub const fn holds(self, purpose: PurposeClass) -> bool {
        self.0 >> purpose as u8 & 1 == 1
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// On what free use stands (无偿使用的依据).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FreeGround {
    /// 公共治理.
    PublicGovernance,
    /// 公益事业.
    PublicWelfare,
    /// 试行: for as long as a trial runs.
    Trial,
    /// 数据提供单位.
    Provider,
}

impl FreeGround {
    /// Every ground.
    pub const ALL: [Self; 4] = [Self::PublicGovernance, Self::PublicWelfare, Self::Trial, Self::Provider];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicGovernance => "public-governance",
            Self::PublicWelfare => "public-welfare",
            Self::Trial => "trial",
            Self::Provider => "provider",
        }
    }
}

/// Under what conditions something is free (有条件无偿使用; Yantai 20, Gansu-O 29, Qingtian 一(九)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeUse {
    /// On what it stands.
    pub ground: FreeGround,
    /// Its conditions, at least one.
    pub conditions: Vec<String>,
}

/// What a price is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The product.
    pub product: &'a str,
    /// The operation.
    pub operation: &'a str,
    /// The approved scenario.
    pub scenario: &'a str,
    /// Its class of purpose.
    pub purpose: PurposeClass,
}

/// A price: what the operator asks for calls, under an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The price's name; what a usage record points at.
    pub id: Id,
    /// Number of the act (文号).
    pub act: String,
    /// The product.
    pub product: Id,
    /// The operation; `None` is every operation of the product.
    pub operation: Option<Id>,
    /// The scenario; `None` is every scenario.
    pub scenario: Option<Id>,
    /// The classes of purpose it is for.
    pub purposes: Purposes,
    /// What calls cost.
    pub tariff: Tariff,
    /// 试行收费标准: a price of a product in its first year, that ends by itself.
    pub trial: bool,
    /// Parts of [`WHOLE`] that a unit of a department that provides the product's data pays; nothing is free.
    pub provider_parts: Option<u32>,
    /// When it is in force.
    pub effective: Effective,
    /// For which outcomes it is charged.
    pub billable: Billable,
    /// Under what conditions it is free; none for prices that are not, and for those from before conditions were recorded.
    pub free_use: Option<FreeUse>,
}

impl Price {
    /// A price of every call of a product alike.
    #[must_use]
    pub fn per_call(id: Id, act: String, product: Id, each: MicroYuan, effective: Effective) -> Self {
        Self {
            id,
            act,
            product,
            operation: None,
            scenario: None,
            purposes: Purposes::default(),
            tariff: Form::Unit(each).into(),
            trial: false,
            provider_parts: None,
            effective,
            billable: Billable::default(),
            free_use: None,
        }
    }

    /// Whether this is asked for.
    #[must_use]
    pub fn is_for(&self, asked: &Asked<'_>) -> bool {
        let fits = |own: &Option<Id>, asked: &str| own.as_ref().is_none_or(|own| own.as_str() == asked);
        fits(&self.operation, asked.operation)
            && fits(&self.scenario, asked.scenario)
            && self.purposes.holds(asked.purpose)
    }

    /// Whether something could be asked for that both price at one instant.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let meet = |a: &Option<Id>, b: &Option<Id>| a.is_none() || b.is_none() || a == b;
        self.product == other.product
            && meet(&self.operation, &other.operation)
            && meet(&self.scenario, &other.scenario)
            && self.purposes.0 & other.purposes.0 != 0
            && self.effective.overlaps(&other.effective)
    }

    /// Whether it asks for more than the ceiling at some number of calls.
    #[must_use]
    pub fn over(&self, ceiling: &Ceiling) -> bool {
        self.tariff.over(ceiling)
    }

    /// What `calls` charged calls of one period have cost so far, see [`Tariff::running`].
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn running(&self, calls: u64, year_begins: bool, preferred: bool) -> Result<MicroYuan, Overflow> {
        self.tariff.running(calls, year_begins).map(|sum| self.part(sum, preferred))
    }

    /// What a period of `calls` charged calls costs, see [`Tariff::bill`].
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn bill(&self, calls: u64, year_begins: bool, preferred: bool) -> Result<MicroYuan, Overflow> {
        self.tariff.bill(calls, year_begins).map(|sum| self.part(sum, preferred))
    }

    /// What the year's fee comes to; nothing where none is asked.
    #[must_use]
    pub fn year_fee(&self, preferred: bool) -> MicroYuan {
        self.part(self.tariff.annual.unwrap_or(MicroYuan::ZERO), preferred)
    }

    /// Whether it asks a fee for a year.
    #[must_use]
    pub fn asks_year_fee(&self) -> bool {
        self.tariff.annual.is_some_and(|fee| !fee.is_zero())
    }

    /// How many of [`WHOLE`] parts are paid.
    pub(crate) fn paid_parts(&self, preferred: bool) -> u32 {
        self.provider_parts.filter(|_| preferred).map_or(WHOLE, |parts| parts.min(WHOLE))
    }

    /// Whether the other is a version of the same price: for the same product, and for the same of its operations or for
    /// all. Calls of one month go on along the tiers of both.
    #[must_use]
    pub fn is_version_of(&self, other: &Self) -> bool {
        (&self.product, &self.operation) == (&other.product, &other.operation)
    }

    /// In what order versions stand: by when they take effect.
    #[must_use]
    pub const fn place(&self) -> (Timestamp, &Id) {
        (self.effective.from(), &self.id)
    }

    /// The preferred part of a sum, rounded down: a preference never costs more.
    fn part(&self, sum: MicroYuan, preferred: bool) -> MicroYuan {
        let micros = i128::from(sum.micros()) * i128::from(self.paid_parts(preferred)) / i128::from(WHOLE);
        MicroYuan::from_micros(i64::try_from(micros).expect("a part of a sum is no larger"))
    }
}

/// A ceiling (上限收费标准): the most the operator may ask, fixed by the authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// The ceiling's name.
    pub id: Id,
    /// Number of the act (文号).
    pub act: String,
    /// The product.
    pub product: Id,
    /// The most for one call.
    pub per_call_max: MicroYuan,
    /// The most for a year's fee; without it there may be none.
    pub annual_max: Option<MicroYuan>,
    /// When it is in force.
    pub effective: Effective,
}
