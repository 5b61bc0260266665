//! Charges that are given back.

use super::*;

/// A refund by hand: of a failed call, once, within its limit, as a record of its own that a start finds again.
#[tokio::test]
async fn e6_two_persons_can_give_a_failed_charge_back() {
    let house = TestGateway::new();
    let (set, case) = (Id::new("ward-a").expect("a name"), Id::new("refund-1").expect("a name"));
    let ask = |epsilon: &str| {
        Ask::new("study-1", "ward-report-a", "query", "study-sample").body(&histogram("sex", epsilon))
    };
    let mut requests = Vec::new();
    for (epsilon, say) in [
        ("0.003", Say::Fault(UpstreamFault::Timeout)),
        ("0.004", Say::Fault(UpstreamFault::Closed)),
        ("0.001", Say::Fault(UpstreamFault::Unreachable)),
        ("0.002", Say::Json(200, crate::upstream::WARD)),
    ] {
        requests.push(house.call(&ask(epsilon), &Fake::new([say])).await.request);
    }
    house.records().await;
    assert_eq!(spent(&house, "ward-a"), 9_000_000, "what was never sent came back by itself");
    let refund = |house: &TestGateway, which: usize, set: &Id| {
        // It blocks, so it is not for a thread that drives calls.
        let made = std::thread::scope(|scope| {
            scope.spawn(|| house.gate.refund(set, requests[which], &case)).join().expect("no panic")
        });
        made.map_err(|refusal| refusal.code)
    };
    let other = Id::new("ward-b").expect("a name");
    assert_eq!(refund(&house, 0, &other), Err(Code::C1550), "of another data set");
    assert_eq!(refund(&house, 2, &set), Err(Code::C1550), "given back already");
    assert_eq!(refund(&house, 3, &set), Err(Code::C1550), "answered");
    assert_eq!(spent(&house, "ward-a"), 9_000_000);
    assert_eq!((refund(&house, 0, &set), refund(&house, 0, &set)), (Ok(()), Ok(())));
    assert_eq!(spent(&house, "ward-a"), 6_000_000);
    // One hundredth of 0.5 is 0.005: 0.003 and 0.004 do not both fit into one month.
    assert_eq!(refund(&house, 1, &set), Err(Code::C1551));
    let house = house.without_power();
    assert_eq!(spent(&house, "ward-a"), 6_000_000);
    assert_eq!((refund(&house, 0, &set), refund(&house, 1, &set)), (Ok(()), Err(Code::C1551)));
    house.clock.advance(Duration::from_hours(24 * 31));
    // As the control plane does it: what the world declares is made.
    let declared = format!(
        "---\napiVersion: shuzha/v1\nkind: PrivacyRefund\nmetadata: {{name: refund-2}}\nspec: {{dataSet: ward-a, request: {}}}\n",
        requests[1]
    );
    house.gate.install(world::snapshot(&declared));
    for _ in 0..2 {
        std::thread::scope(|scope| {
            scope.spawn(|| house.gate.make_refunds(&|| false)).join().expect("no panic")
        });
    }
    assert_eq!(spent(&house, "ward-a"), 2_000_000);
    let refunds = house.records().await;
    let refunds = refunds.iter().filter(|record| record.entry().expect("known").kind_name() == "refund");
    assert_eq!(refunds.count(), 2);
    // What another case gave back, and what another unit was charged, is not this case's to give back.
    let third = house.call(&ask("0.001"), &Fake::new([Say::Fault(UpstreamFault::Timeout)])).await.request;
    house.records().await;
    let of_another = format!(
        "{declared}---\napiVersion: shuzha/v1\nkind: PrivacyRefund\nmetadata: {{name: refund-3}}\nspec: {{dataSet: ward-a, request: {0}}}\n\
         ---\napiVersion: shuzha/v1\nkind: PrivacyRefund\nmetadata: {{name: refund-4}}\nspec: {{unit: bank, dataSet: ward-a, request: {third}}}\n",
        requests[0]
    );
    house.gate.install(world::snapshot(&of_another));
    std::thread::scope(|scope| drop(scope.spawn(|| house.gate.make_refunds(&|| false)).join()));
    let settled: Vec<_> = house.gate.refunds_settled().into_values().collect();
    assert_eq!(settled, [Ok(()), Err(Code::C1550), Err(Code::C1550)]);
    assert_eq!(spent(&house, "ward-a"), 3_000_000);
}

/// A refund that was refused for good is not looked for again: the journal is read once for it, not at each change.
#[tokio::test]
async fn e6_a_refund_refused_for_good_is_looked_for_once() {
    let house = TestGateway::new();
    let ask = Ask::new("study-1", "ward-report-a", "query", "study-sample").body(&histogram("sex", "0.002"));
    let answered = house.call(&ask, &Fake::new([Say::Json(200, crate::upstream::WARD)])).await.request;
    house.records().await;
    let declared = format!(
        "---\napiVersion: shuzha/v1\nkind: PrivacyRefund\nmetadata: {{name: refund-3}}\nspec: {{dataSet: ward-a, request: {answered}}}\n"
    );
    house.gate.install(world::snapshot(&declared));
    let made = |stopping: fn() -> bool| {
        // It blocks, so it is not for a thread that drives calls.
        std::thread::scope(|scope| {
            scope.spawn(|| house.gate.make_refunds(&stopping)).join().expect("no panic")
        })
    };
    assert!(made(|| true), "one that was stopped is not done");
    assert!(house.gate.refunds_settled().is_empty());
    assert!(!made(|| false), "nothing is left to do");
    let settled: Vec<_> = house.gate.refunds_settled().into_iter().collect();
    assert_eq!(settled, [(Id::new("refund-3").expect("a name"), Err(Code::C1550))]);
    // It is asked for each record that is read.
    assert!(!made(|| panic!("nothing is read again")));
}
