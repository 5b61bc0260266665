//! One operation of a product, as the stages ask about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Method;
use ring::digest::{Context, SHA256};
use shuzha_core::{Code, Id, Refusal};
use shuzha_privacy::dp::Noised;
use shuzha_privacy::output::{Contract, Cut, FieldSet, MaskKey};
use shuzha_privacy::subject::{Pseudonymiser, SubjectPrf};
use shuzha_privacy::watermark::Layout;
use shuzha_products::input::{self, Parsed};
use shuzha_products::kinds::{AnswersMax, Dated, Lane, ReleaseFault, Released};
use shuzha_products::product;

/// Names an operation together with the leaves of its answer: 16 bytes of SHA-256 over both. A grant holds leaves by
/// position; under another contract the same positions would be other leaves, so there the grant is for nothing until
/// it is translated.
pub(crate) type Tag = [u8; 16];

/// An operation. What its product's kind decides is asked of the kind; nothing here knows which kinds there are.
pub(crate) struct Operation {
    pub(crate) name: Id,
    /// What grants know it by.
    pub(crate) tag: Tag,
    pub(crate) method: Method,
    /// Whether every call needs the person's consent.
    pub(crate) personal: bool,
    /// Whether every call needs the enterprise's authorisation.
    pub(crate) secret: bool,
    /// Whether it touches data of persons.
    pub(crate) persons: bool,
    lane: Lane,
    declared: product::Operation,
    /// Calls at once, counted on when a change replaces the product. A world put in force whole counts anew, so for the
    /// moment of that calls of both are let through.
    in_flight: Arc<AtomicU32>,
    /// Every leaf of the answer, and their pointers as the product service is told them.
    all: FieldSet,
    all_list: Box<str>,
}

/// A permit (并发许可) among the calls at once; free again when dropped.
pub(crate) struct ConcurrencyPermit<'e>(&'e AtomicU32);

impl Drop for ConcurrencyPermit<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Operation {
    /// `before` is the operation that this one replaces.
    pub(super) fn new(lane: Lane, declared: product::Operation, before: Option<&Self>) -> Self {
        let method = match declared.method {
            product::Method::Get => Method::GET,
            product::Method::Post => Method::POST,
        };
        let all = declared.output.contract().map_or_else(FieldSet::default, |contract| contract.all());
        let mut operation = Self {
            name: declared.name.clone(),
            tag: tag(&declared),
            method,
            personal: declared.personal,
            secret: declared.secret,
            persons: declared.persons,
            lane,
            in_flight: before.map(|before| Arc::clone(&before.in_flight)).unwrap_or_default(),
            all,
            all_list: Box::from(""),
            declared,
        };
        operation.all_list = operation.list(all).into();
        operation
    }

    /// Whether the request has a body under a contract.
    pub(crate) fn takes_body(&self) -> bool {
        self.declared.input.is_some()
    }

    /// Largest body of a request, where the product says one.
    pub(crate) fn request_bytes_max(&self) -> Option<usize> {
        self.declared.request_bytes_max
    }

    /// Checks the body and names its subject.
    pub(crate) fn check(&self, body: &[u8]) -> Result<Parsed, Refusal> {
        input::check(&self.declared, body)
    }

    /// Whether the answer is a package, streamed.
    pub(crate) fn streamed(&self) -> bool {
        self.lane == Lane::Package
    }

    /// How a unit's file is made of a package, where it is marked.
    pub(crate) fn watermark(&self) -> Option<&Arc<Layout>> {
        self.declared.output.watermark()
    }

    /// Whether the answer is made of aggregates under differential privacy.
    pub(crate) fn statistical(&self) -> bool {
        self.lane == Lane::Statistics || self.fixed_query().is_some()
    }

    /// The query that is asked whatever the request says, where the request has no say in it.
    pub(crate) fn fixed_query(&self) -> Option<&serde_json::Value> {
        self.declared.output.query()
    }

