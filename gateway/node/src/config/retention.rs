//! The section `[retention]`: how long records of calls are kept, no less than the law and the rule pack demand.

use shuzha_core::Code;
use shuzha_products::jurisdiction::Jurisdiction;
use shuzha_store::retention::{LOG_MONTHS_MIN, Term};

use super::reader::Reader;

/// Most months: a hundred years.
const MONTHS_MAX: usize = 1_200;
/// By which article nobody keeps them for less than [`LOG_MONTHS_MIN`].
const LAW: &str = "网络安全法 21(三)";

/// Reads the section under the rules of a jurisdiction.
pub(crate) fn read(r: &mut Reader, rules: Option<&Jurisdiction>) -> Option<Term> {
    let months = r.take::<usize>("retention", "call_log_months")?;
    // Where the rules have a fault of their own, the law's floor is all that can be judged.
    let (floor, article) = floor(rules.unwrap_or(&Jurisdiction::default()));
    if months < floor.into() {
        let reason = format!("{}: {article} 至少 {floor} 个月 at least {floor} months", Code::C1732);
        r.fault("retention.call_log_months", reason);
        return None;
    }
    match u16::try_from(months) {
        Ok(months) if usize::from(months) <= MONTHS_MAX => {
            // Heilongjiang 29, Qingtian 二(六): what a pack demands counts from the end of the authorisation.
            let after_authorisation = rules.and_then(|rules| rules.network_log_months);
            Some(Term { months, after_authorisation, article })
        }
        _ => {
            r.fault("retention.call_log_months", format!("at most {MONTHS_MAX}"));
            None
        }
    }
}

/// The least months, and by which article.
fn floor(rules: &Jurisdiction) -> (u16, String) {
    match rules.network_log_months {
        Some(months) if months >= LOG_MONTHS_MIN => {
            (months, rules.article("network_logs").unwrap_or_default().to_owned())
        }
        _ => (LOG_MONTHS_MIN, LAW.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use shuzha_products::jurisdiction::{PACKS, pack};

    use super::*;

    fn read_with(months: i64, rules: &Jurisdiction) -> Result<Term, String> {
        let mut table = toml::Table::new();
        let mut section = toml::Table::new();
        section.insert("call_log_months".to_owned(), toml::Value::Integer(months));
        table.insert("retention".to_owned(), toml::Value::Table(section));
        let mut reader = Reader::new(table);
        read(&mut reader, Some(rules))
            .ok_or_else(|| reader.faults.into_list().pop().map(|fault| fault.to_string()).unwrap_or_default())
    }

    #[test]
    fn h3_no_pack_is_kept_to_less_than_it_demands_and_any_to_more() {
        for (name, _) in PACKS {
            let rules = pack(name).expect("it is built in");
            let (floor, _) = floor(&rules);
            assert_eq!(floor, if *name == "heilongjiang" { 24 } else { 6 }, "{name}");
            for months in [0, i64::from(floor) - 1] {
                let refused = read_with(months, &rules).expect_err("under the floor");
                assert!(refused.contains("C1732") && refused.contains("call_log_months"), "{refused}");
            }
            for months in [floor, floor + 1, 240] {
                assert_eq!(read_with(months.into(), &rules).map(|term| term.months), Ok(months));
            }
        }
        let article = |name: &str| read_with(24, &pack(name).expect("built in")).map(|term| term.article);
        assert_eq!(article("heilongjiang").as_deref(), Ok("Heilongjiang 29"));
        assert_eq!(article("qingtian").as_deref(), Ok("Qingtian 二(六)"));
        assert_eq!(article("gansu").as_deref(), Ok(LAW));
        for (name, after) in [("heilongjiang", Some(24)), ("qingtian", Some(6)), ("gansu", None)] {
            let term = read_with(240, &pack(name).expect("built in"));
            assert_eq!(term.map(|term| term.after_authorisation), Ok(after), "{name}");
        }
        assert!(read_with(-1, &Jurisdiction::default()).is_err());
        assert!(read_with(1_201, &Jurisdiction::default()).is_err());
    }
}
