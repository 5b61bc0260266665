//! Giving consents: what a person wants to allow becomes a token, by the same rules that the gate applies at use.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shuzha_core::Fault;
use shuzha_core::{Code, Id, PurposeClass, Timestamp};
use shuzha_privacy::blind::{self, Blinded, Element};
use shuzha_privacy::consent::{
    self, BLINDED_ELEMENT, Basis, Claims, Consent, Details, Event, Legal, Narrower, Receipt, STATUSES,
    Status, StatusEntry, Use,
};
use shuzha_privacy::subject::{CanonicalId, Pseudonym};
use shuzha_store::consents::{Holder, NewConsent, Taken};
use zeroize::Zeroizing;

use super::{ConsentService, claims_of};
use crate::error::Refusal;
use crate::{Caller, Error};

/// Random bytes of an identifier.
const JTI_BYTES: usize = 16;
/// A status list is full when half of its places are given out: a random place is then free every second time.
const LIST_FULL: u32 = STATUSES / 2;
/// Tries for a free place; that all fail happens once in 10^19 times at worst.
const PLACES_TRIED: usize = 64;

/// What a person wants to allow.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The application unit.
    pub unit: Id,
    /// The approved scenario; the purpose is that of its approval.
    pub scenario: Id,
    /// Products.
    pub products: Vec<String>,
    /// Leaves of the answers.
    pub fields: Vec<String>,
    /// Operations.
    pub actions: Vec<String>,
    /// How often.
    pub uses_max: Option<u32>,
    /// Until when.
    pub expires: Option<Timestamp>,
    /// The notice that the person was shown, `id@version`.
    pub notice: String,
    /// SHA-256 of its text, base64url.
    pub notice_hash: String,
    /// The kind of consent.
    pub basis: Basis,
    /// Whether sensitive personal information is concerned.
    pub sensitive: bool,
    /// For one blinded use of a list: what its element is made of.
    pub blinded: Option<BlindedEntry>,
}

/// What the element of a blinded consent is made of, beside the person's identifier. Compared and forgotten.
#[derive(Clone)]
pub struct BlindedEntry {
    /// The element that the unit will send.
    pub element: String,
    /// The parts of the entry after the identifier, such as the name.
    pub parts: Vec<String>,
    /// The secret that blinds it, base64url, as the unit keeps it (`person.state`).
    pub state: String,
}

impl std::fmt::Debug for BlindedEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BlindedEntry(withheld)")
    }
}

/// A consent just given. The token is shown this once.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its identifier.
    pub jti: String,
    /// The token, for the unit.
    pub token: String,
    /// The receipt, for the person.
    pub receipt: String,
}

impl ConsentService {
    /// Gives a consent of one's own. `id_number` is the person's identifier: it makes the pseudonym, and is not kept.
    ///
    /// # Errors
    /// C1501 where the account is bound to nobody, C1502 for another's identifier; C409 for a blanket or open-ended consent,
    /// C402 for a malformed one; C1002 for a scenario or product that is not in force; C1503 while the register does not name
    /// the platform's key.
    pub fn give(&self, caller: &Caller, wanted: &Wanted, id_number: &str) -> Result<Given, Error> {
        let holder = self.acting(caller)?;
        let person = self.themselves(&holder, id_number)?;
        // Blanket ones first: they have a code of their own, whatever is in force.
        if wanted.products.is_empty() || wanted.actions.is_empty() || wanted.fields.is_empty() {
            return Err(Code::C409.into());
        }
        let purpose = self.check_in_force(wanted)?;
        let now = self.control.now();
        let (sub_alg, sub_kid) = self.gate.pseudonym_key();
        let (subject, sub_alg) = match &wanted.blinded {
            None => (self.gate.pseudonym(&wanted.unit, &wanted.scenario, &person), sub_alg),
            Some(blinded) => {
                let element = own_element(&person, blinded)?;
                (Pseudonym::of_blinded(&wanted.unit, &wanted.scenario, &element), BLINDED_ELEMENT)
            }
        };
        let claims = Claims {
            iss: self.signer.issuer().to_owned(),
            jti: self.fresh_jti(),
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: wanted.expires.map(Timestamp::seconds),
            sub: subject.to_string(),
            sub_alg: sub_alg.to_owned(),
            sub_kid,
            aud: self.gate.audience().to_owned(),
            authorization_details: vec![Details {
                r#type: "data-product".to_owned(),
                au: wanted.unit.to_string(),
                scenario: wanted.scenario.to_string(),
                products: wanted.products.clone(),
                fields: wanted.fields.clone(),
                purpose: purpose.as_str().to_owned(),
                actions: wanted.actions.clone(),
            }],
            r#use: Some(Use { max: wanted.uses_max }),
            legal: Legal {
                basis: wanted.basis,
                sensitive: wanted.sensitive,
                notice: wanted.notice.clone(),
                notice_hash: wanted.notice_hash.clone(),
                authn: Some("account".to_owned()),
            },
            rcpt: None,
            parent: None,
            status: None,
        };
        self.issue(holder, claims)
    }

