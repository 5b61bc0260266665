//! The index against a list that is searched from its beginning to its end.

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::prelude::*;
use shuzha_core::{RequestId, Timestamp};
use shuzha_evidence::{Boot, Call, Decision, Entry, Registered, Terms};
use shuzha_journal::RawRecord;

use super::gather::Known;
use super::*;
use crate::reduce::tests::at;

const PRODUCTS: [&str; 3] = ["company-check", "person-check", "report"];
const UNITS: [&str; 3] = ["bank", "insurer", "lender"];
const GRANTS: [&str; 4] = ["", "g-1", "g-2", "g-3"];

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

/// Products as they are now: version, and data sets with providers.
#[derive(Default)]
struct Shelf(Mutex<BTreeMap<String, Made>>);

impl Shelf {
    fn put(&self, product: &str, version: u32, sets: &[(&str, &str)]) {
        let data_sets = sets.iter().map(|(set, provider)| (id(set), id(provider))).collect();
        let made = Made { version, operator: id("operating"), data_sets };
        self.0.lock().unwrap().insert(product.to_owned(), made);
    }
}

impl Catalogue for Shelf {
    fn made(&self, product: &str) -> Result<Option<Made>, StoreError> {
        Ok(self.0.lock().unwrap().get(product).cloned())
    }
}

/// The data sets of a product's version, as the shelf of the property has them: `enterprises` is left out of later versions.
fn made_of(product: usize, version: u32) -> Vec<(&'static str, &'static str)> {
    match (product, version) {
        (0, 1) => vec![("enterprises", "regulator"), ("tax", "bureau")],
        (0, _) => vec![("tax", "bureau")],
        (1, _) => vec![("population", "police")],
        _ => vec![("population", "police"), ("enterprises", "regulator")],
    }
}

#[derive(Clone, Debug)]
struct One {
    product: usize,
    version: u32,
    unit: usize,
    grant: usize,
    micros: i64,
    decision: usize,
    sandbox: bool,
}

fn one() -> impl Strategy<Value = One> {
    (0_usize..4, 1_u32..4, 0_usize..3, 0_usize..4, 0_i64..40, 0_usize..5, prop::bool::weighted(0.1)).prop_map(
        |(product, version, unit, grant, micros, decision, sandbox)| One {
            product,
            version,
            unit,
            grant,
            micros,
            decision,
            sandbox,
        },
    )
}

fn request(seq: u64) -> RequestId {
    RequestId::from_bytes(u128::from(seq).to_be_bytes())
}

fn record(seq: u64, entry: &Entry<'_>) -> RawRecord {
    let mut bytes = Vec::new();
    entry.encode_into(&mut bytes).unwrap();
    RawRecord { position: Position { epoch: 1, seq }, bytes: bytes.into() }
}

fn call(seq: u64, one: &One) -> RawRecord {
    // The fourth product is none: the call was refused before it was known.
    let product = PRODUCTS.get(one.product).copied().unwrap_or("");
    let terms = Terms {
        unit: UNITS[one.unit],
        product,
        version: one.version,
        operation: "verify",
        scenario: "s",
        grant: GRANTS[one.grant],
        ..Terms::default()
    };
    let decision = Decision::ALL[one.decision];
    let call = Call { terms, decision, sandbox: one.sandbox, ..Call::of(request(seq), at(one.micros)) };
    record(seq, &Entry::Call(Box::new(call)))
}

fn changed(seq: u64, product: &str) -> RawRecord {
    let act = Registered {
        revision: 0,
        id: request(seq),
        at: at(0),
        actor: "sun",
        object: product,
        verb: "put",
        kind: "Product",
        organisation: "operating",
        role: "operator",
        digest: [0; 32],
        state: "",
    };
    record(seq, &Entry::Registered(act))
}

fn read(traces: &Traces, shelf: &Shelf, records: &[RawRecord]) -> Result<Position, StoreError> {
    traces.read(records.iter().cloned().map(Ok), shelf, &mut Known::default())
}

