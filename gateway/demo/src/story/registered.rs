//! What a registration of the story records (Gansu-R 6–15).

use serde_json::{Value, json};
use shuzha_core::Timestamp;
use shuzha_products::data::{DataSet, Sensitivity};
use shuzha_products::product::Product;

use super::date;

/// The content of a product's registration, first delivered at `begin`.
pub(super) fn content(
    name: &str,
    product: &Product,
    (data_set, declared): (&str, &DataSet),
    begin: Timestamp,
) -> Value {
    let window = json!({"from": "2025-01-01", "until": "2030-01-01"});
    let sensitive = declared.sensitivity == Sensitivity::Sensitive;
    let masking = sensitive.then_some("按输出契约脱敏");
    let mut storage = json!({
        "origin": "履职产生", "structure": "结构化", "format": "接口", "method": "数据库", "initialVolume": "1 GB",
        "updateFrequency": "每日", "updateMethod": "增量", "growth": "10 MB/月", "subjects": "自然人与企业", "coverage": "全市",
        "sensitive": sensitive, "masked": sensitive, "evidenceMethod": "哈希存证", "evidenceNote": "存证于本平台",
        "evidence": document("存证.pdf"),
    });
    if let (Some(masking), Some(storage)) = (masking, storage.as_object_mut()) {
        storage.insert("masking".to_owned(), masking.into());
    }
    json!({
        "basic": {
            "name": product.title, "type": "product", "class": "一般数据", "industry": "公共管理", "areas": ["云泽市"],
            "abstract": format!("{}：按输出契约提供，不含原始数据。", product.title),
            "tags": [product.kind.name()], "firstDelivery": date(begin), "product": name, "form": form(product),
            "resourceName": data_set, "resourceCode": format!("DJ-20250101-{}-0", data_set.to_uppercase()),
            "authorised": window, "purpose": "供经批准的应用场景使用",
        },
        "agency": {"principal": "云泽公共数据运营有限公司", "code": "91690000MA0001296J", "window": window,
            "contract": document("委托书.pdf")},
        "storage": storage,
        "scenario": {"conditions": "签订授权协议", "scope": "本市", "audience": "经批准的应用单位", "problems": "材料真伪难辨"},
        "sharing": {"type": "conditional", "conditions": "部门申请", "method": "接口", "open": false, "openConditions": "不开放"},
        "coOwners": [],
        "lawfulSource": {"proofs": [document("来源说明.pdf")], "pledged": true},
        "catalogue": {"fromExisting": true, "reference": format!("云泽市公共数据目录 {name}")},
        "attachments": [],
    })
}

/// The form (产品形态) by which a product is registered: blinded matching is a verification, a table a report.
fn form(product: &Product) -> &'static str {
    match product.kind.name() {
        "blind" => "verification",
        "table" => "report",
        kind => kind,
    }
}

fn document(name: &str) -> Value {
    json!({"name": name, "bytes": 1_024, "sha256": "ab".repeat(32)})
}
