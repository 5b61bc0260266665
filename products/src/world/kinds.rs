//! The kinds of objects a world holds, for whoever keeps or shows them.

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The word after `kind:`.
    pub name: &'static str,
    /// The word in addresses, `data-sets`.
    pub plural: &'static str,
    /// For people.
    pub title_zh: &'static str,
    /// Whether it is declared as such; `false` where it is in force only because of a case.
    pub declared: bool,
}

const fn declared(name: &'static str, plural: &'static str, title_zh: &'static str) -> Kind {
    Kind { name, plural, title_zh, declared: true }
}

const fn by_case(name: &'static str, plural: &'static str, title_zh: &'static str) -> Kind {
    Kind { name, plural, title_zh, declared: false }
}

/// Every kind, in an order in which references point backwards.
pub const KINDS: &[Kind] = &[
    declared("Jurisdiction", "jurisdictions", "适用规则"),
    declared("Organisation", "organisations", "机构"),
    declared("ApplicationUnit", "application-units", "应用单位"),
    declared("Credential", "credentials", "凭据"),
    declared("ConsentIssuer", "consent-issuers", "个人授权签发方"),
    by_case("Scenario", "scenarios", "应用场景"),
    by_case("Agreement", "agreements", "应用服务协议"),
    declared("PersonSpace", "person-spaces", "人群"),
    declared("DataSet", "data-sets", "数据集"),
    by_case("OperatingAgreement", "operating-agreements", "授权运营协议"),
    declared("Upstream", "upstreams", "产品服务"),
    declared("Product", "products", "数据产品"),
    by_case("Certificate", "certificates", "登记凭证"),
    declared("Listing", "listings", "交易机构挂牌"),
    declared("PriceAct", "price-acts", "定价文件"),
    declared("Ceiling", "ceilings", "上限收费标准"),
    declared("Price", "prices", "价格"),
    by_case("Grant", "grants", "授权"),
    by_case("Suspension", "suspensions", "暂时关闭"),
    by_case("EmergencyPlan", "emergency-plans", "应急预案"),
    by_case("ExitReview", "exit-reviews", "出域审查"),
    by_case("PrivacyRefund", "privacy-refunds", "隐私扣减退还"),
    declared("PermittedRevenue", "permitted-revenues", "最高准许收入"),
    declared("TaxRate", "tax-rates", "税率"),
];

#[cfg(test)]
mod tests {
    use super::super::object::OBJECT_KINDS;
    use super::*;

    #[test]
    fn every_kind_that_is_read_is_listed_in_the_same_order() {
        let read: Vec<_> = OBJECT_KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>(), read);
    }
}
