//! Every spelling of what is not reached, and what is.

use super::*;

fn egress(rules: &[&str]) -> Egress {
    Egress::new(rules.iter().map(|rule| rule.parse().expect("a rule")).collect())
}

fn permits(egress: &Egress, address: &str) -> bool {
    egress.permits(address.parse().expect("an address"))
}

/// Everything, as a node is installed.
const EVERYTHING: &[&str] = &["0.0.0.0/0", "::/0"];

#[test]
fn what_is_public_or_private_is_permitted_by_a_rule_for_everything() {
    let egress = egress(EVERYTHING);
    for address in ["10.1.2.3:80", "192.168.1.1:443", "203.0.113.9:7101", "[2001:db8::1]:80", "[fd12::1]:80"]
    {
        assert!(permits(&egress, address), "{address}");
    }
}

/// Every spelling of this machine, its links and metadata services.
#[test]
fn what_is_special_is_refused_unless_a_rule_within_lists_it() {
    let open = egress(EVERYTHING);
    for address in [
        "127.0.0.1:80",
        "127.9.9.9:80",
        "[::1]:80",
        "[::ffff:127.0.0.1]:80",
        "[::127.0.0.1]:80",
        "[64:ff9b::127.0.0.1]:80",
        "[2002:7f00:1::]:80",
        "169.254.169.254:80",
        "[::ffff:169.254.169.254]:80",
        "[64:ff9b::a9fe:a9fe]:80",
        "[2002:a9fe:a9fe::]:80",
        "100.100.100.200:80",
        "[fd00:ec2::254]:80",
        "[fe80::1]:80",
        "[64:ff9b:1::a9fe:a9fe]:80",
        "[2001:0:1::1]:80",
        "0.0.0.0:80",
        "[::]:80",
        "[::ffff:0.0.0.0]:80",
        "255.255.255.255:80",
        "224.0.0.1:80",
        "[ff02::1]:80",
    ] {
        assert!(!permits(&open, address), "{address}");
    }
    let listed = egress(&["0.0.0.0/0", "127.0.0.1:7101-7105", "[::1]:7101"]);
    assert!(permits(&listed, "127.0.0.1:7101") && permits(&listed, "[::1]:7101"));
    assert!(permits(&listed, "[::ffff:127.0.0.1]:7105"), "one machine, however it is spelt");
    for address in ["127.0.0.1:7100", "127.0.0.1:7106", "127.0.0.2:7101", "[::1]:7102", "169.254.169.254:80"]
    {
        assert!(!permits(&listed, address), "{address}");
    }
    for rule in ["0.0.0.0/0", "0.0.0.0/8", "224.0.0.1", "255.255.255.255", "::", "ff02::1"] {
        let egress = egress(&[rule]);
        for address in ["0.0.0.0:80", "224.0.0.1:80", "255.255.255.255:80", "[::]:80", "[ff02::1]:80"] {
            assert!(!permits(&egress, address), "{rule} {address}");
        }
    }
}

#[test]
fn nothing_is_permitted_without_a_rule_and_ports_are_kept() {
    assert!(!permits(&egress(&[]), "203.0.113.9:80"));
    let egress = egress(&["10.0.0.0/8:443", "[fd00::/8]:8000-8001"]);
    assert!(permits(&egress, "10.255.0.1:443") && permits(&egress, "[fd12::1]:8001"));
    for address in ["10.255.0.1:80", "11.0.0.1:443", "[fd12::1]:8002", "[fe12::1]:8000"] {
        assert!(!permits(&egress, address), "{address}");
    }
}

/// The operations listener shows records of all tenants: no rule makes it a product service.
#[test]
fn the_listeners_of_this_process_are_refused_on_every_local_address() {
    let egress = egress(&["0.0.0.0/0", "127.0.0.0/8", "::1"]);
    egress.listens_at("127.0.0.1:9090".parse().expect("an address"));
    egress.listens_at("0.0.0.0:9091".parse().expect("an address"));
    egress.listens_at("[::]:9092".parse().expect("an address"));
    for address in [
        "127.0.0.1:9090",
        "[::ffff:127.0.0.1]:9090",
        "127.0.0.1:9091",
        "127.0.0.9:9091",
        "127.0.0.1:9092",
        "[::1]:9092",
    ] {
        assert!(!permits(&egress, address), "{address}");
    }
    assert!(permits(&egress, "127.0.0.2:9090"), "nobody of this process listens there");
    assert!(permits(&egress, "127.0.0.1:9093"));
}

#[test]
fn rules_are_read_strictly() {
    for text in
        ["10.0.0.0/8", "127.0.0.1", "127.0.0.1:80", "10.0.0.0/8:1-65535", "::/0", "[::1]:80", "[fd00::/8]"]
    {
        let rule: EgressRule = text.parse().expect(text);
        assert_eq!(rule.to_string().parse(), Ok(rule), "{text}");
    }
    for text in [
        "",
        "localhost",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/8:0",
        "10.0.0.0/8:90-80",
        "10.0.0.0/8:+80",
        "10.0.0.0/+8",
        "[::1",
        "[::1]80",
        "::ffff:10.0.0.1",
        "*:80",
    ] {
        assert_eq!(text.parse::<EgressRule>(), Err(EgressRuleError), "{text}");
    }
}
