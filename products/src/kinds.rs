//! Kinds of products (产品类型), and how each releases its answers.
//!
//! A kind is one file: which fields its operations declare, what contract follows from them, how an answer of the
//! product service becomes the answer that leaves. **To add one:** write `kinds/NAME.rs` with a `KIND` constant that
//! implements [`ProductKind`], and add its line to the list below; nothing in policy or proxy changes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use shuzha_core::Code;
use shuzha_pricing::Outcome;
use shuzha_privacy::dp::Noised;
use shuzha_privacy::output::{Contract, Cut, Violation};
use shuzha_privacy::watermark::Layout;

use crate::data::DataSet;
use crate::input::InputContract;
use crate::yaml::{Place, Section};

macro_rules! kinds {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// Every kind of product.
        pub const KINDS: &[&dyn ProductKind] = &[$(&$name::KIND,)*];
    };
}

kinds! {
    verification
    interface
    model
    report
    package
    blind
    table
}

mod bands;
mod padding;

pub(crate) use table::UNDECLARED as UNDECLARED_TABLE;

/// How an operation's answer travels (DESIGN §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Read whole, released, settled, written.
    Answer,
    /// As [`Lane::Answer`], and charged against the privacy budget before dispatch.
    Statistics,
    /// Settled before the first byte, then streamed.
    Package,
}

/// An answer that may leave.
#[derive(Clone, PartialEq, Eq)]
pub struct Released {
    /// The answer's bytes.
    pub bytes: Vec<u8>,
    /// What kind of answer it is; the price says which are charged.
    pub outcome: Outcome,
    /// Leaves the product service sent that the contract does not list; each is an alarm (REQUIREMENTS E2).
    pub unlisted: u32,
    /// How many answers it holds: 1, or the evaluated elements of a blinded request.
    pub parts: u32,
}

impl fmt::Debug for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Released");
        shown.field("outcome", &self.outcome).field("unlisted", &self.unlisted).finish_non_exhaustive()
    }
}

/// Why an answer may not leave: C901 against the contract, C902 a result that no mapping knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} {at}: {what}")]
pub struct ReleaseFault {
    /// The code.
    pub code: Code,
    /// JSON pointer of the contract's leaf, never of a caller's or upstream's own key.
    pub at: String,
    /// What is wrong, as a fixed phrase.
    pub what: &'static str,
    /// What the product service sent that is not declared, where that is what is wrong: an alarm (REQUIREMENTS E2).
    pub unlisted: u32,
}

impl ReleaseFault {
    /// An answer that is not as its contract says at the leaf `at`.
    pub(crate) fn at(at: &str, what: &'static str) -> Self {
        Self { code: Code::C901, at: at.to_owned(), what, unlisted: 0 }
    }
}

impl From<Violation> for ReleaseFault {
    fn from(violation: Violation) -> Self {
        Self { code: Code::C901, at: violation.at, what: violation.what, unlisted: 0 }
    }
}

/// When a table is published. Whatever is published is kept, and given again as the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dated<'r> {
    /// Under differential privacy: once for each version of the data, at the charge of its query, and not sooner than so long
    /// after the version before.
    Noised {
        /// Least time between two releases.
        interval_min: Duration,
    },
    /// With small groups hidden: once for its data set, of this date.
    Once {
        /// The date that the counts are of.
        reference_date: &'r str,
    },
    /// Never: it was declared before the keys of its groups were part of a declaration.
    Undeclared,
}

/// How many answers of an operation may be had at all, because so many together give away what makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnswersMax {
    /// By one unit in a calendar quarter, for all its scenarios together: a model (数据模型) is copied by asking.
    OfUnit(u64),
    /// By all units together under one version of the product, and so in one epoch: a blinded list is read by asking, and
    /// units can share what they learn.
    OfAll(u64),
}

impl AnswersMax {
    /// How many.
    #[must_use]
    pub const fn most(self) -> u64 {
        match self {
            Self::OfUnit(most) | Self::OfAll(most) => most,
        }
    }
}

/// How one operation's answers are released.
pub trait Release: fmt::Debug + Send + Sync {
    /// The output contract, where the answer has leaves to choose from.
    fn contract(&self) -> Option<&Contract>;

    /// Whether an answer with this HTTP status is read at all; any other is the product service's error (C804).
    fn reads_status(&self, status: u16) -> bool {
        status == 200
    }

    /// Of a package: how a unit's file is made of the original, where it is.
    fn watermark(&self) -> Option<&Arc<Layout>> {
        None
    }

