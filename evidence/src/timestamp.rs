//! Time-stamps (RFC 3161): asking an authority that something was there, and checking its word offline.
//!
//! A token is checked as a regulator would: its imprint is of what was stamped; its signature is by a certificate for time-stamping
//! (RFC 3161 §2.3) that the signed attributes name (RFC 5035); and that certificate leads to an authority that is trusted, at the
//! time that the token states. Revocation is not looked up: that needs a network.

use std::time::Duration;

use cms::cert::CertificateChoices;
use cms::cert::x509::Certificate;
use cms::cert::x509::ext::pkix::ExtendedKeyUsage;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedAttributes, SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{Any, Int, ObjectIdentifier, OctetString, SequenceOf};
use der::{Decode, Encode, Sequence};
use ring::digest;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use shuzha_core::Timestamp;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring as algorithms};
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion, TstInfo};

use crate::Malformed;
use crate::merkle::Hash;

/// Longest answer of an authority that is read, in bytes.
pub const RESPONSE_BYTES_MAX: usize = 64 << 10;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");

/// The bytes of [`TIME_STAMPING`] without tag and length.
const TIME_STAMPING_VALUE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

/// Why a token shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTimestamp {
    /// It is not a token, or uses what RFC 3161 has and this software does not read.
    #[error("not a time-stamp")]
    Malformed,
    /// The authority refused.
    #[error("the authority did not grant it")]
    Refused,
    /// It is over something else.
    #[error("it is over something else")]
    Imprint,
    /// It answers another request.
    #[error("it answers another request")]
    Nonce,
    /// Nobody signed it, or its signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// Its certificate is not for time-stamping, or not the one that signed.
    #[error("its certificate is not one for time-stamping")]
    Purpose,
    /// Its certificate leads to no authority that is trusted, or not at its time.
    #[error("no trusted authority stands behind it")]
    Untrusted,
}

impl BadTimestamp {
    /// Whether the token is shown to be bad, rather than to be by an authority that is not known here.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        !matches!(self, Self::Untrusted)
    }
}

impl From<der::Error> for BadTimestamp {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// When, to the second.
    pub at: Timestamp,
    /// Under which policy of the authority, as an object identifier.
    pub policy: String,
    /// Subject of the certificate that signed (RFC 4514).
    pub authority: String,
}

/// Authorities that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads certificates in PEM: of authorities that certify time-stamping, or of one that stamps.
    ///
    /// # Errors
    /// [`Malformed`] where there is none, or one is no certificate.
    pub fn parse(pem: &[u8]) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("a certificate");
        let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|_| WRONG)?;
        if found.is_empty() || found.iter().any(|one| Certificate::from_der(one).is_err()) {
            return Err(WRONG);
        }
        Ok(Self(found))
    }

    /// Whether none is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A number for a request, never negative in DER, from random bytes.
fn nonce(random: [u8; 8]) -> Result<Int, BadTimestamp> {
    let mut bytes = random;
    bytes[0] = bytes[0] & 0x3f | 0x40;
    Ok(Int::new(&bytes)?)
}

fn imprint(digest: &Hash) -> Result<MessageImprint, BadTimestamp> {
    let hash_algorithm =
        cms::cert::x509::spki::AlgorithmIdentifier { oid: SHA_256, parameters: Some(Any::null()) };
    Ok(MessageImprint { hash_algorithm, hashed_message: OctetString::new(digest.as_slice())? })
}

/// The request for a token over a SHA-256 digest, with a nonce from `random`.
///
/// # Errors
/// [`BadTimestamp::Malformed`] where it cannot be written, which no digest brings about.
pub fn request(digest: &Hash, random: [u8; 8]) -> Result<Vec<u8>, BadTimestamp> {
    let request = TimeStampReq {
        version: TspVersion::V1,
        message_imprint: imprint(digest)?,
        req_policy: None,
        nonce: Some(nonce(random)?),
        cert_req: true,
        extensions: None,
    };
    Ok(request.to_der()?)
}

/// The token in an authority's answer to [`request`], if it is one over that digest with that nonce. Who signed it is
/// [`check`]'s to say.
///
/// # Errors
/// [`BadTimestamp`].
pub fn token(response: &[u8], digest: &Hash, random: [u8; 8]) -> Result<Vec<u8>, BadTimestamp> {
    if response.len() > RESPONSE_BYTES_MAX {
        return Err(BadTimestamp::Malformed);
    }
    let response = TimeStampResp::from_der(response)?;
    let token = response.time_stamp_token.ok_or(BadTimestamp::Refused)?.to_der()?;
    let (_, info, _) = open(&token)?;
    over(&info, digest)?;
    if info.nonce == Some(nonce(random)?) { Ok(token) } else { Err(BadTimestamp::Nonce) }
}

