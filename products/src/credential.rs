//! Keys: credentials of application units, and the issuers of consent tokens.
//!
//! HMAC secrets are never written in a world file; the server keeps them sealed. Only public keys stand here.

use std::net::IpAddr;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shuzha_core::{Id, Timestamp};

use crate::parties::ApplicationUnit;
use crate::world::{Mark, Marked, Object, Scope, Table};
use crate::yaml::{Place, Section};
use crate::{Window, World};

/// Bytes of an Ed25519 public key (RFC 8032 §5.1.5).
pub const ED25519_KEY_BYTES: usize = 32;
/// Bytes of a public point on a curve of 256 bits, uncompressed and compressed (SEC 1 §2.3.3).
const POINT_BYTES: &[usize] = &[65, 33];
/// When version 1 of the simple signature ends whatever a credential says: 2027-07-01 in Asia/Shanghai (ADR 0019).
pub const SIMPLE_V1_ENDS: Timestamp = Timestamp::from_seconds(1_814_371_200);
/// Most networks on one allow-list.
const ALLOW_MAX: usize = 64;

/// How a credential signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// HMAC with SHA-256 (RFC 2104).
    HmacSha256,
    /// HMAC with SM3 (GB/T 32905-2016).
    HmacSm3,
    /// Ed25519 (RFC 8032).
    Ed25519,
}

const ALGORITHMS: &[(&str, SignatureAlgorithm)] = &[
    ("hmac-sha256", SignatureAlgorithm::HmacSha256),
    ("hmac-sm3", SignatureAlgorithm::HmacSm3),
    ("ed25519", SignatureAlgorithm::Ed25519),
];

impl SignatureAlgorithm {
    /// Its word in a spec.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSm3 => "hmac-sm3",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// Where a public key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// The key itself.
    Inline(Vec<u8>),
    /// Path of a file that holds it; whoever loads the world reads it.
    File(String),
}

impl PublicKey {
    /// Reads `publicKey` (base64 of so many bytes) or `publicKeyFile`: exactly one of them.
    fn read(section: &Section<'_>, lengths: &[usize]) -> Option<Self> {
        let (inline, file) = (section.optional("publicKey"), section.optional("publicKeyFile"));
        match (inline, file) {
            (Some(inline), None) => {
                let bytes = STANDARD.decode(inline.text()?).ok();
                match bytes.filter(|bytes| lengths.contains(&bytes.len())) {
                    Some(key) => Some(Self::Inline(key)),
                    None => inline.fail(format!("expected base64 of {} bytes", in_words(lengths))),
                }
            }
            (None, Some(file)) => file.file().map(|path| Self::File(path.to_owned())),
            _ => section.place().fail("exactly one of publicKey and publicKeyFile is needed"),
        }
    }
}

fn in_words(lengths: &[usize]) -> String {
    lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// A network from which a credential may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

/// Why a network was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// Not `address/prefix`.
    #[error("expected a network such as 10.1.0.0/16")]
    Malformed,
    /// Bits are set to the right of the prefix: the writer meant another network, or one address.
    #[error("bits are set to the right of the prefix")]
    HostBits,
}

impl Cidr {
    /// Whether `address` lies inside. An IPv4 address in IPv6 form (RFC 4291 §2.5.5.2) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                self.high_bits(address.to_canonical()) == self.high_bits(self.network)
            }
            _ => false,
        }
    }

    /// The bits of `address` that the prefix covers; `address` is of the network's family.
    fn high_bits(&self, address: IpAddr) -> u128 {
        let (bits, width) = match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        };
        bits.checked_shr(width - u32::from(self.prefix)).unwrap_or(0)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, prefix) = text.split_once('/').ok_or(CidrError::Malformed)?;
        let network: IpAddr = address.parse().map_err(|_| CidrError::Malformed)?;
        let (width, bits) = match network {
            IpAddr::V4(v4) => (32_u8, u128::from(v4.to_bits()) << 96),
            IpAddr::V6(v6) => (128, v6.to_bits()),
        };
        let plain = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
        let prefix: u8 = prefix.parse().ok().filter(|p| plain && *p <= width).ok_or(CidrError::Malformed)?;
        if bits.checked_shl(u32::from(prefix)).unwrap_or(0) != 0 {
            return Err(CidrError::HostBits);
        }
        Ok(Self { network, prefix })
    }
}

/// A credential of an application unit (REQUIREMENTS A2, A4). Its name is the key id that callers send.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Whose it is.
    pub unit: Id,
    /// How it signs.
    pub algorithm: SignatureAlgorithm,
    /// The public key; there is one exactly when the algorithm is asymmetric.
    pub public_key: Option<PublicKey>,
    /// When it may be used.
    pub window: Window,
    /// From where it may be used; empty means from anywhere.
    pub allow: Vec<Cidr>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Whether it is a test credential of the sandbox (数据创新应用实验室; REQUIREMENTS K1): what it signs is answered
    /// from synthetic data only, free, and counts nowhere.
    pub sandbox: bool,
    /// Until when it may sign by version 1 of the simple profile, which does not cover scenario, consent, idempotency key
    /// and host; `None` where it may not.
    pub simple_v1_until: Option<Timestamp>,
}

