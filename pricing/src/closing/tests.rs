//! The reference month, and the laws of a close over random months.

mod corrected;
mod laws;
pub(super) mod reference;
mod versions;

use std::num::NonZeroU64;

use shuzha_core::{PurposeClass, Timestamp};

use super::*;
use crate::form::{Form, Tariff, Tier, Tiers};
use crate::metering::{Dimensions, Sums};
use crate::price::Price;
use crate::split::Base;
use crate::vat::VatRate;
use crate::{Basis, Effective};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn yuan(text: &str) -> MicroYuan {
    text.parse().unwrap()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn tiers(of: &[(Option<u64>, &str)]) -> Tiers {
    Tiers::new(of.iter().map(|&(up_to, each)| Tier { up_to, each: yuan(each) }).collect()).unwrap()
}

fn book() -> PriceBook {
    let graduated = tiers(&[(Some(1_000), "0.30"), (Some(5_000), "0.25"), (None, "0.20")]);
    let package = Form::Package { calls: NonZeroU64::new(1_000).unwrap(), fee: yuan("400") };
    let volume = tiers(&[(Some(10), "50"), (None, "40")]);
    let with_year = Tariff { annual: Some(yuan("1200")), ..Form::Unit(yuan("1.20")).into() };
    let prices = [
        ("credit-score", Tariff::from(Form::Unit(yuan("0.05")))),
        ("company-check", Form::Graduated(graduated).into()),
        ("person-check", package.into()),
        ("census-report", Form::Volume(volume).into()),
        ("company-profile", with_year),
        ("address-check", Form::Unit(yuan("0.067")).into()),
    ];
    let always = Effective::of_dates("2025-01-01", None).unwrap();
    let price = |(product, tariff): (&str, Tariff)| Price {
        tariff,
        ..Price::per_call(id("p"), "沪发改价〔2025〕1号".to_owned(), id(product), MicroYuan::ZERO, always)
    };
    let named = |(at, mut price): (usize, Price)| {
        price.id = id(&format!("p{at}"));
        price
    };
    PriceBook::build(prices.map(price).into_iter().enumerate().map(named).collect(), vec![]).unwrap()
}

fn price_of(product: &str) -> Id {
    book().prices(product)[0].id.clone()
}

fn terms() -> Terms {
    let vat = VatRate {
        parts: 600,
        source: "增值税法".to_owned(),
        effective: Effective::of_dates("2025-01-01", None).unwrap(),
    };
    let bank = [(id("civil-affairs"), 4_000), (id("operator"), 3_500), (id("platform"), 2_500)];
    let products = [
        "credit-score",
        "company-check",
        "person-check",
        "census-report",
        "company-profile",
        "address-check",
    ];
    Terms {
        book: book(),
        vat: VatRates::new(vec![vat]).unwrap(),
        splits: BTreeMap::from([
            (id("agr-bank"), Split::new(Base::Gross, bank, 0).unwrap()),
            (id("agr-ins"), Split::new(Base::Net, [(id("operator"), 2_000)], 8_000).unwrap()),
        ]),
        sources: BTreeMap::from([(
            id("company-check"),
            Contributions::from([(id("civil-affairs"), 1), (id("tax-bureau"), 3)]),
        )]),
        operators: products.map(|product| (id(product), id("operator"))).into(),
        ..Terms::default()
    }
}

fn line(unit: &str, agreement: &str, product: &str, basis: Basis) -> Line {
    let purpose =
        if basis == Basis::FreePurpose { PurposeClass::PublicWelfare } else { PurposeClass::Industry };
    Line {
        unit: id(unit),
        agreement: id(agreement),
        scenario: id("credit"),
        product: id(product),
        price: price_of(product),
        purpose,
        basis,
    }
}

fn row(line: Line, at: Timestamp, calls: u64, posted: MicroYuan) -> Row {
    let sums = Sums { calls, quantity: calls, amount: posted, first_seq: 1, last_seq: calls };
    (Dimensions { line, hour: Hour::of(at), operation: id("query") }, sums)
}

fn balances(transactions: &[Transaction]) -> BTreeMap<String, MicroYuan> {
    let all = transactions.iter().flat_map(|one| &one.entries);
    let sums = Transaction::entries(all.map(|entry| (entry.account.clone(), entry.amount))).unwrap();
    sums.into_iter().map(|entry| (entry.account.to_string(), entry.amount)).collect()
}

/// What the next period goes on from.
fn after(mut before: Before, closing: &Closing) -> Before {
    for line in &closing.lines {
        *before.entry((line.line.clone(), line.month)).or_default() += line.quantity;
    }
    before
}
