//! The close: two persons, in order, once; killed or failing anywhere, whole or not at all.

use std::io::{BufRead, BufReader, Write, stdin};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

fn with_calls(books: &Books, calls: i64) {
    let calls: Vec<_> = (0..calls).map(|at| answer(usize::try_from(at % 3).unwrap(), at, 67)).collect();
    gather(books, &records(&calls, 1)).unwrap();
}

#[test]
fn g3_two_persons_close_in_order_and_once() {
    let books = Books::in_memory().unwrap();
    with_calls(&books, 5);
    let (november, december) = (month(MONTH), month("2023-12"));
    let (li, wang) = (id("li"), id("wang"));
    let (closing, reached) = worked_out(&books, november);
    let try_close = |by: &Id, at| books.close(&closing, reached, (by, at, GRACE));
    let late = after(november);
    assert_eq!(refused(try_close(&wang, late)), Code::C1600);
    let too_soon = Timestamp::from_micros(november.end().micros() - 1);
    assert_eq!(refused(books.soft_close(november, &li, too_soon)), Code::C1611);
    // Nothing is as early as these.
    for early in ["1999-01", "2023-10"] {
        assert_eq!(refused(books.soft_close(month(early), &li, late)), Code::C1623, "{early}");
    }
    let soft = books.soft_close(november, &li, november.end()).unwrap();
    assert_eq!(books.soft_close(november, &wang, late).unwrap(), soft, "doing so again is the same");
    assert_eq!(refused(try_close(&li, late)), Code::C1601);
    assert_eq!(refused(try_close(&wang, november.end().plus(GRACE / 2))), Code::C1603);
    // A record came in between: what was worked out is out of date.
    gather(&books, &records(&[answer(0, 9, 67)], 6)).unwrap();
    assert_eq!(refused(try_close(&wang, late)), Code::C1606);
    let (closing, reached) = worked_out(&books, november);
    // Metering goes on with what follows: a refused call, and the next month's.
    let minute = (december.begin().micros() - entries::START) / 60_000_000 + 1;
    gather(&books, &records(&[entries::call(1, Decision::Refused), answer(0, minute, 67)], 7)).unwrap();
    let closed = books.close(&closing, reached, (&wang, late, GRACE)).unwrap();
    assert_eq!(
        (closed.state, closed.digest, closed.reached),
        (PeriodState::Closed, Some(closing.digest), Some(6))
    );
    assert_eq!(books.close(&closing, reached, (&wang, late, GRACE)).unwrap(), closed, "the same again");
    assert_eq!(refused(books.close(&closing, reached, (&id("zhao"), late, GRACE))), Code::C1602);
    assert_eq!(refused(books.soft_close(november, &li, late)), Code::C1602);
    // What was stored is what was worked out.
    assert_eq!(books.lines(november).unwrap(), closing.lines);
    assert_eq!(books.shares(november).unwrap(), closing.shares);
    assert_eq!(books.bills(november).unwrap(), closing.bills);
    let statements: Vec<_> =
        books.statements(november).unwrap().into_iter().map(|one| one.statement).collect();
    assert_eq!(statements, closing.statements);
    assert_eq!(books.ledger(0, 100).unwrap().items.len(), closing.transactions.len());
    assert_eq!(books.trial_balance().unwrap(), 0);
    // A month before one that is closed takes nothing any more.
    assert_eq!(refused(books.soft_close(month("2023-10"), &li, late)), Code::C1623);
    // Periods close in order.
    let january = month("2024-01");
    let minute = (january.begin().micros() - entries::START) / 60_000_000 + 1;
    gather(&books, &records(&[answer(0, 60 * 24 * 20, 67), answer(0, minute, 67)], 9)).unwrap();
    books.soft_close(january, &li, january.end()).unwrap();
    let (closing, reached) = worked_out(&books, january);
    assert_eq!(refused(books.close(&closing, reached, (&wang, after(january), GRACE))), Code::C1605);
    close_month(&books, december);
    books.close(&closing, reached, (&wang, after(january), GRACE)).unwrap();
}

/// Every table a close writes, at its first row and at a later one, fails in turn, each time in another month: nothing of
/// the close is there, and closing again gives the digest that it would have had.
#[test]
fn g3_a_close_that_fails_anywhere_has_closed_nothing() {
    let points = [
        ("line", "number = 0"),
        ("line", "number = 2"),
        ("statement", "first_line = 0"),
        ("statement", "first_line = 2"),
        ("share", "number = 0"),
        ("share", "number = 1"),
        ("bill", "first_share = 0"),
        ("bill", "first_share = 1"),
        ("revenue", "1"),
        ("txn", "number = 1"),
        ("txn", "number = 5"),
        ("entry", "txn = 1"),
        ("entry", "txn = 5 AND number = 1"),
    ];
    let mut failed = 0;
    for round in 0..20 {
        let books = Books::in_memory().unwrap();
        with_calls(&books, 3 + round * 7);
        let november = month(MONTH);
        books.soft_close(november, &id("li"), november.end()).unwrap();
        let (closing, reached) = worked_out(&books, november);
        let dump = |books: &Books| {
            (books.balances().unwrap(), books.lines(november).unwrap(), books.period(november).unwrap())
        };
        let before = dump(&books);
        let update = ("period", "UPDATE", "state = 2");
        let all = points.iter().map(|(table, row)| (*table, "INSERT", *row)).chain([update]);
        for (table, action, row) in all {
            let trigger = format!(
                "CREATE TEMP TRIGGER fail BEFORE {action} ON main.{table} WHEN NEW.{row}
                 BEGIN SELECT RAISE(ABORT, 'fault'); END"
            )
            .replace("NEW.1", "1")
            .replace("AND number", "AND NEW.number");
            books.lock().execute_batch(&trigger).unwrap();
            let result = books.close(&closing, reached, (&id("wang"), after(november), GRACE));
            assert!(matches!(result, Err(BooksError::Store(_))), "{table} {row}: {result:?}");
            books.lock().execute_batch("DROP TRIGGER fail").unwrap();
            assert_eq!(dump(&books), before, "{table} {row}");
            assert!(books.shares(november).unwrap().is_empty());
            failed += 1;
        }
        let closed = books.close(&closing, reached, (&id("wang"), after(november), GRACE)).unwrap();
        assert_eq!(closed.digest, Some(closing.digest));
        assert_eq!(worked_out(&books, november).0.digest, closing.digest);
        assert_eq!(books.verify().unwrap().broken, None);
    }
    assert!(failed >= 12 * 20, "{failed}");
}