    /// Derives a narrower consent from one of one's own that the platform has issued.
    ///
    /// # Errors
    /// C1003 where it is not one's own; C411 where it would be wider; C408 where it was withdrawn, C404 where it is over;
    /// otherwise as [`ConsentService::give`].
    pub fn narrow(&self, caller: &Caller, jti: &str, narrower: &Narrower) -> Result<Given, Error> {
        let holder = self.acting(caller)?;
        let kept = self.store.get(&holder, jti)?.ok_or(Code::C1003)?;
        if kept.issuer != self.signer.issuer() {
            // Only its issuer can derive from a consent: the gate would not believe anyone else.
            return Err(Code::C403.into());
        }
        if kept.withdrawn.is_some() {
            return Err(Code::C408.into());
        }
        let parent = claims_of(&kept)?;
        let claims = consent::attenuate(&parent, narrower, &self.fresh_jti(), self.control.now())?;
        self.issue(holder, claims)
    }

    /// Takes a consent that an outside issuer has given over into one's own list, so that it can be seen and withdrawn here.
    ///
    /// # Errors
    /// As the gate refuses it (C402, C403, C404, C409); C1502 for another's; C1004 where it is known already.
    pub fn register(&self, caller: &Caller, token: &str, id_number: &str) -> Result<String, Error> {
        let holder = self.acting(caller)?;
        let person = self.themselves(&holder, id_number)?;
        let (audience, now) = (self.gate.audience(), self.control.now());
        let (consent, claims) =
            consent::verify_within(token, &self.gate.issuers(), audience, now, self.gate.ahead_max())?;
        let (unit, scenario) = (Id::new(&consent.unit), Id::new(&consent.scenario));
        let (Ok(unit), Ok(scenario)) = (unit, scenario) else { return Err(Code::C402.into()) };
        let (algorithm, key_id) = self.gate.pseudonym_key();
        let named = consent.check_subject_named_by(algorithm, &key_id).is_ok();
        if !named || consent.subject != self.gate.pseudonym(&unit, &scenario, &person) {
            return Err(Code::C1502.into());
        }
        let kept = kept(&consent, &claims, holder, now, None);
        match self.store.give(&kept)? {
            Ok(()) => Ok(consent.jti),
            Err(_) => Err(Code::C1004.into()),
        }
    }

    /// What is wanted must be in force: a consent to what does not exist would mean something else tomorrow. Answers the
    /// purpose of the scenario's approval.
    fn check_in_force(&self, wanted: &Wanted) -> Result<PurposeClass, Error> {
        let mut faults = Vec::new();
        let mut fault = |path: String, reason: &str| faults.push(Fault::new(path, reason));
        let purpose = self.gate.purpose(&wanted.unit, &wanted.scenario);
        if purpose.is_none() {
            fault("scenario".to_owned(), "is no scenario that is approved for the unit");
        }
        for (at, product) in wanted.products.iter().enumerate().take(consent::PRODUCTS_MAX) {
            // What is no name, a wildcard above all, is refused by the rules of consents with their code.
            let Ok(name) = Id::new(product) else { continue };
            if !wanted.actions.iter().any(|action| self.gate.asks_consent(&name, action)) {
                fault(
                    format!("products[{at}]"),
                    "is no product that asks for a consent to any of the actions",
                );
            }
        }
        match purpose {
            Some(purpose) if faults.is_empty() => Ok(purpose),
            _ => Err(Error::Refused(Refusal { code: Code::C1002, faults, retry_after: None })),
        }
    }