/// Checks a token over a SHA-256 digest by `trusted` authorities.
///
/// # Errors
/// [`BadTimestamp`].
pub fn check(token: &[u8], digest: &Hash, trusted: &Authorities) -> Result<Stamped, BadTimestamp> {
    let (signed, info, content) = open(token)?;
    over(&info, digest)?;
    let [signer] = signed.signer_infos.0.as_slice() else { return Err(BadTimestamp::Signature) };
    let held = certificates(&signed, trusted)?;
    let certificate = held.iter().find(|one| is_signer(&signer.sid, one)).ok_or(BadTimestamp::Untrusted)?;
    let der = CertificateDer::from(certificate.to_der()?);
    let attributes = signer.signed_attrs.as_ref().ok_or(BadTimestamp::Signature)?;
    check_attributes(attributes, signer, &content, &der)?;
    check_signature(attributes, signer, &der)?;
    check_purpose(certificate)?;
    let seconds = info.gen_time.to_unix_duration();
    check_chain(&der, &held, trusted, seconds)?;
    let at = i64::try_from(seconds.as_secs()).map_err(|_| BadTimestamp::Malformed)?;
    Ok(Stamped {
        at: Timestamp::from_seconds(at),
        policy: info.policy.to_string(),
        authority: certificate.tbs_certificate.subject.to_string(),
    })
}

/// The signed data, what it says, and the bytes of that.
fn open(token: &[u8]) -> Result<(SignedData, TstInfo, Vec<u8>), BadTimestamp> {
    let outer = ContentInfo::from_der(token)?;
    if outer.content_type != SIGNED_DATA {
        return Err(BadTimestamp::Malformed);
    }
    let signed: SignedData = outer.content.decode_as()?;
    if signed.encap_content_info.econtent_type != TST_INFO {
        return Err(BadTimestamp::Malformed);
    }
    let content = signed.encap_content_info.econtent.as_ref().ok_or(BadTimestamp::Malformed)?;
    let content: OctetString = content.decode_as()?;
    let info = TstInfo::from_der(content.as_bytes())?;
    Ok((signed, info, content.into_bytes()))
}

fn over(info: &TstInfo, digest: &Hash) -> Result<(), BadTimestamp> {
    let imprint = &info.message_imprint;
    let same = imprint.hash_algorithm.oid == SHA_256 && imprint.hashed_message.as_bytes() == digest;
    if same { Ok(()) } else { Err(BadTimestamp::Imprint) }
}

/// Those that the token brings along, and those that are trusted.
fn certificates(signed: &SignedData, trusted: &Authorities) -> Result<Vec<Certificate>, BadTimestamp> {
    let brought = signed.certificates.iter().flat_map(|set| set.0.iter());
    let mut held: Vec<Certificate> = brought
        .filter_map(|one| match one {
            CertificateChoices::Certificate(certificate) => Some(certificate.clone()),
            CertificateChoices::Other(_) => None,
        })
        .collect();
    for one in &trusted.0 {
        held.push(Certificate::from_der(one)?);
    }
    Ok(held)
}

fn is_signer(sid: &SignerIdentifier, certificate: &Certificate) -> bool {
    match sid {
        SignerIdentifier::IssuerAndSerialNumber(named) => {
            let of = &certificate.tbs_certificate;
            named.issuer == of.issuer && named.serial_number == of.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(_) => false,
    }
}

fn algorithm(oid: &ObjectIdentifier) -> Result<&'static digest::Algorithm, BadTimestamp> {
    match *oid {
        SHA_256 => Ok(&digest::SHA256),
        SHA_384 => Ok(&digest::SHA384),
        SHA_512 => Ok(&digest::SHA512),
        _ => Err(BadTimestamp::Signature),
    }
}

/// A certificate by its digest (RFC 5035 §4).
#[derive(Sequence)]
struct EssCertIdV2 {
    #[asn1(optional = "true")]
    hash_algorithm: Option<cms::cert::x509::spki::AlgorithmIdentifierOwned>,
    cert_hash: OctetString,
    #[asn1(optional = "true")]
    issuer_serial: Option<Any>,
}

