//! Products (数据产品) and their operations, compiled: nothing of a declaration is read again during a call.

mod alike;
mod anew;
mod pseudonyms;
mod subject;

use std::collections::HashSet;
use std::time::Duration;

use shuzha_core::Id;
use shuzha_privacy::output::Cut;
use shuzha_privacy::subject::Pseudonym;

pub use pseudonyms::PseudonymScope;

use crate::World;
use crate::data::{DataSet, Sensitivity};
use crate::exit_review::Reviewable;
use crate::input::{BODY_BYTES_MAX, InputContract, SubjectRule};
use crate::kinds::{Declared, KINDS, Lane, ProductKind, Release, ReleaseFault, Released};
use crate::parties::{Organisation, OrganisationKind};
use crate::permission::{self, About};
use crate::sandbox;
use crate::upstream::{UPSTREAM_TIMEOUT_MAX, Upstream, path};
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;

pub use alike::TELLS_APART;
pub use anew::{unbounded, undeclared, unfounded};

/// Most operations of one product.
pub const OPERATIONS_MAX: usize = 64;
/// Fields of every operation; its kind has more ([`ProductKind::manifest_fields`]).
pub const OPERATION_FIELDS: &[&str] = &[
    "name",
    "method",
    "path",
    "personal",
    "businessSecret",
    "legalBasis",
    "subject",
    "requestBytesMax",
    "timeout",
    "answerBytesMax",
    "equalAnswerBytes",
    "concurrency",
    "canaries",
    "pseudonymDomain",
    "example",
];
/// Largest length to which answers may be padded.
const EQUAL_BYTES_MAX: usize = 64 << 10;
/// Most data sets of one product.
const DATA_SETS_MAX: usize = 64;
/// Largest answer that may be read whole, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Largest answer where an operation says nothing (DESIGN §2).
const ANSWER_BYTES_DEFAULT: usize = 1 << 20;
/// Most calls at once that an operation may allow.
const CONCURRENCY_MAX: u32 = 100_000;
/// Calls at once where an operation says nothing.
const CONCURRENCY_DEFAULT: u32 = 256;

/// How the product service is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`, for packages.
    Get,
    /// `POST`, for everything with a body: identifiers travel in bodies only (DESIGN §7).
    Post,
}

impl Method {
    /// The method's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// One operation of a product.
#[derive(Debug)]
pub struct Operation {
    /// Name, unique in the product; the last part of the caller's path.
    pub name: Id,
    /// Method, for the caller and at the product service alike.
    pub method: Method,
    /// Path at the product service.
    pub path: String,
    /// Whether it touches personal information: every call then needs the person's consent (REQUIREMENTS D1).
    pub personal: bool,
    /// Whether it touches an enterprise's business secret: every call then needs that enterprise's authorisation.
    pub secret: bool,
    /// Whether it touches data of persons: then its product service proves what it is before it is called.
    pub persons: bool,
    /// Whether nothing speaks against how these are declared; see [`Product::unfounded`].
    founded: bool,
    /// Where the request names its subject.
    pub subject: Option<SubjectRule>,
    /// Input contract; `None` means the request has no body.
    pub input: Option<InputContract>,
    /// Largest body of a request, in bytes; `None` where whatever the node takes is taken.
    pub request_bytes_max: Option<usize>,
    /// How answers are released.
    pub output: Box<dyn Release>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Largest answer that is read whole, in bytes.
    pub answer_bytes_max: usize,
    /// Most calls at once, of all units together.
    pub concurrency: u32,
    /// Every answer leaves with exactly so many bytes, where its classes must not be told apart by size. The price then
    /// may not tell them apart either.
    pub equal_bytes: Option<usize>,
    /// Whether many answers give away what computes them.
    pub probed: bool,
    /// Tags of canary records (诱饵记录): subjects that belong to nobody, so that whoever asks for one has guessed.
    pub canaries: Vec<Pseudonym>,
    /// Within what its pseudonyms are comparable.
    pub pseudonyms: PseudonymScope,
    /// What the product service might answer, made up: the sandbox's answer where it has no service of its own
    /// (REQUIREMENTS K1). JSON that meets the output contract.
    pub example: Option<Vec<u8>>,
}

impl Operation {
    /// Turns the product service's answer into the answer that leaves.
    ///
    /// # Errors
    /// [`ReleaseFault`] when the answer lies about its contract.
    pub fn release<'k>(&self, cut: impl Into<Cut<'k>>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        let mut released = self.output.release(cut.into(), answer)?;
        if let Some(length) = self.equal_bytes {
            if released.bytes.len() > length {
                let what = "longer than every answer is padded to";
                return Err(ReleaseFault::at("", what));
            }
            // White space after a JSON text is ignored by every reader (RFC 8259 §2).
            released.bytes.resize(length, b' ');
        } else if let Some(block) = self.block() {
            released.bytes.resize(released.bytes.len().next_multiple_of(block), b' ');
        }
        Ok(released)
    }
}

