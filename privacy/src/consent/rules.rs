//! What a consent must be, whoever signed it: one function, for issue and for use.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shuzha_core::{Code, Id};

use super::claims::{Basis, Claims, Details, ParentRef, Status};
use super::{ACTIONS_MAX, FIELDS_MAX, LIFETIME_MAX, LIFETIME_SINGLE_MAX, PRODUCTS_MAX, STATUSES, USES_MAX};
use crate::output::POINTER_DEPTH_MAX;
use crate::subject::Pseudonym;

/// Shortest and longest `jti`: 22 characters of base64url hold 128 bits.
const JTI_CHARACTERS: std::ops::RangeInclusive<usize> = 22..=64;
/// Longest pointer of a leaf, in bytes.
const POINTER_BYTES_MAX: usize = 256;
/// Longest text of a claim that is only recorded, in bytes.
const TEXT_BYTES_MAX: usize = 128;
/// The pseudonym functions that consents may use. The last is no function of a person: it binds the consent to one
/// blinded element ([`Pseudonym::of_blinded`]).
const SUBJECT_ALGORITHMS: [&str; 3] = ["hmac-sha256", "hmac-sm3", super::BLINDED_ELEMENT];
/// Longest address of a status list, in bytes.
const URI_BYTES_MAX: usize = 256;

/// Checks claims apart from signature, issuer, audience and the present time. What makes a consent blanket or
/// open-ended is looked for first, so that it is named as such.
pub(super) fn check(claims: &Claims) -> Result<(), Code> {
    let [details] = &*claims.authorization_details else { return Err(Code::C409) };
    check_not_blanket(details)?;
    check_bounded(claims)?;
    check_form(claims, details)
}

/// One unit, one scenario, one purpose, listed products, leaves and actions (数据二十条; Qingtian 三(一)).
fn check_not_blanket(details: &Details) -> Result<(), Code> {
    let single = [&details.au, &details.scenario, &details.purpose];
    let lists =
        [(&details.products, PRODUCTS_MAX), (&details.fields, FIELDS_MAX), (&details.actions, ACTIONS_MAX)];
    let bounded = lists.iter().all(|(list, most)| (1..=*most).contains(&list.len()));
    let wild =
        single.into_iter().chain(&details.products).chain(&details.actions).any(|name| name.contains('*'));
    if !bounded || wild || details.fields.iter().any(|pointer| is_wild(pointer)) {
        return Err(Code::C409);
    }
    Ok(())
}

/// Whether a pointer stands for more than one leaf of a contract. A segment `*` with a named one behind it is one
/// leaf: that of every element of an array.
fn is_wild(pointer: &str) -> bool {
    let mut segments = pointer.split('/').skip(1).peekable();
    let mut wild = pointer.is_empty() || (!pointer.starts_with('/') && pointer.contains('*'));
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        wild |= segment.contains('*') && (segment != "*" || is_last);
        wild |= is_last && segment.is_empty();
    }
    wild
}

/// A lifetime and a number of uses, both within their bounds.
fn check_bounded(claims: &Claims) -> Result<(), Code> {
    let uses = claims.r#use.as_ref().and_then(|uses| uses.max).ok_or(Code::C409)?;
    let expires = claims.exp.ok_or(Code::C409)?;
    if claims.iat < 0 || claims.nbf < 0 || expires <= claims.nbf {
        return Err(Code::C402);
    }
    // From the earlier of the two: a consent post-dated by a year would be open-ended too.
    let lifetime = expires.saturating_sub(claims.iat.min(claims.nbf));
    let lifetime_max = if uses == 1 { LIFETIME_SINGLE_MAX } else { LIFETIME_MAX };
    if !(1..=USES_MAX).contains(&uses) || lifetime > lifetime_max {
        return Err(Code::C409);
    }
    // Sensitive personal information needs a consent of its own (个人信息保护法 29).
    if claims.legal.sensitive && claims.legal.basis == Basis::Consent {
        return Err(Code::C409);
    }
    Ok(())
}

fn check_form(claims: &Claims, details: &Details) -> Result<(), Code> {
    let name = |text: &String| Id::check(text).is_ok();
    let recorded =
        |text: &String| (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control);
    let optional = |text: &Option<String>| text.as_ref().is_none_or(recorded);
    let sound = is_jti(&claims.jti)
        && claims.sub.parse::<Pseudonym>().is_ok()
        && SUBJECT_ALGORITHMS.contains(&&*claims.sub_alg)
        && details.r#type == "data-product"
        && [&claims.iss, &claims.aud, &claims.sub_kid, &claims.legal.notice].into_iter().all(recorded)
        && is_digest(&claims.legal.notice_hash)
        && optional(&claims.legal.authn)
        && optional(&claims.rcpt)
        && claims.status.as_ref().is_none_or(is_status)
        && claims.parent.as_ref().is_none_or(|parent| is_parent(parent, claims))
        && [&details.au, &details.scenario, &details.purpose].into_iter().all(name)
        && details.products.iter().chain(&details.actions).all(name)
        && details.fields.iter().all(|pointer| is_pointer(pointer))
        && [&details.products, &details.fields, &details.actions].into_iter().all(|list| is_set(list));
    if sound { Ok(()) } else { Err(Code::C402) }
}

/// Whether the parent can be one: another consent, to at least as many uses.
fn is_parent(parent: &ParentRef, claims: &Claims) -> bool {
    let uses = claims.r#use.as_ref().and_then(|uses| uses.max).unwrap_or(u32::MAX);
    is_jti(&parent.jti) && parent.jti != claims.jti && (uses..=USES_MAX).contains(&parent.max)
}

fn is_status(status: &Status) -> bool {
    let uri = &status.status_list.uri;
    status.status_list.idx < STATUSES && uri.len() <= URI_BYTES_MAX && uri.starts_with("http")
}

/// Whether no member is listed twice.
fn is_set(list: &[String]) -> bool {
    let mut sorted: Vec<&String> = list.iter().collect();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}

/// Whether the text may identify a consent or withdrawal.
pub(super) fn is_jti(text: &str) -> bool {
    let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    JTI_CHARACTERS.contains(&text.len()) && text.bytes().all(base64url)
}

fn is_digest(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Whether the text is a JSON pointer (RFC 6901 §3) to a named place.
fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    let depth = text.split('/').count() - 1;
    text.starts_with('/')
        && escapes
        && text.len() <= POINTER_BYTES_MAX
        && depth <= POINTER_DEPTH_MAX
        && !text.contains(char::is_control)
}
