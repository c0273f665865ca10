//! Any bytes of a NETCONF server: no panic, no message beyond the limit, and the same messages however they are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nocbot::transport::netconf::Element;
use nocbot::transport::netconf::frame::{Decoder, Framing, encode};

const LIMIT: usize = 4096;

/// The messages of a stream that comes in pieces of this size, and whether it ended in an error.
fn decode(framing: Framing, bytes: &[u8], size: usize) -> (Vec<Vec<u8>>, bool) {
    let mut decoder = Decoder::new(LIMIT);
    decoder.switch(framing);
    let mut messages = Vec::new();
    for mut piece in bytes.chunks(size.max(1)) {
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return (messages, true),
            }
        }
    }
    (messages, false)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    for framing in [Framing::EndMark, Framing::Chunked] {
        let whole = decode(framing, bytes, bytes.len());
        assert_eq!(whole, decode(framing, bytes, usize::from(size)));
        assert!(whole.0.iter().all(|message| message.len() <= LIMIT));
    }
    if !bytes.is_empty() && bytes.len() <= LIMIT {
        let framed = encode(Framing::Chunked, bytes);
        assert_eq!(decode(Framing::Chunked, &framed, usize::from(size)), (vec![bytes.to_vec()], false));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Element::parse(text);
    }
});
