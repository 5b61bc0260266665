//! What may be posted, over more than a hundred thousand random transactions.

use proptest::prelude::*;

use super::*;

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn account(chart: Chart, seed: usize) -> Account {
    let names = ["bank-a", "insurer-b", "industry"].map(id);
    let of: Vec<&Id> = (0..chart.dimensions()).map(|at| &names[(seed + at) % names.len()]).collect();
    Account::new(chart, &of)
}

fn transaction(template: Template, entries: &[(Chart, i64)]) -> Transaction {
    let entry = |&(chart, micros): &(Chart, i64)| Entry {
        account: account(chart, 0),
        amount: MicroYuan::from_micros(micros),
    };
    Transaction {
        template,
        key: "k".to_owned(),
        period: "2026-01".parse().unwrap(),
        reason: "r".to_owned(),
        corrects: None,
        entries: entries.iter().map(entry).collect(),
    }
}

#[test]
fn g3_accounts_read_back() {
    for &chart in Chart::ALL {
        let account = account(chart, 1);
        assert_eq!(account.to_string().parse(), Ok(account));
    }
    for text in ["", "1122", "1122/", "1122/a/b", "9999/a", "1122/A", "1002/a"] {
        assert_eq!(text.parse::<Account>(), Err(AccountError), "{text}");
    }
    for template in Template::ALL {
        assert_eq!(Template::from_name(template.as_str()), Some(template));
    }
}

#[test]
fn g3_balanced_is_not_enough() {
    use Chart::{Bank, FreeMemo, MemoContra, Receivable, Revenue, ShareAccrued, Unbilled};

    for (template, entries, expected) in [
        (Template::Accrue, &[(Unbilled, 5), (Revenue, -5)][..], Ok(())),
        (Template::Accrue, &[(Unbilled, -5), (Revenue, 5)], Ok(())),
        (Template::Accrue, &[(Unbilled, 5), (Revenue, -4)], Err(Unbalanced::Sum(1))),
        (Template::Accrue, &[(Bank, 5), (Revenue, -5)], Err(Unbalanced::Route)),
        (Template::Pay, &[(Unbilled, 5), (Revenue, -5)], Err(Unbalanced::Route)),
        (Template::Free, &[(FreeMemo, 5), (MemoContra, -5)], Ok(())),
        (Template::Free, &[(FreeMemo, 5), (Revenue, -5)], Err(Unbalanced::Route)),
        (
            Template::ShareAccrue,
            &[(ShareAccrued, 5), (ShareAccrued, -5)],
            Err(Unbalanced::Twice("2202A/bank-a".into())),
        ),
        (Template::Pay, &[(Bank, 0), (Receivable, 0)], Err(Unbalanced::Nothing("1002".into()))),
        (Template::Pay, &[(Bank, 5)], Err(Unbalanced::Count)),
        (Template::Accrue, &[(Unbilled, i64::MAX), (Revenue, -i64::MAX)], Ok(())),
        (Template::Accrue, &[(Unbilled, i64::MAX), (Revenue, i64::MIN)], Err(Unbalanced::Sum(-1))),
    ] {
        assert_eq!(transaction(template, entries).check(), expected, "{template:?} {entries:?}");
    }
    let mut nameless = transaction(Template::Pay, &[(Bank, 5), (Receivable, -5)]);
    nameless.reason = "r".repeat(TEXT_BYTES_MAX + 1);
    assert_eq!(nameless.check(), Err(Unbalanced::Text));
}

fn any_transaction() -> impl Strategy<Value = Transaction> {
    let entry = (0..Chart::ALL.len(), 0_usize..3, -50_i64..50);
    (0..Template::ALL.len(), prop::collection::vec(entry, 0..5)).prop_map(|(template, entries)| Transaction {
        entries: entries
            .into_iter()
            .map(|(chart, seed, micros)| Entry {
                account: account(Chart::ALL[chart], seed),
                amount: MicroYuan::from_micros(micros),
            })
            .collect(),
        ..transaction(Template::ALL[template], &[])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120_000))]

    /// Whatever is let through leaves the trial balance at nothing, moves no money against a memo, and can be taken back.
    #[test]
    fn g3_what_is_posted_sums_to_nothing(transaction in any_transaction()) {
        if transaction.check().is_err() {
            return Ok(());
        }
        let sum: i64 = transaction.entries.iter().map(|entry| entry.amount.micros()).sum();
        prop_assert_eq!(sum, 0);
        let is_memo = |chart| matches!(chart, Chart::FreeMemo | Chart::MemoContra);
        let memos = transaction.entries.iter().filter(|entry| is_memo(entry.account.chart())).count();
        prop_assert!(memos == 0 || memos == transaction.entries.len());
        let back = transaction.mirrored(transaction.period.next(), "red".to_owned());
        prop_assert_eq!(back.check(), Ok(()));
        prop_assert_eq!(back.corrects.as_deref(), Some("k"));
        let both = transaction.entries.iter().chain(&back.entries);
        let left = Transaction::entries(both.map(|entry| (entry.account.clone(), entry.amount))).unwrap();
        prop_assert!(left.is_empty());
    }
}