/// All pages of a question, as sequences; every page but the last is full.
fn pages(traces: &Traces, query: Query<'_>) -> Vec<u64> {
    let (mut all, mut after) = (Vec::new(), query.after);
    loop {
        let page = traces.uses(&Query { after, ..query }).unwrap();
        assert!(page.uses.len() <= query.limit && (page.next.is_none() || page.uses.len() == query.limit));
        assert!(page.uses.iter().all(|found| found.request == request(found.seq)));
        all.extend(page.uses.iter().map(|found| found.seq));
        let Some(next) = page.next else { return all };
        after = Some(next.to_string().parse().unwrap());
    }
}

const EVERYTHING: Query<'static> = Query {
    of: Of::Product(""),
    from: None,
    until: None,
    provider: None,
    units: None,
    after: None,
    limit: 200,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In any batches, over restarts, whatever is asked for, page by page: exactly the uses that a search of the whole list
    /// finds, in order of time.
    #[test]
    fn h4_every_use_of_a_data_set_is_found_forward(
        ones in prop::collection::vec(one(), 1..120),
        cuts in prop::collection::btree_set(1_usize..120, 0..4),
        limit in 1_usize..12,
        (from, until) in (0_i64..40, 0_i64..45),
        bounded in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("traces.db");
        let shelf = Shelf::default();
        // Every version stands in the register for a moment, and is written down by its act.
        let mut records = Vec::new();
        let mut seq = 0;
        let traces = Traces::open(&path).unwrap();
        for version in 1..4 {
            for (at, product) in PRODUCTS.into_iter().enumerate() {
                seq += 1;
                shelf.put(product, version, &made_of(at, version));
                read(&traces, &shelf, &[changed(seq, product)]).unwrap();
            }
        }
        records.extend(ones.iter().zip(seq + 1..).map(|(one, seq)| call(seq, one)));
        let mut start = 0;
        for cut in cuts.into_iter().filter(|cut| *cut < records.len()).chain([records.len()]) {
            read(&Traces::open(&path).unwrap(), &shelf, &records[start..cut]).unwrap();
            start = cut;
        }
        let traces = Traces::open(&path).unwrap();
        let (from, until) = (bounded.then(|| at(from)), bounded.then(|| at(until)));
        let wanted = |keep: &dyn Fn(&One) -> bool| {
            let mut found: Vec<_> = ones.iter().zip(seq + 1..).filter(|(one, _)| {
                one.product < 3 && !one.sandbox && keep(one)
                    && from.is_none_or(|from| at(one.micros) >= from)
                    && until.is_none_or(|until| at(one.micros) < until)
            }).map(|(one, seq)| (one.micros, seq)).collect();
            found.sort_unstable();
            found.into_iter().map(|(_, seq)| seq).collect::<Vec<_>>()
        };
        let has = |one: &One, set: &str| made_of(one.product, one.version).iter().any(|(name, _)| *name == set);
        let by = |one: &One, provider: &str| made_of(one.product, one.version).iter().any(|(_, name)| *name == provider);
        let ask = |of| Query { of, from, until, limit, ..EVERYTHING };
        for set in ["enterprises", "tax", "population", "nothing"] {
            prop_assert_eq!(pages(&traces, ask(Of::DataSet(set))), wanted(&|one| has(one, set)));
            let units = [id("bank"), id("lender")];
            let own = Query { units: Some(&units), ..ask(Of::DataSet(set)) };
            prop_assert_eq!(pages(&traces, own), wanted(&|one| has(one, set) && one.unit != 1));
        }
        for (at, product) in PRODUCTS.into_iter().enumerate() {
            prop_assert_eq!(pages(&traces, ask(Of::Product(product))), wanted(&|one| one.product == at));
            let regulator = id("regulator");
            let provided = Query { provider: Some(&regulator), ..ask(Of::Product(product)) };
            let expected = wanted(&|one| one.product == at && by(one, "regulator"));
            prop_assert_eq!(pages(&traces, provided), expected);
        }
        for (at, unit) in UNITS.into_iter().enumerate() {
            prop_assert_eq!(pages(&traces, ask(Of::Unit(unit))), wanted(&|one| one.unit == at));
        }
        for (at, grant) in GRANTS.into_iter().enumerate().skip(1) {
            prop_assert_eq!(pages(&traces, ask(Of::Grant(grant))), wanted(&|one| one.grant == at));
            let none = Query { units: Some(&[]), ..ask(Of::Grant(grant)) };
            prop_assert!(pages(&traces, none).is_empty());
        }
    }
}

