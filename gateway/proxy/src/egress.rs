//! Where the gateway may connect to for product services: networks and ports from the configuration.
//!
//! Whoever declares a product service names any address. So an address is judged when it is known, after its name was
//! resolved and again at each connection, never by its text: a name is an address of its owner's choice, today this one
//! and tomorrow another.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::RwLock;

/// Addresses that only a rule within them opens: this machine, its links, and what clouds answer to any process on it.
const SPECIAL: &[(IpAddr, u8)] = &[
    (v4(127, 0, 0, 0), 8),
    (v4(169, 254, 0, 0), 16),
    (v4(100, 100, 100, 200), 32),
    (v4(168, 63, 129, 16), 32),
    (v4(192, 0, 0, 0), 24),
    (v6([0, 0, 0, 0, 0, 0, 0, 1]), 128),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0]), 10),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0]), 10),
    (v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254]), 128),
    // Translation whose other side is not told by the address, or only to its own relay.
    (v6([0x0064, 0xff9b, 1, 0, 0, 0, 0, 0]), 48),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 32),
];

/// Addresses that no rule opens: they name no single host.
const NEVER: &[(IpAddr, u8)] = &[
    (v4(0, 0, 0, 0), 8),
    (v4(224, 0, 0, 0), 4),
    (v4(240, 0, 0, 0), 4),
    (v6([0; 8]), 128),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0]), 8),
];

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h))
}

/// A network and the ports on it that may be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressRule {
    network: IpAddr,
    prefix: u8,
    ports: RangeInclusive<u16>,
}

/// The text is not a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected ADDRESS, ADDRESS/PREFIX or either with :PORT or :FIRST-LAST, such as 10.0.0.0/8:443 or [::1]:7101"
)]
pub struct EgressRuleError;

impl FromStr for EgressRule {
    type Err = EgressRuleError;

    fn from_str(text: &str) -> Result<Self, EgressRuleError> {
        let (network, ports) = match text.strip_prefix('[') {
            Some(rest) => match rest.split_once(']').ok_or(EgressRuleError)? {
                (network, "") => (network, None),
                (network, ports) => (network, Some(ports.strip_prefix(':').ok_or(EgressRuleError)?)),
            },
            None if text.matches(':').count() > 1 => (text, None),
            None => text.split_once(':').map_or((text, None), |(network, ports)| (network, Some(ports))),
        };
        let (address, prefix) = match network.split_once('/') {
            Some((address, prefix)) => (address, Some(number::<u8>(prefix)?)),
            None => (network, None),
        };
        let network: IpAddr = address.parse().map_err(|_| EgressRuleError)?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        let ports = match ports.map(|ports| ports.split_once('-').unwrap_or((ports, ports))) {
            Some((first, last)) => number(first)?..=number(last)?,
            None => 1..=u16::MAX,
        };
        // An address with bits beyond its prefix was meant as something else.
        let tidy = prefix <= bits && first_bits(network, prefix) == all_bits(network);
        let told = mapped(network).is_none() && !ports.is_empty() && *ports.start() > 0;
        if tidy && told { Ok(Self { network, prefix, ports }) } else { Err(EgressRuleError) }
    }
}

impl fmt::Display for EgressRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, prefix, ports } = self;
        match network {
            IpAddr::V4(network) => write!(f, "{network}/{prefix}")?,
            IpAddr::V6(network) => write!(f, "[{network}/{prefix}]")?,
        }
        write!(f, ":{}-{}", ports.start(), ports.end())
    }
}

/// A number as it is written, without sign.
fn number<N: FromStr>(text: &str) -> Result<N, EgressRuleError> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain).ok_or(EgressRuleError)
}

/// What may be connected to.
#[derive(Debug, Default)]
pub struct Egress {
    rules: Vec<EgressRule>,
    /// Where this process listens. Owner: this value, held only to read or push.
    own: RwLock<Vec<SocketAddr>>,
    /// Single addresses beside the rules, those of now and those before, see [`Egress::lists`]. Held only to read or replace.
    listed: RwLock<[BTreeSet<SocketAddr>; 2]>,
}

