//! Which of the data listener's few addresses a canonical path is.

use http::Method;
use shuzha_core::{Code, Id};

/// An address of the data listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/v1/products/{product}/{operation…}`: a call.
    Call {
        /// The product as written; whether it exists is policy's to say.
        product: &'a str,
    },
    /// `POST /v1/consents:withdraw`.
    Withdraw,
    /// `GET /errors/{code}`.
    ErrorPage(Code),
    /// `GET /v1/receipts/{id}` and `GET /v1/receipts/{id}/sm3`.
    Receipt {
        /// The request's id, or the handle that its answer carried.
        id: &'a str,
        /// Whether the SM3 tree is meant.
        sm3: bool,
    },
    /// `GET /log/{address…}`: a file of the evidence log.
    Log(&'a str),
}

/// Why a request goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Astray {
    /// C006 or C007.
    pub(super) code: Code,
    /// For C007, the methods that do go somewhere.
    pub(super) allow: Option<&'static str>,
}

/// Where `method path` goes.
pub(super) fn route<'a>(method: &Method, path: &'a str) -> Result<Route<'a>, Astray> {
    const NOWHERE: Astray = Astray { code: Code::C006, allow: None };
    let (found, allow) = if let Some(rest) = path.strip_prefix("/v1/products/") {
        let (product, operation) = rest.split_once('/').ok_or(NOWHERE)?;
        if Id::check(product).is_err() || operation.is_empty() || operation.ends_with('/') {
            return Err(NOWHERE);
        }
        (Route::Call { product }, "GET, POST")
    } else if path == "/v1/consents:withdraw" {
        (Route::Withdraw, "POST")
    } else if let Some(code) = path.strip_prefix("/errors/") {
        (Route::ErrorPage(code.parse().map_err(|_| NOWHERE)?), "GET")
    } else if let Some(rest) = path.strip_prefix("/v1/receipts/") {
        let (id, sm3) = rest.strip_suffix("/sm3").map_or((rest, false), |id| (id, true));
        if id.is_empty() || id.contains('/') {
            return Err(NOWHERE);
        }
        (Route::Receipt { id, sm3 }, "GET")
    } else if let Some(address) = path.strip_prefix("/log/") {
        (Route::Log(address), "GET")
    } else {
        return Err(NOWHERE);
    };
    if allow.split(", ").any(|allowed| allowed == method.as_str()) {
        Ok(found)
    } else {
        Err(Astray { code: Code::C007, allow: Some(allow) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let call = |product| Ok(Route::Call { product });
        let nowhere = Err(Astray { code: Code::C006, allow: None });
        let wrong = |methods| Err(Astray { code: Code::C007, allow: Some(methods) });
        for (method, path, expected) in [
            (Method::POST, "/v1/products/score/run", call("score")),
            (Method::GET, "/v1/products/pack/files/2024.csv", call("pack")),
            (Method::PUT, "/v1/products/score/run", wrong("GET, POST")),
            (Method::HEAD, "/v1/products/score/run", wrong("GET, POST")),
            (Method::POST, "/v1/products/score", nowhere),
            (Method::POST, "/v1/products/score/", nowhere),
            (Method::POST, "/v1/products/score/run/", nowhere),
            (Method::POST, "/v1/products/Score/run", nowhere),
            (Method::POST, "/v2/products/score/run", nowhere),
            (Method::POST, "/v1/consents:withdraw", Ok(Route::Withdraw)),
            (Method::GET, "/v1/consents:withdraw", wrong("POST")),
            (Method::GET, "/errors/C401", Ok(Route::ErrorPage(Code::C401))),
            (Method::POST, "/errors/C401", wrong("GET")),
            (Method::GET, "/v1/receipts/1.9", Ok(Route::Receipt { id: "1.9", sm3: false })),
            (Method::GET, "/v1/receipts/1.9/sm3", Ok(Route::Receipt { id: "1.9", sm3: true })),
            (Method::POST, "/v1/receipts/1.9", wrong("GET")),
            (Method::GET, "/v1/receipts/", nowhere),
            (Method::GET, "/v1/receipts//sm3", nowhere),
            (Method::GET, "/v1/receipts/1/9", nowhere),
            (Method::GET, "/log/2026h2/tile/0/000", Ok(Route::Log("2026h2/tile/0/000"))),
            (Method::PUT, "/log/2026h2/checkpoint", wrong("GET")),
            (Method::GET, "/errors/C999", nowhere),
            (Method::GET, "/", nowhere),
        ] {
            assert_eq!(route(&method, path), expected, "{method} {path}");
        }
    }
}