    /// Signs, keeps, records, and answers a consent.
    fn issue(&self, holder: Holder, mut claims: Claims) -> Result<Given, Error> {
        for _ in 0..PLACES_TRIED {
            let place = self.place()?;
            claims.status = place
                .map(|(list, idx)| Status { status_list: StatusEntry { idx, uri: self.list_address(list) } });
            let token = consent::issue(&claims, &self.signer)?;
            let (issuers, now) = (self.gate.issuers(), self.control.now());
            // The gate's own judgement, so that nothing is given that it would not take.
            let consent = consent::verify(&token, &issuers, self.gate.audience(), now).map_err(|code| {
                if code == Code::C403 { Error::from(Code::C1503) } else { Error::from(code) }
            })?;
            let receipt = consent::issue_receipt(&Receipt::of(&claims, Event::Given, now)?, &self.signer)?;
            let kept = NewConsent { status: place, ..kept(&consent, &claims, holder, now, Some(&receipt)) };
            match self.store.give(&kept)? {
                Ok(()) => {
                    self.gate.given(&consent.issuer, &consent.jti).map_err(|_| Error::Unrecorded)?;
                    return Ok(Given { jti: consent.jti, token, receipt });
                }
                Err(Taken::Status) => {}
                Err(Taken::Jti) => claims.jti = self.fresh_jti(),
            }
        }
        tracing::error!("no free place in a status list was found");
        Err(Error::from(Code::C093))
    }

    /// A place in the list that is being filled; none where lists are not served.
    fn place(&self) -> Result<Option<(u32, u32)>, Error> {
        if self.status_address.is_empty() {
            return Ok(None);
        }
        let mut list = self.store.last_list()?.unwrap_or(0);
        if self.store.places_given(list)? >= LIST_FULL {
            list += 1;
        }
        Ok(Some((list, u32::from_be_bytes(self.control.random()) % STATUSES)))
    }

    fn fresh_jti(&self) -> String {
        let mut bytes = self.control.random::<JTI_BYTES>();
        // Begins with a letter: what begins with `-` is an option to a command line.
        bytes[0] &= 0x1f;
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// The element of an entry of the person's own: made anew out of their identifier and the secret that is shown, so that
/// nobody's consent is signed for an element that is another's. What is shown is compared with it.
fn own_element(person: &CanonicalId, blinded: &BlindedEntry) -> Result<Element, Error> {
    let fault = |path: &str, what: &str| Error::fault(Code::C1002, path, what.to_owned());
    let parts: Vec<&str> =
        std::iter::once(person.expose()).chain(blinded.parts.iter().map(String::as_str)).collect();
    let entry = blind::entry(&parts).map_err(|_| fault("blinded.parts", "is no entry of a list"))?;
    let scalar = Zeroizing::new(URL_SAFE_NO_PAD.decode(&blinded.state).unwrap_or_default());
    let scalar =
        scalar.as_slice().try_into().ok().and_then(|scalar| Blinded::with_scalar(entry, scalar).ok());
    let made = scalar.ok_or_else(|| fault("blinded.state", "is not the secret of a blinded entry"))?;
    let shown: Option<Element> = blinded.element.parse().ok();
    if shown.as_ref() == Some(made.element()) {
        Ok(*made.element())
    } else {
        Err(fault("blinded.element", "is not made of one's own entry with this secret"))
    }
}

fn kept(
    consent: &Consent,
    claims: &Claims,
    holder: Holder,
    given: Timestamp,
    receipt: Option<&str>,
) -> NewConsent {
    NewConsent {
        jti: consent.jti.clone(),
        issuer: consent.issuer.clone(),
        holder,
        subject: *consent.subject.as_bytes(),
        unit: consent.unit.clone(),
        parent: consent.parent.as_ref().map(|parent| parent.jti.clone()),
        claims: serde_json::to_string(claims).expect("claims are JSON"),
        status: None,
        given,
        expires: consent.expires,
        receipt: receipt.map(str::to_owned),
    }
}
