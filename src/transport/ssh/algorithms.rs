//! The algorithm levels: what is offered to a device at each, best first, and which level a
//! server's own offer would need.
//!
//! A list is only as good as its worst entry once somebody sits in the path, so what is broken
//! (SHA-1 signatures, CBC, 1024-bit groups) is offered to nobody unless the device's level says so.

use std::borrow::Cow;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, cipher, compression, kex, mac};

use super::offer::Offer;
use crate::profile::Level;

const KEX_MODERN: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::DH_GEX_SHA256,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
];

const KEX_COMPAT: &[kex::Name] = &[
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G15_SHA512,
    kex::DH_G17_SHA512,
    kex::DH_G14_SHA256,
    kex::DH_G14_SHA1,
];

const KEX_LEGACY: &[kex::Name] = &[kex::DH_GEX_SHA1, kex::DH_G1_SHA1];

/// Not key exchanges: how the two ends say that they know RFC 8308 and strict key exchange.
const KEX_EXTENSIONS: &[kex::Name] =
    &[kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT];

const CIPHER_MODERN: &[cipher::Name] = &[cipher::CHACHA20_POLY1305, cipher::AES_256_GCM, cipher::AES_128_GCM];
const CIPHER_COMPAT: &[cipher::Name] = &[cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR];
const CIPHER_LEGACY: &[cipher::Name] =
    &[cipher::AES_256_CBC, cipher::AES_192_CBC, cipher::AES_128_CBC, cipher::TRIPLE_DES_CBC];

const MAC_MODERN: &[mac::Name] =
    &[mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM, mac::HMAC_SHA512, mac::HMAC_SHA256];
const MAC_COMPAT: &[mac::Name] = &[mac::HMAC_SHA1_ETM, mac::HMAC_SHA1];

const COMPRESSION: &[compression::Name] = &[compression::NONE, compression::ZLIB_LEGACY, compression::ZLIB];

/// The group exchanges, for leaving them out where a server's groups are of no use.
const GROUP_EXCHANGES: &[kex::Name] = &[kex::DH_GEX_SHA256, kex::DH_GEX_SHA1];

fn kex_of(level: Level) -> Vec<kex::Name> {
    let mut names = KEX_MODERN.to_vec();
    if level >= Level::Compat {
        names.extend_from_slice(KEX_COMPAT);
    }
    if level >= Level::Legacy {
        names.extend_from_slice(KEX_LEGACY);
    }
    names
}

fn ciphers_of(level: Level) -> Vec<cipher::Name> {
    let mut names = CIPHER_MODERN.to_vec();
    if level >= Level::Compat {
        names.extend_from_slice(CIPHER_COMPAT);
    }
    if level >= Level::Legacy {
        names.extend_from_slice(CIPHER_LEGACY);
    }
    names
}

fn macs_of(level: Level) -> Vec<mac::Name> {
    let mut names = MAC_MODERN.to_vec();
    if level >= Level::Compat {
        names.extend_from_slice(MAC_COMPAT);
    }
    names
}

fn keys_of(level: Level) -> Vec<Algorithm> {
    let mut names = vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ];
    if level >= Level::Legacy {
        names.push(Algorithm::Rsa { hash: None });
        names.push(Algorithm::Dsa);
    }
    names
}

/// What is offered at `level`.
///
/// `known` are the key types (`ssh-ed25519`, `ssh-rsa`) that known_hosts has for the host: their
/// algorithms come first, so that a host with several keys shows the one that can be checked.
/// `group_exchange: false` leaves out RFC 4419, for servers whose groups are too small.
pub(super) fn preferred(level: Level, known: &[String], group_exchange: bool) -> Preferred {
    let mut kex = kex_of(level);
    if !group_exchange {
        kex.retain(|name| !GROUP_EXCHANGES.contains(name));
    }
    kex.extend_from_slice(KEX_EXTENSIONS);
    let (mut keys, others): (Vec<_>, Vec<_>) = keys_of(level)
        .into_iter()
        .partition(|algorithm| known.iter().any(|name| *name == key_type(algorithm)));
    keys.extend(others);
    Preferred {
        kex: Cow::Owned(kex),
        key: Cow::Owned(keys),
        cipher: Cow::Owned(ciphers_of(level)),
        mac: Cow::Owned(macs_of(level)),
        compression: Cow::Borrowed(COMPRESSION),
        host_key_certificates: Cow::Borrowed(&[]),
    }
}

/// The name of the key type behind a signature algorithm: `ssh-rsa` for `rsa-sha2-512`.
fn key_type(algorithm: &Algorithm) -> String {
    match algorithm {
        Algorithm::Rsa { .. } => "ssh-rsa".to_owned(),
        other => other.to_string(),
    }
}

