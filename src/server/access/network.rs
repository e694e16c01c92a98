//! One address, or all that begin with the same bits.

use std::net::IpAddr;

/// `10.0.0.7`, `10.0.0.0/8`, `::1`, `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads an address with or without a length.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let base: IpAddr = address.parse().ok()?;
        let whole = width(base);
        let bits = match length {
            None => whole,
            Some(length) if length.bytes().all(|byte| byte.is_ascii_digit()) => length.parse().ok()?,
            Some(_) => return None,
        };
        (bits <= whole).then_some(Self { base: base.to_canonical(), bits }).filter(|_| base == base.to_canonical())
    }

    /// Whether it holds this address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let shift = width(self.base) - self.bits;
        let differs = number(self.base) ^ number(address);
        width(address) == width(self.base) && differs.checked_shr(shift).unwrap_or(0) == 0
    }
}

const fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_as_it_does_and_nothing_else() {
        let holds = |network: &str, address: &str| {
            let network = Network::parse(network).expect("a network");
            network.holds(address.parse().expect("an address"))
        };
        assert!(holds("127.0.0.1", "127.0.0.1") && holds("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(!holds("127.0.0.1", "127.0.0.2") && !holds("127.0.0.1", "::1"));
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("fd00::/8", "fdff::1") && !holds("fd00::/8", "fe00::1"));
        assert!(holds("0.0.0.0/0", "9.9.9.9") && holds("::/0", "::1") && !holds("::/0", "9.9.9.9"));
        for wrong in
            ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::1/129", "log.example", "::ffff:1.2.3.4"]
        {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }
}