#[test]
fn h4_what_a_version_was_made_of_outlasts_the_register() {
    let (traces, shelf) = (Traces::in_memory().unwrap(), Shelf::default());
    let one = One { product: 0, version: 1, unit: 0, grant: 1, micros: 0, decision: 0, sandbox: false };
    shelf.put("company-check", 1, &[("enterprises", "regulator")]);
    read(&traces, &shelf, &[call(1, &one)]).unwrap();
    shelf.put("company-check", 2, &[("tax", "bureau")]);
    read(&traces, &shelf, &[changed(2, "company-check"), call(3, &one)]).unwrap();
    let edition = |version| traces.edition("company-check", version).unwrap();
    let sets = |version| edition(version).map(|edition| (edition.exact, edition.data_sets));
    let pair = |set: &str, provider: &str| (set.to_owned(), provider.to_owned());
    assert_eq!(sets(1), Some((true, vec![pair("enterprises", "regulator")])));
    assert_eq!(sets(2), Some((true, vec![pair("tax", "bureau")])));
    assert_eq!(pages(&traces, Query { of: Of::DataSet("enterprises"), ..EVERYTHING }), [1, 3]);
    // The same version made of something else: both are kept, and nobody says which it was.
    shelf.put("company-check", 2, &[("population", "police")]);
    read(&traces, &shelf, &[changed(4, "company-check")]).unwrap();
    assert_eq!(sets(2), Some((false, vec![pair("population", "police"), pair("tax", "bureau")])));
    // A version that is found only when the register has moved on is told by what stands there now, as not exact.
    let late = One { version: 9, ..one };
    read(&traces, &shelf, &[call(5, &late)]).unwrap();
    assert_eq!(sets(9), Some((false, vec![pair("population", "police")])));
    assert_eq!(edition(3), None);
}

#[test]
fn a_gap_or_a_fault_leaves_the_index_at_the_last_whole_batch() {
    let (traces, shelf) = (Traces::in_memory().unwrap(), Shelf::default());
    let one = One { product: 0, version: 1, unit: 0, grant: 1, micros: 0, decision: 0, sandbox: false };
    let mut known = Known::default();
    let mut read = |records: &[RawRecord]| traces.read(records.iter().cloned().map(Ok), &shelf, &mut known);
    let gap = read(&[call(1, &one), call(3, &one)]);
    assert!(matches!(gap, Err(StoreError::Contradiction { seq: 3, .. })), "{gap:?}");
    assert_eq!(traces.reached().unwrap().seq, 0);
    // The numbers that were given in the lost transaction are given again.
    let other = One { unit: 1, ..one };
    read(&[call(1, &other), call(2, &one)]).unwrap();
    assert_eq!(pages(&traces, Query { of: Of::Unit("bank"), ..EVERYTHING }), [2]);
    assert_eq!(pages(&traces, Query { of: Of::Unit("insurer"), ..EVERYTHING }), [1]);
    let boot = Entry::Boot(Boot { at: Timestamp::from_micros(0), node: "gate-1", version: "1" });
    assert_eq!(read(&[record(3, &boot)]).unwrap().seq, 3);
}
