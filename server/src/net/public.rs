//! Which addresses are anybody's: what requests that this server makes for others may lead to.
//!
//! It resolves nothing and connects to nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are not: this host, private, shared by a carrier's customers, loopback, link-local, protocols',
/// documentation's, the old relays of 6to4, benchmarks', multicast, reserved and broadcast.
const NOT_PUBLIC_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// What is given out of IPv6 for everybody.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What of it is not public: protocols' (Teredo, benchmarks, identifiers), documentation's, 6to4, whose addresses hold
/// IPv4 ones and which nobody has used for long.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Where a network with NAT64 shows IPv4 addresses.
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Whether anybody on the internet could have that address. One that holds an IPv4 address (`::ffff:a.b.c.d`,
/// `64:ff9b::a.b.c.d`) is what that is.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(address) => is_public_v4(address),
            None => is_in(address, GLOBAL_V6) && !NOT_PUBLIC_V6.iter().any(|net| is_in(address, *net)),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !NOT_PUBLIC_V4.iter().any(|(network, bits)| {
        let differs = address.to_bits() ^ u32::from_be_bytes(*network);
        differs >> (32 - bits) == 0
    })
}

fn is_in(address: Ipv6Addr, (network, bits): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (128 - bits) == 0
}

/// The IPv4 address in an IPv6 one, where packets go to it.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    let last = Ipv4Addr::new(a, b, c, d);
    address.to_ipv4_mapped().or_else(|| is_in(address, NAT64).then_some(last))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use ipnet::{IpNet, Ipv6Net};
    use proptest::prelude::*;

    use super::is_public;

    const PRIVATE: [&str; 26] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "::1/128",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "fc00::/7",
        "fe80::/10",
        "ff00::/8",
    ];

    fn networks() -> impl Iterator<Item = IpNet> {
        PRIVATE.into_iter().map(|network| network.parse().unwrap())
    }

    #[test]
    fn both_ends_of_each_network_are_refused() {
        for network in networks() {
            assert!(!is_public(network.network()), "{network}");
            assert!(!is_public(network.broadcast()), "{network}");
        }
    }

    #[test]
    fn addresses() {
        for (address, public) in [
            ("1.1.1.1", true),
            ("8.8.8.8", true),
            ("9.255.255.255", true),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("126.255.255.255", true),
            ("128.0.0.0", true),
            ("169.253.255.255", true),
            ("169.255.0.0", true),
            ("172.15.255.255", true),
            ("172.32.0.0", true),
            ("192.167.255.255", true),
            ("192.169.0.0", true),
            ("198.17.255.255", true),
            ("198.20.0.0", true),
            ("223.255.255.255", true),
            ("169.254.169.254", false),
            ("255.255.255.255", false),
            ("2606:4700:4700::1111", true),
            ("2001:200::1", true),
            ("2a00::1", true),
            ("fd00:ec2::254", false),
            ("fec0::1", false),
            ("1000::1", false),
            ("4000::1", false),
            ("5f00::1", false),
            ("::127.0.0.1", false),
            ("::8.8.8.8", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b::8.8.8.8", true),
            ("2002:7f00:1::", false),
            ("2002:808:808::", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    fn inside(network: IpNet, bits: u128) -> IpAddr {
        match network {
            IpNet::V4(network) => {
                let host = u32::try_from(bits & u128::from(u32::MAX)).unwrap() & network.hostmask().to_bits();
                IpAddr::V4(Ipv4Addr::from_bits(network.network().to_bits() | host))
            }
            IpNet::V6(network) => {
                let host = bits & network.hostmask().to_bits();
                IpAddr::V6(Ipv6Addr::from_bits(network.network().to_bits() | host))
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_of_the_networks_passes_in_any_shape(bits: u128) {
            for network in networks() {
                let address = inside(network, bits);
                prop_assert!(!is_public(address), "{address}");
                if let IpAddr::V4(address) = address {
                    prop_assert!(!is_public(address.to_ipv6_mapped().into()), "{address}");
                    let nat64: Ipv6Net = "64:ff9b::/96".parse().unwrap();
                    let shown = Ipv6Addr::from_bits(nat64.network().to_bits() | u128::from(address.to_bits()));
                    prop_assert!(!is_public(shown.into()), "{shown}");
                }
            }
        }

        #[test]
        fn whatever_is_public_is_in_none_of_the_networks(bits: u128) {
            let v4 = Ipv4Addr::from_bits(u32::try_from(bits >> 96).unwrap());
            for address in [IpAddr::V4(v4), IpAddr::V6(Ipv6Addr::from_bits(bits))] {
                let listed = networks().any(|network| network.contains(&address));
                prop_assert!(!(listed && is_public(address)), "{address}");
            }
        }
    }
}