/// One kind of algorithm of which the two ends share none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    /// What it is for, in plain words.
    pub(super) what: &'static str,
    /// What the server offers.
    pub(super) theirs: Vec<String>,
}

/// What `level` and the server's offer do not share; empty when they can talk.
pub(super) fn missing(level: Level, offer: &Offer) -> Vec<Missing> {
    fn shared<T: AsRef<str>>(ours: &[T], theirs: &[String]) -> bool {
        ours.iter().any(|name| theirs.iter().any(|other| other == name.as_ref()))
    }
    let keys: Vec<String> = keys_of(level).iter().map(ToString::to_string).collect();
    let ciphers = ciphers_of(level);
    let macs = macs_of(level);
    // The client's first choice that the server has is used; an AEAD cipher needs no MAC.
    let aead = ciphers
        .iter()
        .find(|name| offer.ciphers.iter().any(|other| other == name.as_ref()))
        .is_some_and(|name| CIPHER_MODERN.contains(name));
    let mut missing = Vec::new();
    let mut check = |present: bool, what, theirs: &[String]| {
        if !present {
            missing.push(Missing { what, theirs: theirs.to_vec() });
        }
    };
    check(shared(&kex_of(level), &offer.kex), "key exchange", &offer.kex);
    check(shared(&keys, &offer.host_keys), "host key", &offer.host_keys);
    check(shared(&ciphers, &offer.ciphers), "cipher", &offer.ciphers);
    check(aead || shared(&macs, &offer.macs), "MAC", &offer.macs);
    missing
}

/// The lowest level at which the server can be talked to, if any.
pub(super) fn lowest_level(offer: &Offer) -> Option<Level> {
    [Level::Modern, Level::Compat, Level::Legacy].into_iter().find(|level| missing(*level, offer).is_empty())
}

/// Whether the two ends would settle on a group exchange although they share another way.
pub(super) fn group_exchange_avoidable(level: Level, offer: &Offer) -> bool {
    let ours = kex_of(level);
    let mut shared = ours.iter().filter(|name| offer.kex.iter().any(|other| other == name.as_ref()));
    let first = shared.next();
    first.is_some_and(|name| GROUP_EXCHANGES.contains(name))
        && shared.any(|name| !GROUP_EXCHANGES.contains(name))
}

/// The word of a level as the inventory spells it.
pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Modern => "modern",
        Level::Compat => "compat",
        Level::Legacy => "legacy",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn offer(kex: &[&str], keys: &[&str], ciphers: &[&str], macs: &[&str]) -> Offer {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Offer { kex: owned(kex), host_keys: owned(keys), ciphers: owned(ciphers), macs: owned(macs) }
    }

    #[test]
    fn the_level_a_server_needs() {
        let old = offer(&["diffie-hellman-group1-sha1"], &["ssh-rsa"], &["3des-cbc"], &["hmac-sha1"]);
        assert_eq!(lowest_level(&old), Some(Level::Legacy));
        let what: Vec<&str> = missing(Level::Compat, &old).iter().map(|missing| missing.what).collect();
        assert_eq!(what, ["key exchange", "host key", "cipher"]);

        let router = offer(&["ecdh-sha2-nistp256"], &["rsa-sha2-256"], &["aes128-ctr"], &["hmac-sha1"]);
        assert_eq!(lowest_level(&router), Some(Level::Compat));

        let current =
            offer(&["curve25519-sha256"], &["ssh-ed25519"], &["aes256-gcm@openssh.com"], &["hmac-md5"]);
        assert_eq!(lowest_level(&current), Some(Level::Modern), "an AEAD cipher needs no MAC");

        let ancient = offer(&["diffie-hellman-group1-sha1"], &["ssh-rsa"], &["des"], &["hmac-md5"]);
        assert_eq!(lowest_level(&ancient), None);
    }

    #[test]
    fn the_known_key_type_comes_first() {
        let list = preferred(Level::Compat, &["ssh-rsa".to_owned()], true);
        assert_eq!(list.key.first().map(ToString::to_string).as_deref(), Some("rsa-sha2-512"));
        assert!(!list.key.iter().any(|key| key.to_string() == "ssh-rsa"));
    }

    #[test]
    fn a_group_exchange_can_be_left_out() {
        let server =
            offer(&["diffie-hellman-group-exchange-sha1", "diffie-hellman-group1-sha1"], &[], &[], &[]);
        assert!(group_exchange_avoidable(Level::Legacy, &server));
        assert!(!group_exchange_avoidable(Level::Compat, &server));
        assert!(!preferred(Level::Legacy, &[], false).kex.contains(&kex::DH_GEX_SHA1));
    }
}