impl Credential {
    /// `simpleV1Until`: for shared secrets, and not beyond the day on which version 1 ends for everybody. A day of the
    /// calendar and not a span from today, so that what is read again at a start is judged as it was when it was declared.
    fn first_version(spec: &Section<'_>, algorithm: Option<SignatureAlgorithm>) -> Option<Option<Timestamp>> {
        let Some(place) = spec.optional("simpleV1Until") else { return Some(None) };
        if algorithm == Some(SignatureAlgorithm::Ed25519) {
            return place.fail("the simple profile is for shared secrets");
        }
        let until = place.instant()?;
        if until > SIMPLE_V1_ENDS {
            return place.fail("version 1 of the simple signature ends on 2027-07-01");
        }
        Some(Some(until))
    }
}

impl Object for Credential {
    const KIND: &'static str = "Credential";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let keys = &["unit", "algorithm", "publicKey", "publicKeyFile"];
        let spec = spec.section(&[keys, &["window", "allow", "revoked", "sandbox", "simpleV1Until"]])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        let algorithm = spec.required("algorithm").and_then(|place| place.word(ALGORITHMS));
        let public_key = match algorithm {
            Some(SignatureAlgorithm::Ed25519) => PublicKey::read(&spec, &[ED25519_KEY_BYTES]),
            _ => {
                let why = "only an ed25519 credential has a public key; HMAC secrets are never in a file";
                spec.forbid("publicKey", why);
                spec.forbid("publicKeyFile", why);
                None
            }
        };
        let window = spec.required("window").and_then(|place| place.window());
        let allow = spec.optional("allow").and_then(|place| place.some_items(ALLOW_MAX)).unwrap_or_default();
        let allow = allow.iter().filter_map(Place::parsed).collect();
        let revoked = spec.optional("revoked").and_then(|place| place.boolean()).unwrap_or(false);
        let sandbox = spec.optional("sandbox").map_or(Some(false), |place| place.boolean());
        let simple_v1_until = Self::first_version(&spec, algorithm);
        let (unit, sandbox, simple_v1_until) = (unit?.0.clone(), sandbox?, simple_v1_until?);
        let (algorithm, window) = (algorithm?, window?);
        Some(Self { unit, algorithm, public_key, window, allow, revoked, sandbox, simple_v1_until })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.credentials
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.credentials
    }
}

/// How a consent token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenAlgorithm {
    /// EdDSA with Ed25519 (RFC 8037 §3.1).
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// SM2 with SM3 (GB/T 32918).
    Sm2Sm3,
}

const TOKEN_ALGORITHMS: &[(&str, TokenAlgorithm)] = &[
    ("EdDSA", TokenAlgorithm::EdDsa),
    ("ES256", TokenAlgorithm::Es256),
    ("SM2-SM3", TokenAlgorithm::Sm2Sm3),
];

/// A key whose consent tokens are trusted (REQUIREMENTS D6). Its object's name is the issuer's name.
#[derive(Clone, Debug)]
pub struct ConsentIssuer {
    /// Key id in the token's header; it pins the algorithm.
    pub kid: Id,
    /// How its tokens are signed.
    pub algorithm: TokenAlgorithm,
    /// The key.
    pub public_key: PublicKey,
}

impl Object for ConsentIssuer {
    const KIND: &'static str = "ConsentIssuer";

    fn read(_: &Id, spec: &Place<'_>, _: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["kid", "algorithm", "publicKey", "publicKeyFile"]])?;
        let kid = spec.required("kid").and_then(|place| place.id());
        let algorithm = spec.required("algorithm").and_then(|place| place.word(TOKEN_ALGORITHMS));
        let lengths = match algorithm {
            Some(TokenAlgorithm::Es256 | TokenAlgorithm::Sm2Sm3) => POINT_BYTES,
            Some(TokenAlgorithm::EdDsa) | None => &[ED25519_KEY_BYTES],
        };
        let public_key = PublicKey::read(&spec, lengths);
        Some(Self { kid: kid?, algorithm: algorithm?, public_key: public_key? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.consent_issuers
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.consent_issuers
    }
}

impl Marked for ConsentIssuer {
    fn marks<'w>(&'w self, _: &'w Id, take: &mut dyn FnMut(Mark<'w>)) {
        take(Mark::unique("kid", [self.kid.as_str(), "", "", ""], "spec.kid"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses_only() {
        for (network, address, inside) in [
            ("10.1.0.0/16", "10.1.255.255", true),
            ("10.1.0.0/16", "10.2.0.0", false),
            ("10.1.0.0/16", "::ffff:10.1.0.7", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("127.0.0.1/32", "127.0.0.1", true),
            ("127.0.0.1/32", "127.0.0.2", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "::1", true),
        ] {
            let cidr: Cidr = network.parse().expect(network);
            assert_eq!(cidr.contains(address.parse().expect(address)), inside, "{network} {address}");
        }
    }

    #[test]
    fn sloppy_networks_are_refused() {
        for text in
            ["10.1.0.0", "10.1.0.0/33", "10.1.0.0/+8", "10.1.0.0/", "10.1/16", "::/129", "/8", "010.0.0.0/8"]
        {
            assert_eq!(text.parse::<Cidr>(), Err(CidrError::Malformed), "{text}");
        }
        assert_eq!("10.1.0.1/16".parse::<Cidr>(), Err(CidrError::HostBits));
        assert_eq!("2001:db8::1/64".parse::<Cidr>(), Err(CidrError::HostBits));
    }
}