impl Egress {
    /// Allows what `rules` list.
    #[must_use]
    pub fn new(rules: Vec<EgressRule>) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Allows these addresses beside the rules: what somebody declares who could as well change the rules. Those of the list
    /// before stay allowed until the next one, for calls that were admitted under it.
    pub fn lists(&self, addresses: impl IntoIterator<Item = SocketAddr>) {
        let mut listed = self.listed.write().expect("nothing panics while it holds this lock");
        let before = std::mem::replace(&mut listed[0], addresses.into_iter().collect());
        listed[1] = before;
    }

    /// Notes that this process listens here: no product service is there, whatever the rules say.
    pub fn listens_at(&self, address: SocketAddr) {
        self.own.write().expect("nothing panics while it holds this lock").push(address);
    }

    /// Whether a product service may be connected to at `address`.
    #[must_use]
    pub fn permits(&self, address: SocketAddr) -> bool {
        let reached = reached(address.ip());
        reached.iter().flatten().all(|&ip| self.permits_one(ip, address.port()))
    }

    fn permits_one(&self, ip: IpAddr, port: u16) -> bool {
        if NEVER.iter().any(|&(network, prefix)| within(ip, network, prefix)) || self.is_own(ip, port) {
            return false;
        }
        let listed = self.listed.read().expect("nothing panics while it holds this lock");
        if listed.iter().any(|list| list.contains(&SocketAddr::new(ip, port))) {
            return true;
        }
        drop(listed);
        let special = SPECIAL.iter().find(|&&(network, prefix)| within(ip, network, prefix));
        self.rules.iter().any(|rule| {
            let opens = rule.ports.contains(&port) && within(ip, rule.network, rule.prefix);
            // A rule for everything does not mean this machine.
            opens
                && special.is_none_or(|&(network, prefix)| {
                    rule.prefix >= prefix && within(rule.network, network, prefix)
                })
        })
    }

    fn is_own(&self, ip: IpAddr, port: u16) -> bool {
        let own = self.own.read().expect("nothing panics while it holds this lock");
        own.iter().filter(|listener| listener.port() == port).any(|listener| {
            let at = mapped(listener.ip()).unwrap_or(listener.ip());
            at == ip || (at.is_unspecified() && is_local(ip))
        })
    }
}

/// The addresses that a connection to `ip` reaches: itself, and the one inside where it is translated.
fn reached(ip: IpAddr) -> [Option<IpAddr>; 2] {
    if let Some(v4) = mapped(ip) {
        return [Some(v4), None];
    }
    let IpAddr::V6(v6) = ip else { return [Some(ip), None] };
    let octets = v6.octets();
    let inside = |at: usize| Some(v4(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]));
    let translated = match v6.segments() {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056).
        [0x0064, 0xff9b, 0, 0, 0, 0, ..] => inside(12),
        [0x2002, ..] => inside(2),
        _ => None,
    };
    [Some(ip), translated]
}

/// The IPv4 address that an IPv4-mapped or IPv4-compatible one stands for (RFC 4291 §2.5.5).
fn mapped(ip: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(v6) = ip else { return None };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] => v6.to_ipv4_mapped().map(IpAddr::V4),
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0, ..] => v6.to_ipv4().map(IpAddr::V4),
        _ => None,
    }
}

/// Whether `ip` is an address of this machine: only those can be bound.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

fn within(ip: IpAddr, network: IpAddr, prefix: u8) -> bool {
    ip.is_ipv4() == network.is_ipv4() && first_bits(ip, prefix) == first_bits(network, prefix)
}

fn all_bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn first_bits(ip: IpAddr, prefix: u8) -> u128 {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    all_bits(ip) & mask
}

#[cfg(test)]
mod tests;
