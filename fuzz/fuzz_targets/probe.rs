//! Any bytes from the wire: no panic, and never a packet of another probe.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nocbot::probe::Family;
use nocbot::probe::packet::echo::{self, Token};
use nocbot::probe::packet::{error, extension, meaning, tcp};
use nocbot::probe::tls;

fuzz_target!(|bytes: &[u8]| {
    for family in [Family::V4, Family::V6] {
        if let Some(found) = error::read(family, bytes) {
            let _ = meaning::words(family, found.kind, found.code);
            let _ = meaning::mark(family, found.kind, found.code);
            let _ = tcp::read(found.quote.rest);
            if let Some(echo) = echo::read(echo::request_type(family), found.quote.rest) {
                // What is quoted lies in the message; nothing is made up.
                if let Some(token) = echo.token {
                    let wanted = Token::bytes(token);
                    assert!(bytes.windows(wanted.len()).any(|window| window == wanted));
                }
            }
        }
        let _ = echo::read(echo::reply_type(family), bytes);
    }
    let _ = error::within_ipv4(bytes);
    let _ = extension::labels(bytes);
    let _ = tls::read(bytes);
});
