//! Rows from declared objects and cases.

use serde_json::Value;
use shuzha_core::Id;
use shuzha_products::Window;
use shuzha_store::register::Object;

use super::Cell;
use crate::{Control, Error};

/// Most products of an operator that are named.
const PRODUCTS_MAX: usize = 200;

type Row = Result<Option<Vec<Cell>>, Error>;

fn text(spec: &Value, field: &str) -> Cell {
    spec.get(field).and_then(Value::as_str).map_or(Cell::None, |text| Cell::Text(text.to_owned()))
}

fn texts(spec: &Value, field: &str) -> Option<Vec<String>> {
    let items = spec.get(field)?.as_array()?;
    Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// When the window begins and ends.
fn window(spec: &Value) -> [Cell; 2] {
    match spec.get("window").and_then(Window::of_spec) {
        Some(window) => [Cell::Instant(window.from()), Cell::Instant(window.until())],
        None => [Cell::None, Cell::None],
    }
}

fn state(object: &Object) -> Cell {
    object.state.as_ref().map_or(Cell::None, |state| Cell::Text(state.name.clone()))
}

impl Control {
    /// The title of a named object, by the field of its kind that holds it.
    pub(super) fn titled(&self, kind: &str, name: Option<&str>) -> Result<Cell, Error> {
        let field = if kind == "Organisation" { "name" } else { "title" };
        let Some(name) = name else { return Ok(Cell::None) };
        Ok(self.named(kind, name, field)?.map_or(Cell::None, Cell::Text))
    }

    /// Titles of named objects; the name where one has none.
    fn titles<'n>(&self, kind: &str, names: impl IntoIterator<Item = &'n str>) -> Result<Cell, Error> {
        let mut found = Vec::new();
        for name in names {
            found.push(match self.titled(kind, Some(name))? {
                Cell::Text(title) => title,
                _ => name.to_owned(),
            });
        }
        Ok(Cell::Texts(found))
    }

    /// The organisation of an application unit, by its title.
    pub(super) fn unit_title(&self, spec: &Value) -> Result<Cell, Error> {
        let Some(unit) = spec.get("unit").and_then(Value::as_str) else { return Ok(Cell::None) };
        let organisation = self.named("ApplicationUnit", unit, "organisation")?;
        self.titled("Organisation", organisation.as_deref())
    }

    /// Number and issuer of the act behind a price or ceiling.
    fn act_behind(&self, spec: &Value) -> Result<[Cell; 2], Error> {
        let Some(act) = spec.get("act").and_then(Value::as_str) else { return Ok([Cell::None, Cell::None]) };
        let number = self.named("PriceAct", act, "number")?.map_or(Cell::None, Cell::Text);
        let issuer = self.named("PriceAct", act, "issuer")?;
        Ok([number, self.titled("Organisation", issuer.as_deref())?])
    }

    /// Whether the product has or had a certificate, or is under publicity for one.
    fn was_certified(&self, product: &Id) -> Result<bool, Error> {
        for name in self.register.referrers_of("Registration", "Product", product.as_str())? {
            let Some(object) = self.register.get("Registration", name.as_str())? else { continue };
            if self.published(&object)?.is_some_and(|found| found.registered.certificate.is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a suspension of the object itself is in force.
    fn is_stopped(&self, kind: &str, name: &Id) -> Result<bool, Error> {
        const STOPS: [&str; 2] = ["emergency", "in-force"];
        for suspension in self.register.referrers_of("Suspension", kind, name.as_str())? {
            let found = self.register.get("Suspension", suspension.as_str())?;
            if found.and_then(|object| object.state).is_some_and(|state| STOPS.contains(&state.name.as_str()))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The certificate of a product that is good now: its code, and until when.
    fn good_certificate(&self, product: &Id) -> Result<[Cell; 2], Error> {
        for name in self.register.referrers_of("Registration", "Product", product.as_str())? {
            let Some(object) = self.register.get("Registration", name.as_str())? else { continue };
            let Some(found) = self.published(&object)?.filter(|found| found.valid) else { continue };
            if found.registered.product.as_deref() == Some(product.as_str())
                && let Some(certificate) = found.registered.certificate
            {
                return Ok([Cell::Text(certificate.code), Cell::Instant(certificate.until)]);
            }
        }
        Ok([Cell::None, Cell::None])
    }
}

/// A product.
pub(super) fn product(control: &Control, object: &Object, spec: &Value) -> Row {
    let operations = spec.get("operations").and_then(Value::as_array);
    let operations: Vec<&Value> = operations.into_iter().flatten().collect();
    let names = operations.iter().filter_map(|one| one.get("name")?.as_str());
    let personal = operations.iter().any(|one| one.get("personal") == Some(&Value::Bool(true)));
    let sets = texts(spec, "dataSets").unwrap_or_default();
    let operator = spec.get("operator").and_then(Value::as_str);
    let [code, until] = control.good_certificate(&object.name)?;
    let demanded = control.rules().jurisdiction.certificate_required;
    // What was never registered is a draft, where products are registered.
    if demanded && code == Cell::None && !control.was_certified(&object.name)? {
        return Ok(None);
    }
    let state = if control.is_stopped("Product", &object.name)? {
        "suspended"
    } else if demanded && code == Cell::None {
        "lapsed"
    } else {
        "in-service"
    };
    Ok(Some(vec![
        text(spec, "title"),
        text(spec, "kind"),
        Cell::Texts(names.map(str::to_owned).collect()),
        Cell::Flag(personal),
        text(spec, "operator"),
        control.titled("Organisation", operator)?,
        Cell::Texts(sets),
        code,
        until,
        Cell::Text(state.to_owned()),
    ]))
}

/// A price.
pub(super) fn price(control: &Control, _: &Object, spec: &Value) -> Row {
    const FORMS: [&str; 5] = ["perCall", "graduated", "volume", "package", "free"];
    let form = FORMS.into_iter().find(|form| spec.get(form).is_some());
    let amount = form.and_then(|form| spec.get(form)).map_or(Cell::None, charged);
    let minimum = spec.get("minimum").map_or(Cell::None, charged);
    let [act, issuer] = control.act_behind(spec)?;
    let [from, until] = window(spec);
    Ok(Some(vec![
        text(spec, "product"),
        control.titled("Product", spec.get("product").and_then(Value::as_str))?,
        text(spec, "operation"),
        text(spec, "scenario"),
        texts(spec, "purposes").map_or(Cell::None, Cell::Texts),
        form.map_or(Cell::None, |form| Cell::Text(form.to_owned())),
        amount,
        text(spec, "annual"),
        minimum,
        text(spec, "maximum"),
        texts(spec, "charged").map_or(Cell::None, Cell::Texts),
        Cell::Flag(spec.get("trial") == Some(&Value::Bool(true))),
        act,
        issuer,
        from,
        until,
    ]))
}

/// A sum; tiers, each by up to which call it reaches (`≤1000: 0.50; >1000: 0.30`); a sum for a number of calls (`100 / 500`); or
/// on what ground it is free.
fn charged(value: &Value) -> Cell {
    let text = |field: &Value| field.as_str().map_or_else(|| field.to_string(), str::to_owned);
    Cell::Text(match value {
        Value::Array(tiers) => {
            let (mut shown, mut before) = (Vec::new(), String::from("0"));
            for tier in tiers {
                let each = text(&tier["each"]);
                match tier.get("upTo").map(text) {
                    Some(up_to) => {
                        shown.push(format!("≤{up_to}: {each}"));
                        before = up_to;
                    }
                    None => shown.push(format!(">{before}: {each}")),
                }
            }
            shown.join("; ")
        }
        Value::Object(sum) if sum.contains_key("fee") => {
            format!("{} / {}", text(&value["fee"]), text(&value["calls"]))
        }
        Value::Object(free) if free.contains_key("ground") => text(&value["ground"]),
        other => text(other),
    })
}

/// A ceiling.
pub(super) fn ceiling(control: &Control, _: &Object, spec: &Value) -> Row {
    let [act, issuer] = control.act_behind(spec)?;
    let [from, until] = window(spec);
    Ok(Some(vec![
        text(spec, "product"),
        control.titled("Product", spec.get("product").and_then(Value::as_str))?,
        text(spec, "perCallMax"),
        text(spec, "annualMax"),
        act,
        issuer,
        from,
        until,
    ]))
}

/// An operator; no other organisation.
pub(super) fn operator(control: &Control, object: &Object, spec: &Value) -> Row {
    if spec.get("kind").and_then(Value::as_str) != Some("operator") {
        return Ok(None);
    }
    let mut products = control.register.referrers_of("Product", "Organisation", object.name.as_str())?;
    products.truncate(PRODUCTS_MAX);
    let mut operated = Vec::new();
    for product in products {
        if control.named("Product", product.as_str(), "operator")?.as_deref() == Some(object.name.as_str()) {
            operated.push(product);
        }
    }
    let operated = control.titles("Product", operated.iter().map(Id::as_str))?;
    Ok(Some(vec![text(spec, "name"), text(spec, "uscc"), operated]))
}

/// A scenario that was approved.
pub(super) fn scenario(control: &Control, object: &Object, spec: &Value) -> Row {
    let needs = spec.get("needs").and_then(Value::as_array);
    let needs = needs.into_iter().flatten().filter_map(|need| need.get("product")?.as_str());
    let [from, until] = window(spec);
    Ok(Some(vec![
        text(spec, "title"),
        text(spec, "purpose"),
        text(spec, "mode"),
        control.unit_title(spec)?,
        control.titles("Product", needs)?,
        from,
        until,
        state(object),
    ]))
}

/// An agreement that is or was in force.
pub(super) fn agreement(control: &Control, object: &Object, spec: &Value) -> Row {
    let (parties, scenarios) = (texts(spec, "parties").unwrap_or_default(), texts(spec, "scenarios"));
    let [from, until] = window(spec);
    Ok(Some(vec![
        control.unit_title(spec)?,
        control.titles("Organisation", parties.iter().map(String::as_str))?,
        control.titles("Scenario", scenarios.unwrap_or_default().iter().map(String::as_str))?,
        text(spec, "scope"),
        from,
        until,
        state(object),
    ]))
}

/// An operating agreement that is or was in force.
pub(super) fn operating_agreement(control: &Control, object: &Object, spec: &Value) -> Row {
    let named = |field: &str| spec.get(field).and_then(Value::as_str);
    let listed = |field: &str| texts(spec, field).unwrap_or_default();
    let (parties, providers, sets) = (listed("parties"), listed("providers"), listed("dataSets"));
    let mut extent = Vec::new();
    let found = [
        control.titles("Organisation", providers.iter().map(String::as_str))?,
        Cell::Texts(listed("fields")),
        control.titles("Scenario", named("scenario"))?,
        control.titles("DataSet", sets.iter().map(String::as_str))?,
    ];
    for cell in found {
        if let Cell::Texts(titles) = cell {
            extent.extend(titles);
        }
    }
    let products = spec.get("contents").map_or(Cell::None, |contents| text(contents, "products"));
    let [from, until] = window(spec);
    Ok(Some(vec![
        control.titled("Organisation", named("authoriser"))?,
        text(spec, "operator"),
        control.titled("Organisation", named("operator"))?,
        control.titles("Organisation", parties.iter().map(String::as_str))?,
        text(spec, "mode"),
        Cell::Texts(extent),
        products,
        from,
        until,
        state(object),
    ]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn f5_a_price_is_shown_by_tier_and_by_number_of_calls() {
        let tiers = json!([{"upTo": 1000, "each": "0.50"}, {"each": "0.30"}]);
        for (declared, shown) in [
            (json!("0.50"), "0.50"),
            (tiers, "≤1000: 0.50; >1000: 0.30"),
            (json!({"fee": "100", "calls": 500}), "100 / 500"),
            (json!({"ground": "public-welfare", "conditions": ["非营利"]}), "public-welfare"),
        ] {
            assert_eq!(charged(&declared), Cell::Text(shown.to_owned()));
        }
    }
}
