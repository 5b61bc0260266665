//! Words of closed lists as they stand on sheets for people.

/// Words, and the Chinese of the glossary.
const WORDS: &[(&str, &str)] = &[
    // Kinds of product.
    ("verification", "核验"),
    ("interface", "数据接口"),
    ("model", "数据模型"),
    ("report", "数据报告"),
    ("package", "数据包"),
    ("table", "统计表"),
    ("blind", "隐匿核验"),
    // Classes of purpose.
    ("public-governance", "公共治理"),
    ("public-welfare", "公益事业"),
    ("industry", "产业发展"),
    ("sector", "行业发展"),
    // Modes of authorisation.
    ("whole", "整体授权"),
    ("field", "分领域授权"),
    ("scenario", "依场景授权"),
    // Forms of charging.
    ("perCall", "按次"),
    ("graduated", "分段累进"),
    ("volume", "按量分档"),
    ("free", "免费"),
    // Outcomes.
    ("consistent", "一致"),
    ("inconsistent", "不一致"),
    ("no_record", "查无"),
    ("answer", "答复"),
    ("bytes", "按量"),
    // States.
    ("in-service", "在用"),
    ("lapsed", "凭证已失效"),
    ("approved", "已批准"),
    ("active", "已启用"),
    ("suspended", "已暂停"),
    ("terminated", "已终止"),
    ("archived", "已归档"),
    ("in-force", "生效"),
    ("expired", "已到期"),
    ("amended", "已变更"),
    ("publicity", "公示中"),
    ("certified", "已登记"),
    ("cancelled", "已注销"),
    ("revoked", "已撤销"),
    // Kinds of object.
    ("Registration", "登记"),
    ("Scenario", "应用场景"),
    ("Agreement", "协议"),
    ("OperatingAgreement", "授权运营协议"),
    ("PrivacyRaise", "隐私预算上限提高"),
];

/// The word of a column in Chinese; none for what is no word of a list.
#[must_use]
pub fn in_chinese(column: &str, word: &str) -> Option<&'static str> {
    // A kind of product elsewhere.
    if (column, word) == ("form", "package") {
        return Some("套餐");
    }
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, zh)| *zh)
}

#[cfg(test)]
mod tests {
    use shuzha_core::PurposeClass;
    use shuzha_pricing::Outcome;
    use shuzha_products::kinds::KINDS;

    use super::super::announcements::ANNOUNCED;
    use super::super::{DISCLOSURES, Source};
    use super::*;

    #[test]
    fn every_word_that_a_sheet_may_show_is_said_in_chinese() {
        let states = DISCLOSURES.iter().filter_map(|one| match one.source {
            Source::Objects { states, .. } => Some(states.iter().copied()),
            Source::Acts => None,
        });
        let words = states
            .flatten()
            .chain(ANNOUNCED.iter().flat_map(|(kind, state, _)| [*kind, *state]))
            .chain(PurposeClass::ALL.iter().map(|purpose| purpose.as_str()))
            .chain(Outcome::ALL.iter().map(|outcome| outcome.as_str()))
            .chain(KINDS.iter().map(|kind| kind.name()))
            .chain(["whole", "field", "scenario", "perCall", "graduated", "volume", "package", "free"])
            .chain(["in-service", "lapsed"]);
        for word in words {
            assert!(in_chinese("", word).is_some(), "{word}");
        }
    }
}
