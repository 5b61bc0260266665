//! Where what is answered. Objects and cases of every kind share their handlers; adding a kind adds no route.

pub(crate) mod about;
pub(crate) mod accounts;
pub(crate) mod acts;
pub(crate) mod consents;
pub(crate) mod evidence;
pub(crate) mod exports;
pub(crate) mod finance;
pub(crate) mod me;
pub(crate) mod objects;
#[cfg(feature = "oidc")]
pub(crate) mod oidc;
#[cfg(not(feature = "oidc"))]
#[path = "routes/no_oidc.rs"]
mod oidc;
pub(crate) mod requests;
pub(crate) mod sign_on;

use axum::Router;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter};

use crate::guard;
use crate::intake::{Handler, Path, answer};
use crate::public;
use crate::shared::Shared;
use axum::extract::{Request, State};
use std::sync::Arc;

/// A route by its methods; `otherwise` answers all others, where axum's list of methods would not be right. `HEAD` goes
/// wherever `GET` goes.
fn methods(handlers: &[(MethodFilter, Handler)], otherwise: Option<Handler>) -> MethodRouter<Arc<Shared>> {
    let run = |handler: Handler| {
        move |state: State<Arc<Shared>>, path: Path, request: Request| answer(handler, state, path, request)
    };
    let route =
        handlers.iter().fold(MethodRouter::new(), |route, &(method, handler)| route.on(method, run(handler)));
    match otherwise {
        Some(handler) => route.fallback(run(handler)),
        None => route,
    }
}

