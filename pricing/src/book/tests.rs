//! Which books stand, and which price is found in them.

use proptest::prelude::*;

use super::*;
use shuzha_core::PurposeClass;

use crate::{Effective, Purposes};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn price(name: &str, operation: Option<&str>, micros: i64, from: i64, until: Option<i64>) -> Price {
    let at = Timestamp::from_seconds;
    let effective = Effective::new(at(from), until.map(at)).unwrap();
    let (act, each) = ("发改价格〔2026〕1号".to_owned(), MicroYuan::from_micros(micros));
    Price { operation: operation.map(id), ..Price::per_call(id(name), act, id("score"), each, effective) }
}

fn ceiling(name: &str, micros: i64, from: i64, until: Option<i64>) -> Ceiling {
    let at = Timestamp::from_seconds;
    Ceiling {
        id: id(name),
        act: "发改价格〔2026〕2号".to_owned(),
        product: id("score"),
        per_call_max: MicroYuan::from_micros(micros),
        annual_max: None,
        effective: Effective::new(at(from), until.map(at)).unwrap(),
    }
}

fn found<'b>(book: &'b PriceBook, operation: &str, at: i64) -> Result<&'b str, Code> {
    book.resolve(&asked("score", operation), Timestamp::from_seconds(at)).map(|price| price.id.as_str())
}

fn asked<'a>(product: &'a str, operation: &'a str) -> Asked<'a> {
    Asked { product, operation, scenario: "credit", purpose: PurposeClass::Industry }
}

#[test]
fn each_instant_has_its_price() {
    let prices = vec![
        price("p2", None, 7, 20, None),
        price("p1", None, 5, 10, Some(20)),
        price("p0", None, 5, 0, Some(5)),
    ];
    let book = PriceBook::build(prices, vec![ceiling("c1", 7, 0, None)]).unwrap();
    for (at, expected) in [
        (-1, Err(Code::C701)),
        (0, Ok("p0")),
        (4, Ok("p0")),
        (5, Err(Code::C701)),
        (10, Ok("p1")),
        (19, Ok("p1")),
        (20, Ok("p2")),
        (i64::MAX / 1_000_000, Ok("p2")),
    ] {
        assert_eq!(found(&book, "query", at), expected, "{at}");
    }
    assert_eq!(book.resolve(&asked("other", "query"), Timestamp::from_seconds(1)).unwrap_err(), Code::C701);
    assert_eq!((book.prices("score").len(), book.ceilings("score").len(), book.prices("x").len()), (3, 1, 0));
}

#[test]
fn operations_have_prices_of_their_own() {
    let prices = vec![price("a", Some("query"), 1, 0, None), price("b", Some("batch"), 2, 0, None)];
    let book = PriceBook::build(prices, vec![]).unwrap();
    assert_eq!(found(&book, "query", 1), Ok("a"));
    assert_eq!(found(&book, "batch", 1), Ok("b"));
    assert_eq!(found(&book, "export", 1), Err(Code::C701));
}

#[test]
fn every_fault_is_named_at_once() {
    let mut nameless = price("n", Some("x"), 1, 0, None);
    nameless.act = " ".to_owned();
    let prices = vec![
        price("a", None, 9, 0, Some(10)),
        price("b", Some("query"), 1, 9, Some(12)),
        price("b", Some("query"), 1, 30, None),
        price("d", Some("d"), -1, 40, None),
        price("e", Some("e"), AMOUNT_MAX.micros() + 1, 60, Some(61)),
        nameless,
        Price {
            trial: true,
            provider_parts: Some(10_001),
            purposes: Purposes::of(&[]),
            ..price("f", Some("f"), 9, 15, None)
        },
    ];
    let ceilings = vec![ceiling("c", 8, 9, Some(20)), ceiling("c2", 8, 19, Some(30))];
    let faults = PriceBook::build(prices, ceilings).unwrap_err();
    let expected = [
        PriceFault::Duplicate(id("b")),
        PriceFault::Amount(id("d")),
        PriceFault::Amount(id("e")),
        PriceFault::Act(id("n")),
        PriceFault::Overlap(id("a"), id("b")),
        PriceFault::AboveCeiling(id("f"), id("c")),
        PriceFault::Trial(id("f")),
        PriceFault::Preference(id("f")),
        PriceFault::Purposes(id("f")),
        PriceFault::Overlap(id("a"), id("n")),
        PriceFault::CeilingOverlap(id("c"), id("c2")),
    ];
    for fault in &expected {
        assert!(faults.contains(fault), "{fault}");
    }
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
}

/// A book that came past `build` (an edited store) is still refused where money is counted.
#[test]
fn resolving_checks_again() {
    let two =
        PriceBook::unchecked(vec![price("a", None, 1, 0, None), price("b", Some("q"), 1, 0, None)], vec![]);
    assert_eq!(found(&two, "q", 1), Err(Code::C702));
    assert_eq!(found(&two, "r", 1), Ok("a"));
    let ceilings =
        vec![ceiling("b", 9, 0, Some(10)), ceiling("c", 8, 10, Some(20)), ceiling("d", 9, 20, Some(30))];
    let dear = PriceBook::unchecked(vec![price("a", None, 9, 0, None)], ceilings);
    assert_eq!(found(&dear, "q", 9), Ok("a"));
    assert_eq!(found(&dear, "q", 10), Err(Code::C703));
    assert_eq!(found(&dear, "q", 20), Ok("a"));
    // The last ceiling has ended, and no other took its place.
    assert_eq!(found(&dear, "q", 30), Err(Code::C703));
}