/// A product (数据产品).
#[derive(Debug)]
pub struct Product {
    /// Its kind.
    pub kind: &'static dyn ProductKind,
    /// What it is called in the catalogue.
    pub title: String,
    /// 运营机构.
    pub operator: Id,
    /// What it is made of.
    pub data_sets: Vec<Id>,
    /// Where its answers come from.
    pub upstream: Id,
    /// The synthetic service that answers in the sandbox, where there is one.
    pub sandbox: Option<Id>,
    /// Version; a changed contract is a new version.
    pub version: u32,
    /// Its operations, at least one.
    pub operations: Vec<Operation>,
    /// All that an exit review looks at; see [`crate::exit_review`].
    pub reviewable: Reviewable,
}

impl Product {
    /// The operation of this name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name.as_str() == name)
    }
}

impl Object for Product {
    const KIND: &'static str = "Product";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let about = &["kind", "title", "operator", "dataSets"];
        let spec = spec.section(&[about, &["upstream", "sandbox", "version", "operations"]])?;
        let words: Vec<_> = KINDS.iter().map(|kind| (kind.name(), *kind)).collect();
        let kind = spec.required("kind").and_then(|place| place.word(&words));
        let title = spec.required("title").and_then(|place| place.text());
        let operator = spec.required("operator").and_then(|place| {
            let (id, found) = scope.find::<Organisation>(&place)?;
            match found.kind {
                OrganisationKind::Operator => Some(id.clone()),
                _ => place.fail("must be an organisation of kind operator"),
            }
        });
        let data_sets = spec.required("dataSets").and_then(|place| read_data_sets(&place, scope));
        let upstream = spec.required("upstream").and_then(|place| {
            let (id, found) = scope.find::<Upstream>(&place)?;
            if found.synthetic {
                return place.fail("answers from synthetic data");
            }
            of_operator(&place, found, operator.as_ref())?;
            Some((id, found))
        });
        let sandbox =
            spec.optional("sandbox").map(|place| sandbox::service(&place, operator.as_ref(), scope));
        let version = spec.required("version").and_then(|place| place.count(1..=u32::MAX));
        let items = spec.required("operations").and_then(|place| place.some_items(OPERATIONS_MAX));
        let (ids, sets) = data_sets.map(|sets| sets.into_iter().unzip::<_, _, Vec<_>, Vec<_>>()).unzip();
        // Operations are read even where the product's head is at fault, so that their faults show too.
        let reviewable = |upstream| {
            let sandbox = sandbox.as_ref().and_then(|sandbox| sandbox.map(|(_, service)| service));
            Reviewable::new(&spec.place().json(), upstream, sandbox)
        };
        let timeout = upstream.map_or(UPSTREAM_TIMEOUT_MAX, |(_, upstream)| upstream.timeout);
        let items = items?;
        let beside = Beside { operations: &items, data_sets: sets.as_deref(), accepted: scope.is_accepted() };
        let operations = read_operations(kind?, &beside, timeout);
        Some(Self {
            kind: kind?,
            title: title?.to_owned(),
            operator: operator?,
            data_sets: ids?,
            upstream: upstream?.0.clone(),
            sandbox: sandbox.map_or(Some(None), |found| found.map(|(id, _)| Some(id.clone())))?,
            version: version?,
            operations: operations?,
            reviewable: reviewable(upstream?.1),
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.products
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.products
    }
}

/// A product service is its owner's: another operator's product over it would sell what that one was entrusted with.
pub(crate) fn of_operator(place: &Place<'_>, service: &Upstream, operator: Option<&Id>) -> Option<()> {
    match service.operator.as_ref().zip(operator) {
        Some((owner, operator)) if owner != operator => place.fail("is another operator's product service"),
        _ => Some(()),
    }
}

fn read_data_sets<'w>(place: &Place<'_>, scope: &Scope<'w>) -> Option<Vec<(Id, &'w DataSet)>> {
    let mut sets: Vec<(Id, &DataSet)> = Vec::new();
    let items = place.some_items(DATA_SETS_MAX)?;
    for item in &items {
        let Some((id, set)) = scope.find::<DataSet>(item) else { continue };
        if set.sensitivity == Sensitivity::Core {
            item.fail::<()>("core data (核心数据) may not become a product");
        }
        if sets.iter().any(|(other, _)| other == id) {
            item.fail::<()>("is named twice");
        }
        sets.push((id.clone(), set));
    }
    (sets.len() == items.len()).then_some(sets)
}

