//! Bounds that keep one caller from shutting the others out: of the gate's tables for each unit, of the data listener for each
//! address; and whose word on addresses is taken.

use shuzha_policy::Bounds;
use shuzha_products::credential::Cidr;
use shuzha_proxy::{Limits, Told, TrustedProxies};

use super::reader::{Bytes, Reader};

/// Reads the bounds of the gate's tables.
pub(crate) fn read_tables(r: &mut Reader) -> Option<Bounds> {
    let keys_of_unit = count(r, "idempotency_keys_per_unit_max");
    let keys = count(r, "idempotency_keys_max");
    let answers_of_unit = bytes(r, "stored_response_bytes_per_unit_max");
    let answers = bytes(r, "stored_response_bytes_max");
    let nonces_of_unit = count(r, "nonces_per_unit_max");
    let signed = count(r, "signed_requests_per_second_max");
    let small = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    Some(Bounds {
        idempotency_keys_per_unit: keys_of_unit?,
        idempotency_keys: keys?,
        answer_bytes_per_unit: small(answers_of_unit?),
        answer_bytes: small(answers?),
        nonces_per_unit: nonces_of_unit?,
        signed_requests_per_second: u32::try_from(signed?).ok()?,
    })
}

/// Reads what one address may hold of the data listener, and lays it over `limits`. A share is never less than one whole body.
pub(crate) fn read_shares(r: &mut Reader, limits: Option<Limits>) -> Option<Limits> {
    let connections = count(r, "connections_per_address_max");
    let handshakes = count(r, "handshakes_per_address_max");
    let unfinished = count(r, "unfinished_per_address_max");
    let strangers = count(r, "unidentified_requests_per_second");
    let strangers_bytes = bytes(r, "unidentified_body_bytes_max");
    let total = bytes(r, "body_bytes_total_max");
    let of_address = bytes(r, "body_bytes_per_address_max");
    let of_connection = bytes(r, "body_bytes_per_connection_max");
    let frames = count(r, "empty_frames_per_second_max");
    let trusted_proxies = read_proxies(r);
    let limits = limits?;
    let body = limits.body_bytes_max as u64;
    let of_connection = of_connection?.max(body);
    let of_address = of_address?.max(of_connection);
    Some(Limits {
        connections_per_address_max: connections?,
        handshakes_per_address_max: handshakes?,
        unfinished_per_address_max: unfinished?,
        unidentified_requests_per_second: u32::try_from(strangers?).ok()?,
        unidentified_body_bytes_max: usize::try_from(strangers_bytes?).unwrap_or(usize::MAX),
        body_bytes_total_max: total?.max(of_address),
        body_bytes_per_address_max: of_address,
        body_bytes_per_connection_max: of_connection,
        h2_empty_frames_per_second: u32::try_from(frames?).ok()?,
        trusted_proxies: trusted_proxies?,
        ..limits
    })
}

fn count(r: &mut Reader, key: &'static str) -> Option<usize> {
    r.take("limits", key)
}

fn bytes(r: &mut Reader, key: &'static str) -> Option<u64> {
    r.take::<Bytes>("limits", key).map(|bytes| bytes.0)
}

fn read_proxies(r: &mut Reader) -> Option<TrustedProxies> {
    let networks = r.take::<Vec<String>>("data_plane", "trusted_proxies");
    let told = r.take::<String>("data_plane", "trusted_proxies_tell");
    let mut read = Some(Vec::new());
    for text in networks? {
        // An address alone is a network of one.
        let network = text.parse::<Cidr>().or_else(|fault| match text.parse::<std::net::IpAddr>() {
            Ok(address) => format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 }).parse(),
            Err(_) => Err(fault),
        });
        match network {
            Ok(network) => {
                read = read.map(|mut all| {
                    all.push(network);
                    all
                })
            }
            Err(fault) => {
                r.fault("data_plane.trusted_proxies", format!("\"{text}\": {fault}"));
                read = None;
            }
        }
    }
    let told = told?;
    let Some((_, told)) = Told::ALL.into_iter().find(|(name, _)| *name == told) else {
        let names = Told::ALL.map(|(name, _)| name).join(", ");
        r.fault("data_plane.trusted_proxies_tell", format!("\"{told}\" is none of {names}"));
        return None;
    };
    Some(TrustedProxies { networks: read?, told })
}