fn any_price() -> impl Strategy<Value = (Option<bool>, i64, i64, Option<i64>)> {
    (prop::option::of(any::<bool>()), 0_i64..6, 0_i64..30, prop::option::of(1_i64..12))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// A book that stands is never ambiguous (C702), and refuses to charge (C703) exactly while a ceiling below the price is in
    /// force, or none is of a product that has some; a book that is refused is ambiguous somewhere, or a price of it is too
    /// dear from its first instant.
    #[test]
    fn f2_a_book_stands_exactly_when_no_price_is_ambiguous_or_begins_too_dear(
        prices in prop::collection::vec(any_price(), 0..5),
        ceilings in prop::collection::vec((2_i64..6, 0_i64..30, prop::option::of(1_i64..12)), 0..2),
    ) {
        let named = |(at, (operation, micros, from, length)): (usize, (Option<bool>, i64, i64, Option<i64>))| {
            let operation = operation.map(|first| if first { "x" } else { "y" });
            price(&format!("p{at}"), operation, micros, from, length.map(|length| from + length))
        };
        let prices: Vec<Price> = prices.into_iter().enumerate().map(named).collect();
        let ceilings: Vec<Ceiling> = ceilings.into_iter().enumerate()
            .map(|(at, (micros, from, length))| ceiling(&format!("c{at}"), micros, from, length.map(|l| from + l)))
            .collect();
        let loose = PriceBook::unchecked(prices.clone(), ceilings.clone());
        // Operation z stands for any that only the product-wide price covers.
        let ambiguous = (0..50).any(|at| ["x", "y", "z"].into_iter()
            .any(|operation| found(&loose, operation, at) == Err(Code::C702)));
        let each = |price: &Price| price.tariff.flat().unwrap();
        let in_force = |price: &Price, at: i64| price.effective.holds(Timestamp::from_seconds(at));
        let dear = |price: &Price, at: i64| ceilings.iter().any(|ceiling| {
            ceiling.effective.holds(Timestamp::from_seconds(at)) && each(price) > ceiling.per_call_max
        });
        let begins_dear = prices.iter().any(|price| dear(price, price.effective.from().seconds()));
        // Two ceilings at once are refused too, though the lower would bind.
        match PriceBook::build(prices.clone(), ceilings.clone()) {
            Ok(book) => {
                prop_assert!(!ambiguous && !begins_dear);
                let stopped = book.stopped_by_ceilings(Timestamp::from_seconds(0));
                for at in 0..50 {
                    for price in prices.iter().filter(|price| in_force(price, at)) {
                        let listed = stopped.iter().any(|(one, ceiling, from)| {
                            one.id == price.id && *from <= Timestamp::from_seconds(at)
                                && ceiling.effective.holds(Timestamp::from_seconds(at))
                        });
                        prop_assert_eq!(listed, dear(price, at));
                        let operation = price.operation.as_ref().map_or("z", |operation| operation.as_str());
                        let bare = !ceilings.is_empty() && !ceilings.iter().any(|ceiling| {
                            ceiling.effective.holds(Timestamp::from_seconds(at))
                        });
                        prop_assert_eq!(found(&book, operation, at) == Err(Code::C703), bare || dear(price, at));
                    }
                }
            }
            Err(faults) => {
                let only_ceilings = faults.iter().all(|fault| matches!(fault, PriceFault::CeilingOverlap(..)));
                prop_assert!((ambiguous || begins_dear) != only_ceilings, "{:?}", faults);
            }
        }
    }
}

/// One product's fault does not take the others' prices away.
#[test]
fn f2_a_faulty_product_is_left_out_alone() {
    let mut other = price("other", None, 3, 0, None);
    other.product = id("sound");
    let prices = vec![price("a", None, 1, 0, None), price("b", None, 1, 5, None), other];
    let (book, faults) = PriceBook::sound(prices, vec![]);
    assert_eq!(faults, [PriceFault::Overlap(id("a"), id("b"))]);
    assert_eq!(found(&book, "query", 1), Err(Code::C701));
    assert!(book.resolve(&asked("sound", "query"), Timestamp::from_seconds(1)).is_ok());
}

#[test]
fn f1_scenarios_and_purposes_have_prices_of_their_own() {
    let for_scenario =
        |name: &str, scenario: &str| Price { scenario: Some(id(scenario)), ..price(name, None, 2, 0, None) };
    let governance =
        Price { purposes: Purposes::of(&[PurposeClass::PublicGovernance]), ..for_scenario("g", "credit") };
    let industry = Price {
        purposes: Purposes::of(&[PurposeClass::Industry, PurposeClass::Sector]),
        ..for_scenario("i", "credit")
    };
    let book = PriceBook::build(vec![governance, industry, for_scenario("o", "loans")], vec![]).unwrap();
    let found = |scenario: &str, purpose| {
        let asked = Asked { product: "score", operation: "q", scenario, purpose };
        book.resolve(&asked, Timestamp::from_seconds(1)).map(|price| price.id.as_str())
    };
    assert_eq!(found("credit", PurposeClass::PublicGovernance), Ok("g"));
    assert_eq!(found("credit", PurposeClass::Industry), Ok("i"));
    assert_eq!(found("loans", PurposeClass::PublicGovernance), Ok("o"));
    assert_eq!(found("credit", PurposeClass::PublicWelfare), Err(Code::C701));
    assert_eq!(found("fraud", PurposeClass::Industry), Err(Code::C701));
}
