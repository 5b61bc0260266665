//! Corrections of single lines: billed once, in a period that is open, and never changed.

use shuzha_pricing::metering::Line;

use super::*;

/// Three calls of November, and the line of the first unit.
fn with_line(books: &Books) -> Line {
    let calls: Vec<_> = (0..3).map(|at| answer(at, i64::try_from(at).unwrap(), 67)).collect();
    gather(books, &records(&calls, 1)).unwrap();
    worked_out(books, month(MONTH)).0.lines[0].line.clone()
}

fn change(line: &Line, exact: &str) -> LineChange {
    let exact = exact.parse().unwrap();
    LineChange { line: line.clone(), month: month(MONTH), exact, reason: "误计".to_owned() }
}

fn propose(books: &Books, line: &Line, exact: &str) -> u64 {
    let at = month(MONTH).end();
    books.propose_line_correction(&change(line, exact), (&id("li"), at)).unwrap().number
}

#[test]
fn g3_a_correction_that_is_decided_meanwhile_is_billed_or_refused_and_never_lost() {
    let books = Books::in_memory().unwrap();
    let line = with_line(&books);
    let (november, december) = (month(MONTH), month("2023-12"));
    let (wang, at) = (id("wang"), after(november));
    let (first, second) = (propose(&books, &line, "-0.10"), propose(&books, &line, "-0.20"));
    assert_eq!(books.billed_with(november).unwrap(), november);
    books.soft_close(november, &id("li"), november.end()).unwrap();
    let (stale, stand) = worked_out(&books, november);
    let approve = |number, period| books.approve_line_correction(number, period, (&wang, at));
    assert_eq!(refused(books.approve_line_correction(first, november, (&id("li"), at))), Code::C1614);
    approve(first, november).unwrap();
    // What was worked out before does not have it.
    assert_eq!(refused(books.close(&stale, stand, (&wang, at, GRACE))), Code::C1606);
    let (closing, stand) = worked_out(&books, november);
    let billed: Vec<_> =
        closing.lines.iter().filter(|one| one.calls == 0).map(|one| one.act.as_str()).collect();
    assert_eq!(billed, ["更正1：误计"]);
    books.close(&closing, stand, (&wang, at, GRACE)).unwrap();
    // Judged while the month was open, approved once it is not: it is judged anew.
    assert_eq!(refused(approve(second, november)), Code::C1615);
    assert_eq!(approve(second, december).unwrap().period, Some(december));
    assert_eq!(books.corrected_by(&line, november).unwrap().to_string(), "-0.30");
    // A re-rating sees what calls came to, and takes nothing back of what two persons corrected.
    let billed = books.billed(november).unwrap();
    let of = billed.lines.iter().find(|one| one.line == line).unwrap();
    assert_eq!(of.exact.to_string(), "0.67");
    // It is not left behind by a later close.
    assert!(books.periods().unwrap().iter().any(|one| one.month == december));
    let january = month("2024-01");
    books.soft_close(january, &id("li"), january.end()).unwrap();
    let (closing, stand) = worked_out(&books, january);
    assert_eq!(refused(books.close(&closing, stand, (&wang, after(january), GRACE))), Code::C1605);
}

#[test]
fn g3_a_correction_of_a_line_is_decided_once_and_stays() {
    let books = Books::in_memory().unwrap();
    let line = with_line(&books);
    let number = propose(&books, &line, "-0.10");
    let sql = |text: &str| books.lock().execute_batch(text).map_err(|error| error.to_string());
    for text in [
        "UPDATE line_correction SET exact = -600000",
        "UPDATE line_correction SET reason = 'x'",
        "UPDATE line_correction SET decided_by = 'li', decided_at = 1, period = month",
        "DELETE FROM line_correction",
        "INSERT INTO line_correction SELECT 9, unit, agreement, scenario, product, price, purpose, basis, month, exact,
             reason, proposed_by, proposed_at, 'wang', 1, month FROM line_correction",
    ] {
        assert!(sql(text).is_err(), "{text}");
    }
    let (wang, at) = (id("wang"), after(month(MONTH)));
    books.decline_line_correction(number, (&wang, at)).unwrap();
    assert_eq!(refused(books.approve_line_correction(number, month(MONTH), (&wang, at))), Code::C1622);
    assert!(sql("UPDATE line_correction SET period = month").is_err());
    assert_eq!(worked_out(&books, month(MONTH)).0.lines.iter().filter(|one| one.calls == 0).count(), 0);
    let all = books.line_corrections().unwrap();
    assert_eq!(all.iter().map(|one| (one.number, one.period)).collect::<Vec<_>>(), [(number, None)]);
}
