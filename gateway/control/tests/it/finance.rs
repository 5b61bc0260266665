//! Finance from records of calls to payable shares, by the persons who may, on a real journal and real books.

mod contributions;
mod credit;
mod exports;
mod free_use;
mod line_corrections;
mod payments;
mod reratings;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shuzha_control::Caller;
use shuzha_control::finance::{Change, Finance, GRACE, Parts, Payment};
use shuzha_core::{Code, Fen, MicroYuan, OsRng, PurposeClass, RequestId, Role, Timestamp};
use shuzha_evidence::{Call, Decision, Entry, Outcome, Terms};
use shuzha_journal::disk::memory::MemoryDisk;
use shuzha_journal::{Journal, Options};
use shuzha_pricing::Month;
use shuzha_store::Books;
use shuzha_store::ledger::{MeterOptions, PeriodState, Posting, StatementState, Word};
use shuzha_testkit_control::{TestWorld, by, code, id, person};

/// The town with books over a journal.
struct Treasury {
    town: TestWorld,
    journal: Journal,
    finance: Finance,
    credit: Arc<credit::Accounts>,
    _dir: tempfile::TempDir,
}

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

fn fen(text: &str) -> Fen {
    text.parse().expect("a sum")
}

fn li() -> Caller {
    person("li", "treasury", &[Role::Finance])
}

fn wang() -> Caller {
    person("wang-f", "treasury", &[Role::Finance])
}

impl Treasury {
    fn new() -> Self {
        let town = TestWorld::authorised();
        let clock = town.plane.clock.clone();
        let options = Options::new("/", id("gate-1"), "1");
        let journal = Journal::open_on(Arc::new(MemoryDisk::new()), options, clock.clone()).expect("opens");
        let dir = tempfile::tempdir().expect("a folder");
        let books = Books::open(&dir.path().join("finance.db")).expect("opens");
        let meter = MeterOptions::default().build(books.clone(), journal.clone()).expect("in step");
        let credit = Arc::<credit::Accounts>::default();
        let parts = Parts {
            books,
            meter: meter.handle(),
            control: Arc::clone(&town.plane.control),
            log: town.plane.log.clone(),
            clock,
            rng: Arc::new(OsRng),
            grace: GRACE,
            credit: credit.clone(),
        };
        let vat = json!({"parts": 600, "source": "增值税法", "window": {"from": "2025-01-01", "until": "2030-01-01"}});
        town.plane.put(&li(), "TaxRate", "vat-2025", &vat, None).expect("finance declares it");
        let permitted = json!({"act": "ceilings-2025", "operator": "yunze-data", "amount": "100.00",
            "window": {"from": "2026-01-01", "until": "2027-01-01"}});
        town.put("zheng", "PermittedRevenue", "yunze-2026", &permitted).expect("pricing declares it");
        Self { town, journal, finance: Finance::new(parts), credit, _dir: dir }
    }

    /// Answered calls of the bank, at the present instant; `charged` at 0.30, others 查无.
    fn calls(&self, charged: u32, free: u32) {
        for number in 0..charged + free {
            let paid = number < charged;
            self.answered(if paid { 0 } else { 3 });
        }
        self.durable();
    }

    /// One answered call on this basis.
    fn answered(&self, basis: u8) {
        self.answered_under("bank-2026", basis);
    }

    fn answered_under(&self, agreement: &str, basis: u8) {
        use shuzha_core::Clock as _;
        let paid = basis == 0;
        let terms = Terms {
            unit: "bank",
            product: "company-check",
            operation: "verify",
            scenario: "onboarding",
            agreement,
            purpose: Some(PurposeClass::Industry),
            price: "company-check-2025",
            grant: "g",
            ..Terms::default()
        };
        let call = Call {
            admitted_after: 1,
            sent_after: 1,
            answered_after: 1,
            terms,
            charge: shuzha_core::NanoCharge::ZERO,
            quantity: 1,
            amount: MicroYuan::from_micros(if paid { 300_000 } else { 0 }),
            decision: Decision::Answered,
            outcome: if paid { Outcome::Charged } else { Outcome::Uncharged },
            request_bytes: 1,
            response_bytes: 1,
            basis,
            ..Call::of(RequestId::generate(&*self.town.plane.clock, &OsRng), self.town.plane.clock.now())
        };
        self.journal.append(&Entry::Call(Box::new(call))).expect("serves");
    }

    fn durable(&self) {
        self.journal
            .append_durable(&Entry::Boot(shuzha_evidence::Boot {
                at: Timestamp::from_seconds(1),
                node: "gate-1",
                version: "1",
            }))
            .expect("serves")
            .wait()
            .expect("durable");
    }

