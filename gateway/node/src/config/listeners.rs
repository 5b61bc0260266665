//! The three kinds of listeners beside each other: no two may want one port.

use std::net::SocketAddr;

use super::reader::Reader;

/// Most listeners for callers: an upgrade passes them all in one message.
const LISTENERS_MAX: usize = 16;

/// Notes every pair that cannot be listened on at once. Port 0 takes a free one each time.
pub(crate) fn judge(
    r: &mut Reader,
    data: &[SocketAddr],
    operations: Option<SocketAddr>,
    control: Option<SocketAddr>,
) {
    if data.len() > LISTENERS_MAX {
        r.fault("data_plane.listen", format!("at most {LISTENERS_MAX} addresses"));
        return;
    }
    let data = data.iter().map(|address| ("data_plane.listen", *address));
    let operations = operations.map(|address| ("operations.listen", address));
    let control = control.map(|address| ("control.listen", address));
    let all: Vec<_> = data.chain(operations).chain(control).collect();
    for (at, (key, address)) in all.iter().enumerate() {
        if let Some((other, taken)) = all[..at].iter().find(|(_, earlier)| collide(earlier, address)) {
            r.fault(key, format!("{address} is taken by {other} ({taken})"));
        }
    }
}

/// Whether both cannot be listened on at once.
fn collide(one: &SocketAddr, other: &SocketAddr) -> bool {
    let everywhere = |address: &SocketAddr| address.ip().is_unspecified();
    // An unspecified address of version 6 takes the port of version 4 as well.
    let wide = |wide: &SocketAddr, other: &SocketAddr| {
        everywhere(wide) && (wide.is_ipv6() || wide.is_ipv4() == other.is_ipv4())
    };
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || wide(one, other) || wide(other, one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_listeners_want_one_port() {
        for (one, other, together) in [
            ("127.0.0.1:80", "127.0.0.1:80", false),
            ("0.0.0.0:80", "127.0.0.1:80", false),
            ("[::]:80", "127.0.0.1:80", false),
            ("[::]:80", "[::1]:80", false),
            ("0.0.0.0:80", "[::1]:80", true),
            ("127.0.0.1:80", "127.0.0.2:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", true),
            ("127.0.0.1:0", "127.0.0.1:0", true),
        ] {
            let [one, other] = [one, other].map(|text| text.parse().expect("an address"));
            assert_eq!(
                (!collide(&one, &other), !collide(&other, &one)),
                (together, together),
                "{one} {other}"
            );
        }
    }
}