#[derive(Sequence)]
struct SigningCertificateV2 {
    certs: SequenceOf<EssCertIdV2, 8>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

/// The one value of an attribute.
fn attribute<'a>(attributes: &'a SignedAttributes, of: &ObjectIdentifier) -> Result<&'a Any, BadTimestamp> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == *of);
    match (found.next().map(|attribute| attribute.values.as_slice()), found.next()) {
        (Some([value]), None) => Ok(value),
        _ => Err(BadTimestamp::Signature),
    }
}

/// What is signed: that it is a time-stamp, its digest, and by which certificate.
fn check_attributes(
    attributes: &SignedAttributes,
    signer: &SignerInfo,
    content: &[u8],
    certificate: &[u8],
) -> Result<(), BadTimestamp> {
    let digest = digest::digest(algorithm(&signer.digest_alg.oid)?, content);
    let stated: OctetString = attribute(attributes, &MESSAGE_DIGEST)?.decode_as()?;
    let kind: ObjectIdentifier = attribute(attributes, &CONTENT_TYPE)?.decode_as()?;
    if stated.as_bytes() != digest.as_ref() || kind != TST_INFO {
        return Err(BadTimestamp::Signature);
    }
    let named: SigningCertificateV2 = attribute(attributes, &SIGNING_CERTIFICATE_V2)?.decode_as()?;
    let named = named.certs.get(0).ok_or(BadTimestamp::Signature)?;
    let hashed_by = named.hash_algorithm.as_ref().map_or(SHA_256, |algorithm| algorithm.oid);
    let hash = digest::digest(algorithm(&hashed_by)?, certificate);
    if named.cert_hash.as_bytes() == hash.as_ref() { Ok(()) } else { Err(BadTimestamp::Purpose) }
}

/// The signature over the attributes, which are signed as a SET (RFC 5652 §5.4).
fn check_signature(
    attributes: &SignedAttributes,
    signer: &SignerInfo,
    certificate: &CertificateDer<'_>,
) -> Result<(), BadTimestamp> {
    let by: &[&dyn SignatureVerificationAlgorithm] = match signer.digest_alg.oid {
        SHA_256 => &[
            algorithms::RSA_PKCS1_2048_8192_SHA256,
            algorithms::ECDSA_P256_SHA256,
            algorithms::ECDSA_P384_SHA256,
        ],
        SHA_384 => &[
            algorithms::RSA_PKCS1_2048_8192_SHA384,
            algorithms::ECDSA_P256_SHA384,
            algorithms::ECDSA_P384_SHA384,
        ],
        _ => &[algorithms::RSA_PKCS1_2048_8192_SHA512],
    };
    let signed = attributes.to_der()?;
    let key = EndEntityCert::try_from(certificate).map_err(|_| BadTimestamp::Purpose)?;
    let verifies = |by: &&dyn SignatureVerificationAlgorithm| {
        key.verify_signature(*by, &signed, signer.signature.as_bytes()).is_ok()
    };
    if by.iter().any(verifies) { Ok(()) } else { Err(BadTimestamp::Signature) }
}

/// For time-stamping, and for nothing else.
fn check_purpose(certificate: &Certificate) -> Result<(), BadTimestamp> {
    match certificate.tbs_certificate.get::<ExtendedKeyUsage>()? {
        Some((true, usage)) if usage.0 == [TIME_STAMPING] => Ok(()),
        _ => Err(BadTimestamp::Purpose),
    }
}

fn check_chain(
    certificate: &CertificateDer<'_>,
    held: &[Certificate],
    trusted: &Authorities,
    at: Duration,
) -> Result<(), BadTimestamp> {
    let others = held.iter().map(|one| one.to_der().map(CertificateDer::from));
    let others = others.collect::<Result<Vec<_>, _>>()?;
    let anchors: Vec<TrustAnchor<'_>> =
        trusted.0.iter().filter_map(|one| anchor_from_trusted_cert(one).ok()).collect();
    let stamping = EndEntityCert::try_from(certificate).map_err(|_| BadTimestamp::Purpose)?;
    let usage = KeyUsage::required_if_present(TIME_STAMPING_VALUE);
    let at = UnixTime::since_unix_epoch(at);
    let all = webpki::ALL_VERIFICATION_ALGS;
    match stamping.verify_for_usage(all, &anchors, &others, at, usage, None, None) {
        Ok(_) => Ok(()),
        Err(_) => Err(BadTimestamp::Untrusted),
    }
}

#[cfg(test)]
mod tests;