    fn at(&self, at: Timestamp) {
        self.town.plane.clock.set(at);
    }
}

#[test]
fn g3_from_calls_to_payable_shares() {
    let treasury = Treasury::new();
    let (finance, february) = (&treasury.finance, month("2026-02"));
    // 333 × 0.30 = 99.90; net 94.25 (94.245…), tax 5.65; 30 : 70 of the gross.
    treasury.calls(333, 40);
    let usage = finance.usage(&li(), february).expect("finance reads");
    assert_eq!(usage.iter().map(|(_, sums)| sums.calls).sum::<u64>(), 373);
    assert_eq!(code(finance.usage(&by("wu"), february)), Code::C1104);
    assert_eq!(code(finance.soft_close(&li(), february)), Code::C1611);
    treasury.at(february.end());
    assert_eq!(code(finance.soft_close(&by("sun"), february)), Code::C1104);
    finance.soft_close(&li(), february).expect("the first person");
    assert_eq!(code(finance.close(&wang(), february, false)), Code::C1603);
    treasury.at(february.end().plus(GRACE));
    assert_eq!(code(finance.close(&li(), february, false)), Code::C1601);
    let (_, tried) = finance.close(&li(), february, true).expect("trying is free");
    assert_eq!(finance.period(&li(), february).expect("reads").state, PeriodState::SoftClosed);
    let (period, closing) = finance.close(&wang(), february, false).expect("the second person");
    assert_eq!((period.state, period.digest), (PeriodState::Closed, Some(tried.digest)));
    assert_eq!(closing.digest, tried.digest);
    let mine = finance.statements(&by("wu"), february).expect("a unit reads its own");
    let taxed = mine[0].statement.taxed;
    assert_eq!([taxed.gross, taxed.net, taxed.tax], [fen("99.90"), fen("94.25"), fen("5.65")]);
    let tree = mine[0].statement.tree.expect("of its calls");
    assert_eq!((mine.len(), tree.size), (1, 373));
    let bills = finance.bills(&li(), february).expect("reads");
    let amounts: Vec<_> = bills.iter().map(|view| (view.bill.party.as_str(), view.bill.amount)).collect();
    assert_eq!(amounts, [("data-bureau", fen("29.97")), ("yunze-data", fen("69.93"))]);
    assert_eq!(finance.bills(&by("sun"), february).expect("a party reads its own").len(), 1);
    let number = mine[0].statement.number.clone();
    assert_eq!(code(finance.statement(&by("he"), &number)), Code::C1003, "another unit's is not there");
    assert_eq!(code(finance.say(&by("he"), &number, Word::Confirm, "")), Code::C1003);
    assert_eq!(code(finance.say(&li(), &number, Word::Confirm, "")), Code::C1104);
    finance.say(&by("wu"), &number, Word::Dispute, "少了一笔").expect("its unit disputes");
    finance.say(&li(), &number, Word::Resolve, "已核对").expect("finance answers");
    let said = finance.say(&by("wu"), &number, Word::Confirm, "").expect("its unit confirms");
    assert_eq!(said.state, StatementState::Confirmed);
    // Money comes and goes, once for its key.
    let pay = |payment, key: &str, of: &str, amount: &str| {
        finance.pay(&li(), payment, (key, &id(of), fen(amount), "转账"))
    };
    let paid = pay(Payment::Pay, "t-1", "bank", "99.90").expect("posts");
    assert_eq!(pay(Payment::Pay, "t-1", "bank", "99.90").expect("is the same"), paid);
    assert_eq!(code(pay(Payment::Pay, "t-1", "bank", "99.91")), Code::C1607);
    assert_eq!(code(pay(Payment::Pay, "t-2", "bank", "0")), Code::C1608);
    payments::by_two(finance, Posting::PayOut(id("data-bureau"), fen("29.97")), "t-3");
    let back = payments::by_two(finance, Posting::Reverse, &paid.key);
    assert_eq!(back.corrects.as_deref(), Some(paid.key.as_str()));
    let balances = finance.balances(&li(), None).expect("reads");
    let before = finance.balances(&li(), Some(february.begin())).expect("reads");
    let to_come = shuzha_core::Timestamp::from_micros(i64::MAX);
    assert_eq!(code(finance.balances(&li(), Some(to_come))), Code::C1001);
    assert!(before.is_empty(), "nothing was posted then");
    let of = |account: &str| {
        let found = balances.iter().find(|(one, _)| one.to_string() == account);
        found.map_or(MicroYuan::ZERO, |(_, amount)| *amount).to_string()
    };
    assert_eq!([of("1122/bank"), of("1002"), of("2202/data-bureau")], ["99.90", "-29.97", "0.00"]);
    assert_eq!(balances.iter().map(|(_, amount)| amount.micros()).sum::<i64>(), 0);
    let kept = treasury.town.plane.log.kept.lock().expect("answers").len();
    assert!(kept > 8, "every act is on record");
}