    /// Of a table: when it is published.
    pub(crate) fn dated(&self) -> Option<Dated<'_>> {
        self.declared.output.dated()
    }

    /// The table out of the noised cells of its query.
    pub(crate) fn tabulate(&self, noised: Noised) -> Result<Vec<u8>, Refusal> {
        self.declared.output.tabulate(noised).map_err(|fault| self.refused(fault))
    }

    /// How many answers may be had at all, where that is bounded.
    pub(crate) fn answers_max(&self) -> Option<AnswersMax> {
        self.declared.output.answers_max()
    }

    /// Whether answers could be used to copy what computes them.
    pub(crate) fn probed(&self) -> bool {
        self.declared.probed
    }

    /// Whether the request is about a canary record (诱饵记录) of `product`.
    pub(crate) fn is_canary<P: SubjectPrf>(
        &self,
        keys: &Pseudonymiser<P>,
        product: &Id,
        parsed: &Parsed,
    ) -> bool {
        let Some(subject) = parsed.subject.as_ref().filter(|_| !self.declared.canaries.is_empty()) else {
            return false;
        };
        self.declared.canaries.contains(&keys.canary(product, subject))
    }

    /// Path at the product service.
    pub(crate) fn upstream_path(&self) -> &str {
        &self.declared.path
    }

    /// How long the product service may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.declared.timeout
    }

    /// Most bytes of an answer.
    pub(crate) fn answer_bytes_max(&self) -> usize {
        self.declared.answer_bytes_max
    }

    /// The declared example of an answer, for the sandbox.
    pub(crate) fn example(&self) -> Option<&[u8]> {
        self.declared.example.as_deref()
    }

    /// Every leaf of the answer.
    pub(crate) const fn all_fields(&self) -> FieldSet {
        self.all
    }

    /// Takes a place among the calls at once of all units together.
    ///
    /// # Errors
    /// C502 when none is free.
    pub(crate) fn enter(&self) -> Result<ConcurrencyPermit<'_>, Refusal> {
        let permit = ConcurrencyPermit(&self.in_flight);
        // Counted first and given back by the guard, so two callers never both take the last place.
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= self.declared.concurrency {
            return Err(Refusal::retry(Code::C502, Duration::from_secs(1)));
        }
        Ok(permit)
    }

    /// The leaves among `pointers`. A pointer that is no leaf here allows nothing.
    pub(crate) fn fields_among(&self, pointers: &[String]) -> FieldSet {
        let contract = self.declared.output.contract();
        contract.map_or_else(FieldSet::default, |c| c.fields_among(pointers.iter().map(String::as_str)))
    }

    /// The pointers of `fields`, leaves of this operation's answer.
    pub(super) fn pointers(&self, fields: FieldSet) -> Vec<String> {
        let contract = self.declared.output.contract();
        contract.map_or_else(Vec::new, |contract| contract.pointers(fields).map(str::to_owned).collect())
    }

    /// Whether the answer has leaves to choose from.
    pub(crate) fn has_fields(&self) -> bool {
        self.declared.output.contract().is_some()
    }

    /// `fields` as the product service is told them: leaf pointers with commas between.
    pub(crate) fn field_list(&self, fields: FieldSet) -> std::borrow::Cow<'_, str> {
        if fields == self.all { (&*self.all_list).into() } else { self.list(fields).into() }
    }

    fn list(&self, fields: FieldSet) -> String {
        let Some(contract) = self.declared.output.contract() else { return String::new() };
        contract.pointers(fields).collect::<Vec<_>>().join(",")
    }

    /// The key of masks for the answer to a request with this body.
    pub(crate) fn mask_key(&self, key: &MaskKey, body: &[u8]) -> MaskKey {
        self.declared.mask_key(key, body)
    }

    /// Whether releasing an answer needs a key.
    pub(crate) fn is_keyed(&self) -> bool {
        self.declared.output.contract().is_some_and(Contract::is_keyed)
    }

    /// Turns the product service's answer into what may leave; or the refusal, and how much that nobody declared was the reason.
    pub(crate) fn release(&self, cut: Cut<'_>, status: u16, body: &[u8]) -> Result<Released, (Refusal, u32)> {
        if !self.declared.output.reads_status(status) {
            return Err((Code::C804.into(), 0));
        }
        self.declared.release(cut, body).map_err(|fault| {
            let unlisted = fault.unlisted;
            (self.refused(fault), unlisted)
        })
    }

    /// Checks the proof by which an answer shows that it answers `request`, where its kind has one.
    pub(crate) fn verify(&self, request: &[u8], answer: &[u8]) -> Result<(), Refusal> {
        self.declared.output.verify(request, answer).map_err(|fault| self.refused(fault))
    }

    fn refused(&self, fault: ReleaseFault) -> Refusal {
        tracing::warn!(operation = %self.name, code = %fault.code, at = fault.at, what = fault.what, "answer refused");
        Refusal::at(fault.code, fault.at)
    }
}

/// The tag of an operation.
pub(super) fn tag(operation: &product::Operation) -> Tag {
    let mut context = Context::new(&SHA256);
    let mut add = |part: &str| {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    };
    add(operation.name.as_str());
    if let Some(contract) = operation.output.contract() {
        contract.pointers(contract.all()).for_each(add);
    }
    let mut tag = Tag::default();
    tag.copy_from_slice(&context.finish().as_ref()[..16]);
    tag
}
