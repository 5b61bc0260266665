//! The ledger over more than a hundred thousand random operations, and what is found when it was tampered with.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use shuzha_pricing::Fen;
use shuzha_pricing::ledger::{Account, Chart, Template, Transaction};

use super::*;

fn payment(key: u64, template: Template, of: usize, fen: i64) -> Transaction {
    let bank = || Account::new(Chart::Bank, &[]);
    let unit = |chart| Account::new(chart, &[&id(UNITS[of])]);
    let accounts = match template {
        Template::Prepay => (bank(), unit(Chart::Prepaid)),
        Template::Draw => (unit(Chart::Prepaid), unit(Chart::Receivable)),
        Template::PayOut => (unit(Chart::SharePayable), bank()),
        _ => (bank(), unit(Chart::Receivable)),
    };
    let head = (template, format!("payment/{key}"), month("2024-01"));
    Transaction::simple(head, "收款".to_owned(), accounts, Fen::new(fen)).unwrap()
}

/// 1,000 batches of 120 operations: new ones, repeated ones, keys used for something else, unbalanced ones, reversals. A
/// batch with a bad one posts nothing; the trial balance is nothing after every batch.
#[test]
fn g3_the_trial_balance_is_nothing_after_every_batch() {
    let templates = [Template::Prepay, Template::Draw, Template::Pay, Template::PayOut];
    let operation = (0_u64..40_000, 0..templates.len(), 0..UNITS.len(), 1_i64..1_000_000, 0_u16..2_000);
    let batches = prop::collection::vec(operation, 120);
    let books = Books::in_memory().unwrap();
    let mut known: BTreeMap<String, Transaction> = BTreeMap::new();
    let mut expected: BTreeMap<Account, i64> = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    let (mut refusals, mut posted) = (0, 0);
    for _ in 0..1_000 {
        let batch = batches.new_tree(&mut runner).unwrap().current();
        let mut transactions = Vec::new();
        for (key, template, of, fen, luck) in batch {
            let mut one = payment(key, templates[template], of, fen);
            match (known.get(&one.key), luck) {
                (_, 0) => one.entries[0].amount = MicroYuan::from_micros(1),
                // The key of another transaction, now and then; mostly the same again.
                (Some(before), 2..) => one = before.clone(),
                (None, 1_000..1_050) => one = one.mirrored(month("2024-01"), "红冲".to_owned()),
                _ => {}
            }
            transactions.push(one);
        }
        let mut after = known.clone();
        let sound = transactions.iter().all(|one| {
            one.check().is_ok() && after.entry(one.key.clone()).or_insert_with(|| one.clone()) == one
        });
        let result = books.post(&transactions, Timestamp::from_seconds(1));
        assert_eq!(result.is_ok(), sound, "{result:?}");
        if sound {
            for one in after.values().filter(|one| !known.contains_key(&one.key)) {
                for entry in &one.entries {
                    *expected.entry(entry.account.clone()).or_default() += entry.amount.micros();
                }
                posted += 1;
            }
            known = after;
        } else {
            refusals += 1;
        }
        assert_eq!(books.trial_balance().unwrap(), 0);
    }
    let balances: BTreeMap<_, _> =
        books.balances().unwrap().into_iter().map(|(account, amount)| (account, amount.micros())).collect();
    assert_eq!(balances, expected);
    let verified = books.verify().unwrap();
    assert_eq!((verified.transactions, verified.broken), (posted, None));
    assert!(refusals > 100 && posted > 10_000, "{refusals} {posted}");
}

/// Someone who edits the file past the triggers is found, at the transaction.
#[test]
fn g3_what_was_changed_past_the_triggers_is_named() {
    for (edit, broken) in [
        ("UPDATE entry SET amount = amount * 2 WHERE txn = 7", 7),
        ("UPDATE entry SET account = '1122/lender-c' WHERE txn = 3 AND account LIKE '1122/%'", 3),
        ("UPDATE txn SET reason = 'other' WHERE number = 5", 5),
        ("UPDATE txn SET recorded_at = recorded_at + 1 WHERE number = 9", 9),
        ("DELETE FROM entry WHERE txn = 4 AND number = 1", 4),
        ("DELETE FROM entry WHERE txn = 6; DELETE FROM txn WHERE number = 6", 6),
        ("INSERT INTO entry VALUES (2, 9, '1002', 5)", 2),
    ] {
        let books = Books::in_memory().unwrap();
        let all: Vec<_> = (1..=10).map(|key| payment(key, Template::Pay, 0, 100)).collect();
        assert_eq!(books.post(&all, Timestamp::from_seconds(1)).unwrap(), 10);
        assert_eq!(books.post(&all, Timestamp::from_seconds(2)).unwrap(), 0, "once each");
        for trigger in ["txn_kept", "txn_stays", "entry_kept", "entry_stays", "entry_of_last"] {
            books.lock().execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
        }
        assert_eq!(books.verify().unwrap().broken, None);
        books.lock().execute_batch(edit).unwrap();
        let found = books.verify().unwrap().broken.map(|broken| broken.number);
        assert_eq!(found, Some(broken), "{edit}");
    }
}

#[test]
fn g3_balances_are_had_as_they_stood_at_an_instant() {
    let books = Books::in_memory().unwrap();
    let at = Timestamp::from_seconds;
    for (key, second) in [(1, 10), (2, 20), (3, 30)] {
        books.post(&[payment(key, Template::Pay, 0, 100)], at(second)).unwrap();
    }
    let bank =
        |balances: BTreeMap<Account, MicroYuan>| balances.values().map(|of| of.micros().max(0)).sum::<i64>();
    for (second, posted) in [(9, 0), (10, 1), (29, 2), (30, 3)] {
        let stood = books.balances_at(at(second)).unwrap();
        assert_eq!(stood.values().map(|of| of.micros()).sum::<i64>(), 0);
        assert_eq!(bank(stood), posted * 1_000_000, "{second}");
    }
    assert_eq!(books.balances_at(at(30)).unwrap(), books.balances().unwrap());
}
