//! What products are made of, by the register.

use std::sync::Arc;

use serde_json::Value;
use shuzha_core::Id;
use shuzha_store::StoreError;
use shuzha_store::traces::{Catalogue, Made};

use crate::Control;

/// The register's products.
#[derive(Debug)]
pub struct Products(pub Arc<Control>);

impl Catalogue for Products {
    fn made(&self, product: &str) -> Result<Option<Made>, StoreError> {
        let Some(spec) = self.spec("Product", product)? else { return Ok(None) };
        let name = |value: &Value| value.as_str().and_then(|text| Id::new(text).ok());
        let version = spec["version"].as_u64().and_then(|version| u32::try_from(version).ok());
        let (Some(version), Some(operator)) = (version, name(&spec["operator"])) else { return Ok(None) };
        let mut data_sets = Vec::new();
        for set in spec["dataSets"].as_array().into_iter().flatten().filter_map(name) {
            let declared = self.spec("DataSet", set.as_str())?;
            if let Some(provider) = declared.and_then(|spec| name(&spec["provider"])) {
                data_sets.push((set, provider));
            }
        }
        Ok(Some(Made { version, operator, data_sets }))
    }
}

impl Products {
    fn spec(&self, kind: &str, name: &str) -> Result<Option<Value>, StoreError> {
        let object = self.0.register().get(kind, name)?;
        Ok(object.and_then(|object| serde_json::from_str(&object.spec).ok()))
    }
}