    /// How many answers may be had at all, where that is bounded.
    fn answers_max(&self) -> Option<AnswersMax> {
        None
    }

    /// To a multiple of how many bytes answers about persons are padded, where their length would tell them apart.
    fn block(&self) -> Option<usize> {
        None
    }

    /// Of a table: when it is published.
    fn dated(&self) -> Option<Dated<'_>> {
        None
    }

    /// The statistic that is asked for whatever the request says, where its request has no say in it: a query as a report
    /// reads it.
    fn query(&self) -> Option<&Value> {
        None
    }

    /// The answer out of the noised cells of [`Release::query`].
    ///
    /// # Errors
    /// [`ReleaseFault`] where they are not those of it.
    fn tabulate(&self, _: Noised) -> Result<Vec<u8>, ReleaseFault> {
        Err(ReleaseFault::at("", "not a table under differential privacy"))
    }

    /// Turns a product service's answer into the answer that leaves.
    ///
    /// # Errors
    /// [`ReleaseFault`] when the answer lies about its contract. Nothing of it may leave then.
    fn release(&self, cut: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault>;

    /// Checks the proof by which an answer shows that it answers this request; most kinds have none. `answer` is one
    /// that [`Release::release`] took.
    ///
    /// # Errors
    /// [`ReleaseFault`] where the proof is false. Nothing of the answer may leave then.
    fn verify(&self, _request: &[u8], _answer: &[u8]) -> Result<(), ReleaseFault> {
        Ok(())
    }
}

/// What an operation declares, for its kind to compile.
pub struct Declared<'d> {
    pub(crate) section: &'d Section<'d>,
    /// Whether it touches personal information.
    pub personal: bool,
    /// Data sets of the product; `None` when one of them is itself at fault.
    pub data_sets: Option<&'d [&'d DataSet]>,
    /// Every operation of the product, this one among them.
    pub(crate) operations: &'d [Place<'d>],
    /// Whether it was taken before, perhaps by an older version, and is only read again.
    pub(crate) accepted: bool,
}

/// What a kind makes of a declaration.
pub struct Compiled {
    /// Input contract; `None` means the request has no body.
    pub input: Option<InputContract>,
    /// The way out.
    pub output: Box<dyn Release>,
}

/// A kind of product.
pub trait ProductKind: Sync {
    /// Its name in manifests.
    fn name(&self) -> &'static str;

    /// How its answers travel.
    fn lane(&self) -> Lane {
        Lane::Answer
    }

    /// Fields that its operations declare beyond those every operation has. Anything else is refused as unknown.
    fn manifest_fields(&self) -> &'static [&'static str];

    /// Whether a grant chooses among the leaves of the answer; if not, it always covers the whole answer.
    fn fields_chosen(&self) -> bool {
        false
    }

    /// The classes of its answers that a price may charge apart.
    fn classes(&self) -> &'static [Outcome] {
        &[Outcome::Answer]
    }

    /// Whether many answers give away what computes them, so that inputs along a grid are looked out for.
    fn is_probed(&self) -> bool {
        false
    }

    /// Whether requests are blinded: nobody here can read whom they are about.
    fn is_blinded(&self) -> bool {
        false
    }

    /// Whether answers are made of many people or enterprises, so that nobody in them could be asked for permission.
    fn aggregates(&self) -> bool {
        false
    }

    /// Compiles one operation, reporting every fault it finds; `None` when there was one.
    fn compile(&self, declared: &Declared<'_>) -> Option<Compiled>;
}

impl fmt::Debug for dyn ProductKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Declared<'_> {
    /// Compiles `input`.
    fn input(&self) -> Option<InputContract> {
        let place = self.section.required("input")?;
        InputContract::compile(&place.json()).map_or_else(|reason| place.fail(reason), Some)
    }

    /// Compiles `output` as a declared contract, and hands it on with its JSON.
    fn output(&self) -> Option<(Contract, serde_json::Value)> {
        let place = self.section.required("output")?;
        let declared = place.json();
        match Contract::compile(&declared) {
            // What was declared before bands were asked to hide something goes on.
            Ok(contract) if self.accepted => Some((contract, declared)),
            Ok(contract) => {
                let mut hides = true;
                for (pointer, rule) in declared.as_object().into_iter().flatten() {
                    if let Err(why) = bands::check(rule) {
                        place.fail::<()>(format!("{pointer}: {why}"));
                        hides = false;
                    }
                }
                hides.then_some((contract, declared))
            }
            Err(faults) => {
                for fault in faults {
                    place.fail::<()>(fault);
                }
                None
            }
        }
    }
}