#[test]
fn f2_permitted_revenue_is_watched_and_each_alert_raised_once() {
    let treasury = Treasury::new();
    let raised = || treasury.finance.books().alert_raised(&id("yunze-2026")).expect("reads");
    treasury.calls(260, 5);
    let found = treasury.finance.permitted(&by("sun")).expect("the operator reads its own");
    assert_eq!((found[0].open.to_string(), found[0].level.reached, raised()), ("78.00".into(), None, None));
    treasury.calls(60, 0);
    let found = treasury.finance.permitted(&by("zheng")).expect("pricing reads");
    assert_eq!((found[0].level.left.to_string(), raised()), ("4.00".into(), Some(95)));
    treasury.calls(20, 0);
    let found = treasury.finance.permitted(&li()).expect("finance reads");
    assert_eq!((found[0].level.carry.to_string(), raised()), ("2.00".into(), Some(100)));
    assert_eq!(code(treasury.finance.permitted(&by("wu"))), Code::C1104);
}

#[test]
fn g2_a_preview_tells_what_changes_would_have_come_to() {
    let treasury = Treasury::new();
    let february = month("2026-02");
    treasury.calls(100, 10);
    let price = json!({"act": "operator-2025", "product": "company-check",
        "graduated": [{"upTo": 50, "each": "0.30"}, {"each": "0.10"}], "charged": ["consistent", "inconsistent"],
        "window": {"from": "2025-01-01", "until": "2031-01-01"}});
    let change = |kind: &str, name: &str, spec| Change { kind: kind.to_owned(), name: id(name), spec };
    let charging = |outcomes: serde_json::Value| {
        let mut price = price.clone();
        price["charged"] = outcomes;
        [change("Price", "company-check-2025", price)]
    };
    let changes = [change("Price", "company-check-2025", price.clone())];
    let found = treasury.finance.preview(&li(), february, &changes).expect("works out");
    assert_eq!((found.total.now, found.total.then), (fen("30.00"), fen("20.00")));
    assert_eq!(found.units[&id("bank")].then, fen("20.00"));
    assert_eq!(found.parties[&id("data-bureau")].then, fen("6.00"));
    // 查无 charged as well: the ten calls that were free are among the dearer ones' successors.
    let found = treasury.finance.preview(
        &li(),
        february,
        &charging(json!(["consistent", "inconsistent", "no_record"])),
    );
    assert_eq!(found.expect("works out").total.then, fen("21.00"));
    // Which of the charged calls were 一致 is on no record: no figure is made up.
    let unknown = treasury.finance.preview(&li(), february, &charging(json!(["consistent"])));
    assert_eq!(code(unknown), Code::C1604);
    let ceiling = json!({"act": "ceilings-2025", "product": "company-check", "perCallMax": "0.20",
        "window": {"from": "2025-01-01", "until": "2031-01-01"}});
    let low = [change("Ceiling", "company-check-2025", ceiling)];
    assert_eq!(code(treasury.finance.preview(&by("zheng"), february, &low)), Code::C1604);
    let other = [change("Organisation", "police", json!({}))];
    assert_eq!(code(treasury.finance.preview(&li(), february, &other)), Code::C1002);
    assert_eq!(code(treasury.finance.preview(&by("wu"), february, &changes)), Code::C1104);
    // Nothing of it is stored.
    assert_eq!(treasury.finance.lines(&li(), february).expect("reads"), []);
}

/// What a close needs and does not find is told at once, and nothing is closed.
#[test]
fn g3_a_close_that_cannot_be_rated_says_every_reason() {
    let treasury = Treasury::new();
    let (finance, february) = (&treasury.finance, month("2026-02"));
    treasury.calls(3, 0);
    treasury
        .town
        .plane
        .control
        .remove(
            &li(),
            "TaxRate",
            &id("vat-2025"),
            &shuzha_control::Request {
                expected: treasury.town.plane.version("TaxRate", "vat-2025"),
                ..Default::default()
            },
        )
        .expect("removed");
    treasury.at(february.end());
    finance.soft_close(&li(), february).expect("the first person");
    treasury.at(february.end().plus(GRACE).plus(Duration::from_secs(1)));
    let refused = finance.close(&wang(), february, false);
    assert_eq!(code(refused), Code::C1604);
    assert_eq!(finance.period(&li(), february).expect("reads").state, PeriodState::SoftClosed);
    assert!(finance.balances(&li(), None).expect("reads").is_empty());
}
