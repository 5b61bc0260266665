//! Narrower consents (收窄): of what a person has agreed to, less.
//!
//! A narrower consent is a consent of its own, by the same issuer, that names its parent. Nothing in it may be more
//! than in the parent, and each of its uses is a use of the parent too: handing out ten narrower consents to one use
//! each does not make one use ten. One step only: a narrower consent is not narrowed again, so a gate counts on two
//! consents at most.

use shuzha_core::{Code, Timestamp};

use super::claims::{Claims, ParentRef, Use};
use super::rules;

/// What a narrower consent keeps. What is none stays as in the parent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrower {
    /// Some of the parent's products.
    pub products: Option<Vec<String>>,
    /// Some of the parent's leaves.
    pub fields: Option<Vec<String>>,
    /// Some of the parent's actions.
    pub actions: Option<Vec<String>>,
    /// At most the parent's uses.
    pub uses_max: Option<u32>,
    /// At most the parent's end.
    pub expires: Option<Timestamp>,
}

/// The claims of a consent `jti` that keeps of `parent` what `narrower` says, given at `now`.
///
/// # Errors
/// [`Code::C411`] where it would be wider in anything, or the parent is itself a narrower one; [`Code::C404`] where the
/// parent is over; otherwise as [`super::issue`].
pub fn attenuate(parent: &Claims, narrower: &Narrower, jti: &str, now: Timestamp) -> Result<Claims, Code> {
    rules::check(parent)?;
    let (uses, expires) = bounds(parent)?;
    if parent.parent.is_some() {
        return Err(Code::C411);
    }
    if now.seconds() >= expires {
        return Err(Code::C404);
    }
    let mut child = parent.clone();
    jti.clone_into(&mut child.jti);
    child.iat = now.seconds();
    child.nbf = parent.nbf.max(now.seconds());
    child.parent = Some(ParentRef { jti: parent.jti.clone(), max: uses });
    (child.status, child.rcpt) = (None, None);
    let details = child.authorization_details.first_mut().ok_or(Code::C409)?;
    keep(&mut details.products, narrower.products.as_deref())?;
    keep(&mut details.fields, narrower.fields.as_deref())?;
    keep(&mut details.actions, narrower.actions.as_deref())?;
    let uses_now = narrower.uses_max.unwrap_or(uses);
    let expires_now = narrower.expires.map_or(expires, Timestamp::seconds);
    if uses_now > uses || expires_now > expires {
        return Err(Code::C411);
    }
    child.r#use = Some(Use { max: Some(uses_now) });
    child.exp = Some(expires_now);
    rules::check(&child)?;
    Ok(child)
}

fn bounds(claims: &Claims) -> Result<(u32, i64), Code> {
    let uses = claims.r#use.as_ref().and_then(|uses| uses.max).ok_or(Code::C409)?;
    Ok((uses, claims.exp.ok_or(Code::C409)?))
}

/// Replaces a list by some of its members.
fn keep(list: &mut Vec<String>, kept: Option<&[String]>) -> Result<(), Code> {
    let Some(kept) = kept else { return Ok(()) };
    if !kept.iter().all(|one| list.contains(one)) {
        return Err(Code::C411);
    }
    *list = kept.to_vec();
    Ok(())
}
