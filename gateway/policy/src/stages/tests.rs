//! The order of the stages, and what their heads say.

use std::any::TypeId;
use std::collections::BTreeSet;
use std::future::Future;

use shuzha_core::{Code, Id, Refusal};

use super::validate::{Validated, Validation};
use super::{authorise, budget, consent, forward, identify, limit, price, release, settle, validate};
use crate::context::CallContext;
use crate::{Dispatch, DomainDigest, Fetched, Opened, Reply, Upstream, UpstreamFault};

type At<S> = CallContext<'static, 'static, S>;

/// The states that a stage takes and gives.
type Step = (TypeId, TypeId);

const fn step<A: 'static, B: 'static>() -> Step {
    (TypeId::of::<A>(), TypeId::of::<B>())
}

fn plain<A: 'static, B: 'static>(_: fn(At<A>) -> Result<At<B>, Refusal>) -> Step {
    step::<A, B>()
}

fn validation<A: 'static>(
    _: fn(At<A>) -> Result<Validation<'static, 'static>, Refusal>,
    _: fn(Validation<'static, 'static>) -> At<Validated<'static>>,
) -> Step {
    step::<A, Validated<'static>>()
}

fn awaited<A: 'static, B: 'static, X, F>(_: impl FnOnce(At<A>) -> F) -> Step
where
    F: Future<Output = Result<(At<B>, X), Refusal>>,
{
    step::<A, B>()
}

fn last<A: 'static, F>(_: impl FnOnce(At<A>) -> F) -> TypeId
where
    F: Future<Output = Result<Reply<()>, Refusal>>,
{
    TypeId::of::<A>()
}

struct Nowhere;

impl Upstream for Nowhere {
    type Stream = ();

    fn keeps(&self, _: &Id, _: DomainDigest) -> bool {
        true
    }

    async fn fetch(&self, _: Dispatch<'_>) -> Result<Fetched, UpstreamFault> {
        Err(UpstreamFault::Unreachable)
    }

    async fn open(&self, _: Dispatch<'_>) -> Result<Opened<()>, UpstreamFault> {
        Err(UpstreamFault::Unreachable)
    }
}

/// Each stage takes the very type that the stage before gives, and all of these types are different: two stages that are swapped, or
/// one that is left out, do not compile. What each gives has a field that its file alone can fill.
#[test]
fn stages_compile_in_one_order_only() {
    let steps = [
        plain(identify::run),
        plain(authorise::run),
        validation(validate::run, |validation| match validation {
            Validation::ToAnswer(call) | Validation::Answered(call, _) => call,
        }),
        plain(consent::run),
        plain(limit::run),
        plain(budget::run),
        plain(price::run),
        awaited(|call| forward::run(call, &Nowhere)),
        awaited(|call| release::run::<()>(call, forward::Answer::Example(b""))),
    ];
    let last = last(|call| settle::run::<()>(call, release::ReleasedBody::Whole(bytes::Bytes::new())));
    let taken: Vec<_> = steps.iter().map(|(taken, _)| *taken).chain([last]).collect();
    let given: Vec<_> = steps.iter().map(|(_, given)| *given).collect();
    assert_eq!(taken[1..], given, "a stage takes what the stage before gives");
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 10, "each stage takes a type of its own");
}

const FILES: [(&str, &str); 10] = [
    ("identify", include_str!("identify.rs")),
    ("authorise", include_str!("authorise.rs")),
    ("validate", include_str!("validate.rs")),
    ("consent", include_str!("consent.rs")),
    ("limit", include_str!("limit.rs")),
    ("budget", include_str!("budget.rs")),
    ("price", include_str!("price.rs")),
    ("forward", include_str!("forward.rs")),
    ("release", include_str!("release.rs")),
    ("settle", include_str!("settle.rs")),
];

/// The codes named in `text` behind `mark`.
fn codes(text: &str, mark: &str) -> BTreeSet<Code> {
    let named = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        format!("C{}", &rest[..digits]).parse().ok()
    };
    text.split(mark).skip(1).filter_map(named).collect()
}

/// The head of a stage's file says what it asks, what it takes, and with which codes it refuses: all codes of its digit in the table
/// of codes, and all that its file names.
#[test]
fn a_stages_head_names_its_codes() {
    for (number, (name, text)) in (1..).zip(FILES) {
        let head: Vec<_> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        let head = head.join(" ");
        assert!(head.starts_with(&format!("Stage {number} of 10, {name}: ")), "{name}: {head}");
        let part = |word: &str| head.split_once(word).unwrap_or_else(|| panic!("{name} says no `{word}`")).1;
        assert!(part("Asks: ").len() > part("Takes: ").len(), "{name}: what it asks comes first");
        let said = codes(part("Refuses: "), "C");
        let own = Code::ALL.iter().copied().filter(|code| number < 10 && code.stage() == number);
        let missing: Vec<_> = own.chain(codes(text, "Code::C")).filter(|code| !said.contains(code)).collect();
        assert!(missing.is_empty(), "the head of {name} does not name {missing:?}");
    }
}
