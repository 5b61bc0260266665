//! The request to a product service, made afresh: nothing of the caller's gets into it but what policy passes on.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Uri};
use http_body_util::Full;
use ring::hmac;
use shuzha_core::Timestamp;
use shuzha_policy::Dispatch;

use super::sign;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_UNIT: HeaderName = HeaderName::from_static("x-unit");
const X_SCENARIO: HeaderName = HeaderName::from_static("x-scenario");
const X_FIELDS: HeaderName = HeaderName::from_static("x-fields");
const X_GATEWAY_TIMESTAMP: HeaderName = HeaderName::from_static("x-gateway-timestamp");
const X_GATEWAY_SIGNATURE: HeaderName = HeaderName::from_static("x-gateway-signature");

/// Fields of a request to a product service.
const REQUEST_FIELDS: usize = 10;

/// The request, made of nothing but what policy passes on. None when a part of it cannot stand in a request.
pub(super) fn request(
    key: &hmac::Key,
    now: Timestamp,
    dispatch: Dispatch<'_>,
) -> Option<Request<Full<Bytes>>> {
    let id = HeaderValue::try_from(dispatch.request.to_string()).ok()?;
    let timestamp = HeaderValue::from(now.seconds());
    let signature = sign::sign(
        key,
        &sign::Signed {
            method: dispatch.method.as_str(),
            path: dispatch.path,
            request: id.as_bytes(),
            unit: dispatch.unit,
            scenario: dispatch.scenario,
            fields: dispatch.fields,
            timestamp: timestamp.as_bytes(),
            body_sha256: &dispatch.body_sha256,
        },
    );
    let mut fields = HeaderMap::with_capacity(REQUEST_FIELDS);
    fields.insert(X_REQUEST_ID, id);
    fields.insert(X_UNIT, HeaderValue::from_str(dispatch.unit).ok()?);
    fields.insert(X_SCENARIO, HeaderValue::from_str(dispatch.scenario).ok()?);
    fields.insert(X_FIELDS, HeaderValue::from_str(dispatch.fields).ok()?);
    fields.insert(X_GATEWAY_TIMESTAMP, timestamp);
    fields.insert(X_GATEWAY_SIGNATURE, signature);
    if !dispatch.body.is_empty() {
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(range) = dispatch.range {
        fields.insert(header::RANGE, range.clone());
    }
    let mut request = Request::new(Full::new(dispatch.body));
    *request.method_mut() = dispatch.method;
    *request.uri_mut() = Uri::try_from(dispatch.path).ok().filter(|uri| uri.scheme().is_none())?;
    *request.headers_mut() = fields;
    Some(request)
}
