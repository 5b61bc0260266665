//! What is said of a configuration that is sound and should be looked at.

use shuzha_core::Timestamp;
use shuzha_core::calendar::Day;
use shuzha_products::jurisdiction::Jurisdiction;

use super::Config;

/// Said where neither witness nor anchor is configured.
const UNWATCHED: &str = "未配置见证方与锚定：整个数据目录被换成旧副本时，外部无人能察觉；请设置 evidence.witnesses 或 evidence.anchors \
    no witness and no anchor is configured: nobody outside would notice that the whole data folder was put back to an older \
    copy; set evidence.witnesses or evidence.anchors (docs/evidence.md)";

impl Config {
    /// What is to be said where nobody outside watches the evidence log.
    pub fn unwatched(&self) -> Option<&'static str> {
        (self.witnesses.is_empty() && self.anchoring.anchors.is_empty()).then_some(UNWATCHED)
    }
}

/// What is to be said of rules whose text ends soon, or has ended, at `now`.
pub fn ending(rules: &Jurisdiction, now: Timestamp) -> Option<String> {
    let until = rules.ending(now)?;
    let (title, article) = (&rules.title, rules.article("validity").unwrap_or_default());
    let last = Day::from_days(Day::of(until).days() - 1);
    Some(if now < until {
        format!(
            "{title}的规则有效期至 {last} 止（{article}）：请在此前核定其后适用的规则 the rules of {title} end with {last} ({article}): \
             decide by then which follow (`shuzha register fits --rules NAME` says what no longer fits)"
        )
    } else {
        format!(
            "{title}的规则已于 {last} 期满（{article}），仍按其裁定：请核定现行规则 the rules of {title} ended with {last} ({article}) and \
             still decide: name those in force now in control.rules"
        )
    })
}
