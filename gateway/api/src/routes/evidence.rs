//! Evidence: traces of calls and of data; half-years of the log.

pub(crate) mod logs;
mod shown;

use shuzha_control::Caller;
use shuzha_control::evidence::Evidence;
use shuzha_core::{Code, Id};
use shuzha_schema::evidence::Uses;
use shuzha_store::traces::{Of, Query};

use crate::ask::{Ask, Reply};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::who;

/// By what uses are asked for; exactly one of them, but for a product's by one unit.
pub(crate) const OF: [&str; 4] = ["dataSet", "product", "unit", "grant"];

/// Evidence, and who asks.
fn asked(ask: &Ask) -> Result<(&Evidence, Caller), Problem> {
    let caller = who::caller(ask)?;
    let evidence = ask.shared.evidence.as_deref().ok_or(Code::C006)?;
    Ok((evidence, caller))
}

/// `GET /api/v1/traces/{request}`: from a call back.
pub(crate) fn trace(ask: &Ask) -> Result<Reply, Problem> {
    let (evidence, caller) = asked(ask)?;
    ask.parameters().done()?;
    let request = ask.part("request").parse().map_err(|_| Code::C1730)?;
    Ok(Reply::ok(&shown::trace(&evidence.trace(&caller, &request)?)))
}

/// `GET /api/v1/traces?dataSet=…`: from data, a product, a unit or a grant forward.
pub(crate) fn uses(ask: &Ask) -> Result<Reply, Problem> {
    let (evidence, caller) = asked(ask)?;
    let mut parameters = ask.parameters();
    let named = OF.map(|name| parameters.text(name));
    let (from, until) = (parameters.instant("from"), parameters.instant("until"));
    let (limit, after) = (parameters.limit(), parameters.parsed("cursor"));
    let of = one_of(&named, &mut parameters);
    let [_, product, unit, _] = &named;
    let by = match (product, unit) {
        (Some(_), Some(unit)) => Some([Id::new(unit.as_str()).map_err(|_| Code::C1001)?]),
        _ => None,
    };
    parameters.done()?;
    let units = by.as_ref().map(<[Id; 1]>::as_slice);
    let query = Query { of: of.ok_or(Code::C1001)?, from, until, provider: None, units, after, limit };
    let page = evidence.uses(&caller, &query)?;
    let items = page.uses.iter().map(shown::traced_use).collect();
    let next = page.next.map(|next| next.to_string());
    Ok(Reply::ok(&Uses { items, next, reached_sequence: page.reached }))
}

fn one_of<'t>(named: &'t [Option<String>; 4], parameters: &mut Parameters) -> Option<Of<'t>> {
    let [data_set, product, unit, grant] = named.each_ref().map(Option::as_deref);
    match (data_set, product, unit, grant) {
        (Some(name), None, None, None) => Some(Of::DataSet(name)),
        (None, Some(name), _, None) => Some(Of::Product(name)),
        (None, None, Some(name), None) => Some(Of::Unit(name)),
        (None, None, None, Some(name)) => Some(Of::Grant(name)),
        _ => parameters
            .fail("dataSet", format!("exactly one is given of: {}; or product and unit", OF.join(", "))),
    }
}