/// Every route.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    const GET: MethodFilter = MethodFilter::GET;
    const PUT: MethodFilter = MethodFilter::PUT;
    const POST: MethodFilter = MethodFilter::POST;
    const DELETE: MethodFilter = MethodFilter::DELETE;
    Router::new()
        .route("/api/v1/sign-on/oidc", methods(&[(GET, oidc::begin)], None))
        .route("/api/v1/sign-on/oidc/callback", methods(&[(GET, oidc::end)], None))
        .route("/errors/{code}", methods(&[(GET, about::error_page)], None))
        .route("/api/v1/openapi.json", methods(&[(GET, about::openapi)], None))
        .route("/api/v1/jurisdiction", methods(&[(GET, about::jurisdiction)], None))
        .route("/api/v1/roles", methods(&[(GET, about::roles)], None))
        .route("/api/v1/sessions", methods(&[(POST, sign_on::begin)], None))
        .route("/api/v1/sessions/current", methods(&[(DELETE, sign_on::end)], None))
        .route("/api/v1/first-administrator", methods(&[(POST, sign_on::first_administrator)], None))
        .route("/api/v1/me", methods(&[(GET, me::get)], None))
        .route("/api/v1/me/password", methods(&[(PUT, me::set_password)], None))
        .route("/api/v1/me/one-time-code", methods(&[(POST, me::enrol), (DELETE, me::remove_one_time)], None))
        .route("/api/v1/me/one-time-code:confirm", methods(&[(POST, me::confirm)], None))
        .route("/api/v1/me/tokens", methods(&[(GET, me::tokens), (POST, me::create_token)], None))
        .route("/api/v1/me/tokens/{token}", methods(&[(DELETE, me::remove_token)], None))
        .route("/api/v1/accounts", methods(&[(GET, accounts::list), (POST, accounts::create)], None))
        .route(
            "/api/v1/accounts/{name}",
            methods(
                &[(GET, accounts::get), (PUT, accounts::change), (POST, accounts::act)],
                Some(accounts::no_such_method),
            ),
        )
        .route("/api/v1/account-requests", methods(&[(GET, requests::list)], None))
        .route(
            "/api/v1/account-requests/{name}",
            methods(&[(GET, requests::get), (POST, requests::act)], Some(requests::no_such_method)),
        )
        .route("/api/v1/invitations:open", methods(&[(POST, requests::open)], None))
        .route("/api/v1/invitations:accept", methods(&[(POST, requests::accept)], None))
        .route("/api/v1/accounts/{name}/tokens/{token}", methods(&[(DELETE, accounts::remove_token)], None))
        .route("/api/v1/acts", methods(&[(GET, acts::audit)], None))
        .route("/api/v1/refused-acts", methods(&[(GET, acts::refused)], None))
        .route("/api/v1/deadlines", methods(&[(GET, acts::deadlines)], None))
        .route("/api/v1/notices", methods(&[(GET, acts::notices)], None))
        .route("/api/v1/calendar/due", methods(&[(GET, acts::calendar_due)], None))
        .route("/api/v1/consents", methods(&[(GET, consents::list), (POST, consents::give)], None))
        .route("/api/v1/consents:register", methods(&[(POST, consents::register)], None))
        .route("/api/v1/consents:withdraw", methods(&[(POST, consents::withdraw_all)], None))
        .route(
            "/api/v1/consents/{consent}",
            methods(&[(GET, consents::get), (POST, consents::act)], Some(consents::no_such_method)),
        )
        .route("/api/v1/consents/{consent}/receipts", methods(&[(GET, consents::receipts)], None))
        .route("/api/v1/consents/{consent}/uses", methods(&[(GET, consents::uses)], None))
        .route("/api/v1/data-uses", methods(&[(GET, consents::data_uses)], None))
        .route("/api/v1/consent-holders", methods(&[(POST, consents::bind)], None))
        .route("/status-lists/{list}", methods(&[(GET, consents::status_list)], None))
        .route("/api/v1/finance/periods", methods(&[(GET, finance::periods)], None))
        .route(
            "/api/v1/finance/periods/{month}",
            methods(
                &[(GET, finance::period), (POST, finance::act_on_period)],
                Some(finance::no_such_method_of_period),
            ),
        )
        .route("/api/v1/finance/periods/{month}/{part}", methods(&[(GET, finance::part)], None))
        .route(
            "/api/v1/finance/statements/{number}",
            methods(
                &[(GET, finance::statement), (POST, finance::say)],
                Some(finance::no_such_method_of_statement),
            ),
        )
        .route(
            "/api/v1/finance/statements/{number}/paper",
            methods(&[(GET, finance::papers::statement)], None),
        )
        .route("/api/v1/finance/bills/{number}", methods(&[(GET, finance::papers::bill)], None))
        .route("/api/v1/finance/bills/{number}/paper", methods(&[(GET, finance::papers::bill_paper)], None))
        .route("/api/v1/finance/charts/{chart}", methods(&[(GET, finance::papers::chart)], None))
        .route("/api/v1/exports/{file}", methods(&[(GET, exports::get)], None))
        .route("/api/v1/finance/ledger", methods(&[(GET, finance::ledger)], None))
        .route("/api/v1/finance/ledger/verification", methods(&[(GET, finance::review::verification)], None))
        .route("/api/v1/finance/reratings", methods(&[(GET, finance::review::reratings)], None))
        .route(
            "/api/v1/finance/reratings/{number}",
            methods(&[(POST, finance::review::approve)], Some(finance::review::no_such_method)),
        )
        .route("/api/v1/finance/proposals", methods(&[(GET, finance::postings::proposals)], None))
        .route(
            "/api/v1/finance/proposals/{number}",
            methods(&[(POST, finance::postings::decide)], Some(finance::postings::no_such_method)),
        )
        .route(
            "/api/v1/finance/line-corrections",
            methods(
                &[(GET, finance::line_corrections::corrections), (POST, finance::line_corrections::propose)],
                None,
            ),
        )
        .route(
            "/api/v1/finance/line-corrections/{number}",
            methods(&[(POST, finance::line_corrections::decide)], Some(finance::postings::no_such_method)),
        )
        .route("/api/v1/finance/stopped-prices", methods(&[(GET, finance::review::stopped)], None))
        .route("/api/v1/finance/balances", methods(&[(GET, finance::balances)], None))
        .route("/api/v1/finance/transactions", methods(&[(POST, finance::post)], None))
        .route("/api/v1/finance/permitted", methods(&[(GET, finance::permitted)], None))
        .route("/api/v1/evidence/logs", methods(&[(GET, evidence::logs::list)], None))
        .route(
            "/api/v1/evidence/logs/{log}",
            methods(
                &[(GET, evidence::logs::get), (POST, evidence::logs::act)],
                Some(evidence::logs::no_such_method),
            ),
        )
        .route("/api/v1/evidence/logs/{log}/{proof}", methods(&[(GET, evidence::logs::proof)], None))
        .route("/api/v1/traces", methods(&[(GET, evidence::uses)], None))
        .route("/api/v1/traces/{request}", methods(&[(GET, evidence::trace)], None))
        .route("/api/v1/public/registrations", methods(&[(GET, public::registrations)], None))
        .route("/api/v1/public/certificates/{code}", methods(&[(GET, public::certificate)], None))
        .route("/api/v1/public/privacy-budgets", methods(&[(GET, public::privacy_budgets)], None))
        .route("/api/v1/public/{subject}", methods(&[(GET, public::disclosed::get)], None))
        .route("/api/v1/{plural}", methods(&[(GET, objects::list)], None))
        .route(
            "/api/v1/{plural}/{name}",
            methods(
                &[(GET, objects::get), (PUT, objects::put), (DELETE, objects::remove), (POST, objects::act)],
                Some(objects::no_such_method),
            ),
        )
        .route("/api/v1/{plural}/{name}/history", methods(&[(GET, acts::history)], None))
        .fallback(guard::nowhere)
        .method_not_allowed_fallback(guard::no_such_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::around))
        .with_state(shared)
}