/// The child: closes the month in the books named on its standard input, and says so before and after.
#[test]
#[ignore = "a child process of the test below, which kills it"]
fn child_closes_until_it_is_killed() {
    let mut path = String::new();
    stdin().read_line(&mut path).expect("a path");
    let books = Books::open(Path::new(path.trim_end())).expect("opens");
    let (closing, reached) = worked_out(&books, month(MONTH));
    println!("closing");
    books.close(&closing, reached, (&id("wang"), after(month(MONTH)), GRACE)).expect("closes");
    println!("closed");
}

#[test]
fn g3_a_killed_close_is_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("finance.db");
    let november = month(MONTH);
    let (mut open, mut closed) = (0, 0);
    let seed = Books::open(&path).unwrap();
    with_calls(&seed, 2_000);
    seed.soft_close(november, &id("li"), november.end()).unwrap();
    let expected = worked_out(&seed, november).0;
    drop(seed);
    let saved = std::fs::read(&path).unwrap();
    for round in 0..20_u64 {
        for name in ["finance.db-wal", "finance.db-shm"] {
            drop(std::fs::remove_file(dir.path().join(name)));
        }
        std::fs::write(&path, &saved).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--ignored",
                "--nocapture",
                "ledger::tests::closes::child_closes_until_it_is_killed",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", path.display()).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("closing")));
        std::thread::sleep(Duration::from_micros(round * 400));
        child.kill().unwrap();
        let promised = lines.any(|line| line == "closed");
        child.wait().unwrap();
        let books = Books::open(&path).unwrap();
        let period = books.period(november).unwrap();
        let posted = books.ledger(0, 10_000).unwrap().items.len();
        if period.state == PeriodState::Closed {
            assert_eq!((period.digest, posted), (Some(expected.digest), expected.transactions.len()));
            closed += 1;
        } else {
            assert!(!promised, "what was promised is there");
            assert_eq!((period.state, posted), (PeriodState::SoftClosed, 0));
            assert!(books.lines(november).unwrap().is_empty());
            assert_eq!(worked_out(&books, november).0.digest, expected.digest);
            open += 1;
        }
    }
    assert_eq!(open + closed, 20);
}

#[test]
fn g3_statements_are_confirmed_or_disputed_and_shares_become_payable_once() {
    let books = Books::in_memory().unwrap();
    with_calls(&books, 5);
    let november = month(MONTH);
    close_month(&books, november);
    let number = "JS-2023-11-bank-a";
    let act = |word, reason: &str| StatementAct {
        word,
        account: id("zhang"),
        organisation: id("bank"),
        at: after(november),
        reason: reason.to_owned(),
    };
    assert_eq!(refused(books.say("JS-1", &act(Word::Confirm, ""))), Code::C1003);
    assert_eq!(refused(books.say(number, &act(Word::Dispute, " "))), Code::C1002);
    assert_eq!(refused(books.say(number, &act(Word::Resolve, "r"))), Code::C1610);
    assert_eq!(books.say(number, &act(Word::Dispute, "少算")).unwrap().state, StatementState::Disputed);
    assert_eq!(refused(books.say(number, &act(Word::Confirm, ""))), Code::C1610);
    books.say(number, &act(Word::Resolve, "已核对")).unwrap();
    let before = books.balances().unwrap();
    let owed = |balances: &BTreeMap<_, MicroYuan>| {
        let of = |code: &str| {
            let sum = |(account, amount): (&shuzha_pricing::ledger::Account, &MicroYuan)| {
                (account.chart().code() == code).then_some(amount.micros())
            };
            balances.iter().filter_map(sum).sum::<i64>()
        };
        (of("2202"), of("2202A"))
    };
    let accrued = owed(&before).1;
    assert!(accrued < 0 && owed(&before).0 == 0);
    let confirmed = books.say(number, &act(Word::Confirm, "")).unwrap();
    assert_eq!((confirmed.state, confirmed.acts.len()), (StatementState::Confirmed, 3));
    assert_eq!(owed(&books.balances().unwrap()), (accrued, 0));
    assert_eq!(refused(books.say(number, &act(Word::Confirm, ""))), Code::C1610);
    // The other units stand under the same agreement: nothing becomes payable twice.
    books.say("JS-2023-11-insurer-b", &act(Word::Confirm, "")).unwrap();
    assert_eq!(owed(&books.balances().unwrap()), (accrued, 0));
    assert_eq!(books.trial_balance().unwrap(), 0);
    assert_eq!(books.verify().unwrap().broken, None);
}
