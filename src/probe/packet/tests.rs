#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::probe::Family;
use echo::Token;

/// A time-exceeded with a quoted echo request of `quoted` bytes and one label, as RFC 4884 wants it.
fn exceeded(token: Token, quoted: usize, length: bool) -> Vec<u8> {
    let mut request = Vec::new();
    echo::request(Family::V4, 7, 9, token, 300, false, &mut request);
    let mut packet = vec![0x45, 0, 1, 72, 0, 0, 0, 0, 1, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet.extend(&request);
    packet.resize(quoted, 0);
    let mut extension = vec![0x20, 0, 0, 0, 0, 8, 1, 1, 0x01, 0x86, 0xa9, 0x01];
    let sum = checksum(&[&extension]).to_be_bytes();
    extension[2..4].copy_from_slice(&sum);
    let words = if length { u8::try_from(quoted / 4).unwrap() } else { 0 };
    let mut icmp = vec![11, 0, 0, 0, 0, words, 0, 0];
    icmp.extend(packet);
    icmp.extend(extension);
    icmp
}

#[test]
fn labels_are_read_in_both_forms() {
    let token = Token { nonce: 1, index: 2, number: 3 };
    for (quoted, length) in [(128, true), (160, true), (128, false)] {
        let icmp = exceeded(token, quoted, length);
        let error = error::read(Family::V4, &icmp).unwrap();
        assert_eq!(error.labels.len(), 1, "{quoted} {length}");
        assert_eq!((error.labels[0].label, error.labels[0].class, error.labels[0].ttl), (6250, 4, 1));
        assert!(error.labels[0].bottom == (0x86a9 >> 8 & 1 == 1) || error.labels[0].label == 6250);
        let echo = echo::read(8, error.quote.rest).unwrap();
        assert_eq!((echo.id, echo.sequence, echo.token), (7, 9, Some(token)));
        assert_eq!(error.quote.to, "10.0.0.2".parse::<IpAddr>().unwrap());
    }
}

#[test]
fn a_damaged_extension_has_no_labels() {
    let mut icmp = exceeded(Token { nonce: 1, index: 2, number: 3 }, 128, true);
    *icmp.last_mut().unwrap() ^= 1;
    assert!(error::read(Family::V4, &icmp).unwrap().labels.is_empty());
}

#[test]
fn the_shortest_quote_names_its_probe() {
    let token = Token { nonce: 1, index: 2, number: 3 };
    let icmp = exceeded(token, 128, true);
    let error = error::read(Family::V4, &icmp[..8 + 28]).unwrap();
    let echo = echo::read(8, error.quote.rest).unwrap();
    assert_eq!((echo.id, echo.sequence, echo.token), (7, 9, None));
}

#[test]
fn a_steady_flow_has_one_checksum() {
    let mut sums = std::collections::BTreeSet::new();
    for number in [0u32, 1, 77, 65_535, 65_536, 4_000_000] {
        let mut out = Vec::new();
        let token = Token { nonce: 0x1234_5678_9abc_def0, index: 5, number };
        echo::request(Family::V4, 7, (number & 0xffff) as u16, token, 56, true, &mut out);
        assert_eq!(checksum(&[&out]), 0);
        assert_eq!(out.len(), 64);
        sums.insert([out[2], out[3]]);
    }
    assert_eq!(sums.len(), 1);
}

#[test]
fn a_syn_has_its_checksum() {
    for (from, to, pseudo) in [
        ("10.0.0.1", "10.0.0.2", vec![10, 0, 0, 1, 10, 0, 0, 2, 0, 6, 0, 20]),
        ("::1", "::2", [vec![0; 15], vec![1], vec![0; 15], vec![2], vec![0, 0, 0, 20, 0, 0, 0, 6]].concat()),
    ] {
        let bytes = tcp::syn((from.parse().unwrap(), 1000), (to.parse().unwrap(), 443), 99);
        assert_eq!(checksum(&[&pseudo, &bytes]), 0);
        let read = tcp::read(&bytes).unwrap();
        assert_eq!((read.source, read.to, read.sequence, read.flags), (1000, 443, 99, tcp::SYN));
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for family in [Family::V4, Family::V6] {
            if let Some(error) = error::read(family, &bytes) {
                let _ = echo::read(8, error.quote.rest);
                let _ = tcp::read(error.quote.rest);
                let _ = meaning::mark(family, error.kind, error.code);
                let _ = meaning::words(family, error.kind, error.code);
            }
            let _ = echo::read(echo::reply_type(family), &bytes);
        }
        let _ = error::within_ipv4(&bytes);
        let _ = extension::labels(&bytes);
    }

    #[test]
    fn a_cut_error_never_names_another_probe(cut in 0usize..400, index in any::<u32>(), number in any::<u32>()) {
        let token = Token { nonce: 42, index, number };
        let icmp = exceeded(token, 160, true);
        let cut = cut.min(icmp.len());
        if let Some(error) = error::read(Family::V4, &icmp[..cut])
            && let Some(echo) = echo::read(8, error.quote.rest)
        {
            prop_assert_eq!((echo.id, echo.sequence), (7, 9));
            prop_assert!(echo.token.is_none_or(|found| found == token));
        }
    }

    #[test]
    fn tokens_read_back(nonce in any::<u64>(), index in any::<u32>(), number in any::<u32>()) {
        let token = Token { nonce, index, number };
        prop_assert_eq!(Token::read(&token.bytes()), Some(token));
    }
}