/// What an operation is read beside.
struct Beside<'b> {
    /// Every operation of the product.
    operations: &'b [Place<'b>],
    /// None when one of them is itself at fault.
    data_sets: Option<&'b [&'b DataSet]>,
    accepted: bool,
}

/// All operations, or none: a product that lacks one of them is at fault as a whole, and its grants are not to blame.
fn read_operations(
    kind: &'static dyn ProductKind,
    beside: &Beside<'_>,
    timeout: Duration,
) -> Option<Vec<Operation>> {
    let items = beside.operations;
    let mut names = HashSet::new();
    let mut operations = Vec::with_capacity(items.len());
    for item in items {
        let Some(operation) = read_operation(item, kind, beside, timeout) else { continue };
        if !names.insert(operation.name.clone()) {
            item.fail::<()>(format!("operation `{}` is declared twice", operation.name));
        }
        operations.push(operation);
    }
    (operations.len() == items.len()).then_some(operations)
}

fn read_operation(
    item: &Place<'_>,
    kind: &'static dyn ProductKind,
    beside: &Beside<'_>,
    upstream_timeout: Duration,
) -> Option<Operation> {
    let Beside { operations, data_sets, accepted } = *beside;
    let section = item.section(&[OPERATION_FIELDS, kind.manifest_fields()])?;
    let name = section.required("name").and_then(|place| place.id());
    let method = section.required("method").and_then(|place| read_method(&place, kind.lane()));
    let path = section.required("path").and_then(|place| path(&place));
    let subject = section.optional("subject").map(|place| subject::read(&place, &section));
    let about = About {
        kind,
        subject: subject.as_ref().and_then(Option::as_ref),
        subject_at_fault: subject.as_ref().is_some_and(Option::is_none),
        data_sets,
    };
    let permission = permission::read(&section, &about);
    let timeout = match section.optional("timeout") {
        Some(place) => place.duration(UPSTREAM_TIMEOUT_MAX),
        None => Some(upstream_timeout),
    };
    let answer_bytes_max = match section.optional("answerBytesMax") {
        Some(place) => place.size(ANSWER_BYTES_MAX),
        None => Some(ANSWER_BYTES_DEFAULT),
    };
    let request_bytes_max = match section.optional("requestBytesMax") {
        Some(place) if kind.lane() == Lane::Package => place.fail("the request of a package has no body"),
        Some(place) => place.size(BODY_BYTES_MAX).map(Some),
        None => Some(None),
    };
    let concurrency = match section.optional("concurrency") {
        Some(place) => place.count(1..=CONCURRENCY_MAX),
        None => Some(CONCURRENCY_DEFAULT),
    };
    let equal_bytes = match section.optional("equalAnswerBytes") {
        Some(place) if kind.lane() != Lane::Answer => {
            place.fail("only answers that are read whole are padded")
        }
        Some(place) => place.size(EQUAL_BYTES_MAX).map(Some),
        None => Some(None),
    };
    let canaries = match section.optional("canaries") {
        Some(place) => subject::canaries(&place, &section, kind),
        None => Some(Vec::new()),
    };
    let personal = permission.is_some_and(|asked| asked.personal);
    let declared = Declared { section: &section, personal, data_sets, operations, accepted };
    let compiled = kind.compile(&declared)?;
    let example = section.optional("example").map(|place| sandbox::example(&place, kind, &*compiled.output));
    let subject = match subject {
        Some(rule) => Some(rule?),
        None => None,
    };
    let pseudonyms = pseudonyms::read(&section, subject.as_ref(), compiled.input.as_ref());
    Some(Operation {
        name: name?,
        method: method?,
        path: path?,
        personal: permission?.personal,
        secret: permission?.secret,
        persons: permission?.persons,
        founded: permission?.founded,
        subject,
        input: compiled.input,
        request_bytes_max: request_bytes_max?,
        output: compiled.output,
        timeout: timeout?,
        answer_bytes_max: answer_bytes_max?,
        concurrency: concurrency?,
        equal_bytes: equal_bytes?,
        probed: kind.is_probed(),
        canaries: canaries?,
        pseudonyms: pseudonyms?,
        example: example.map_or(Some(None), |bytes| bytes.map(Some))?,
    })
}

fn read_method(place: &Place<'_>, lane: Lane) -> Option<Method> {
    let method = place.word(&[("GET", Method::Get), ("POST", Method::Post)])?;
    let fitting = if lane == Lane::Package { Method::Get } else { Method::Post };
    if method == fitting { Some(method) } else { place.fail(format!("must be {}", fitting.as_str())) }
}
