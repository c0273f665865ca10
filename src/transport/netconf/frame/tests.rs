#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1000;

/// Decodes pieces; the messages, and the error that ended it.
fn decode(framing: Framing, pieces: &[&[u8]], limit: usize) -> (Vec<Vec<u8>>, Option<FrameError>, Decoder) {
    let mut decoder = Decoder::new(limit);
    decoder.switch(framing);
    let mut messages = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match decoder.next(&mut input) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error), decoder),
            }
        }
        assert!(input.is_empty(), "all bytes are taken");
    }
    (messages, None, decoder)
}

/// Cuts bytes at these places.
fn pieces<'b>(bytes: &'b [u8], cuts: &[prop::sample::Index]) -> Vec<&'b [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.push(0);
    at.push(bytes.len());
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// Messages as devices send them, with what looks like framing inside.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"<a>text</a>"[..]),
        Just(&b"]]>"[..]),
        Just(&b"]]"[..]),
        Just(&b"]"[..]),
        Just(&b"\n##\n"[..]),
        Just(&b"\n#5\n"[..]),
        Just(&b"\xff\x00"[..]),
    ];
    prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_messages(
        messages in prop::collection::vec(message(), 1..5),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        chunked in any::<bool>(),
    ) {
        let framing = if chunked { Framing::Chunked } else { Framing::EndMark };
        // The mark cannot be part of a message that is framed by it.
        let messages: Vec<Vec<u8>> = messages
            .into_iter()
            .filter(|message| chunked || !encode(framing, message)[..message.len() + 5].windows(6).any(|six| six == b"]]>]]>"))
            .collect();
        let bytes: Vec<u8> = messages.iter().flat_map(|message| encode(framing, message)).collect();
        let (found, error, decoder) = decode(framing, &pieces(&bytes, &cuts), LIMIT);
        prop_assert_eq!(error, None);
        prop_assert_eq!(found, messages);
        prop_assert_eq!(decoder.standing(), Standing { bytes: 0, missing: None });
    }

    #[test]
    fn a_message_in_any_chunks_is_the_same(
        message in message(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut bytes = Vec::new();
        for chunk in pieces(&message, &cuts).iter().filter(|chunk| !chunk.is_empty()) {
            bytes.extend(format!("\n#{}\n", chunk.len()).bytes());
            bytes.extend_from_slice(chunk);
        }
        bytes.extend(b"\n##\n");
        let (found, error, _) = decode(Framing::Chunked, &[&bytes], LIMIT);
        prop_assert_eq!((found, error), (vec![message], None));
    }

    #[test]
    fn any_bytes_are_survived_within_the_limit(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'#'), Just(b']'), Just(b'>'), b'0'..=b'9'], 0..300),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        chunked in any::<bool>(),
    ) {
        let framing = if chunked { Framing::Chunked } else { Framing::EndMark };
        let (whole, error, _) = decode(framing, &[&bytes], 40);
        prop_assert!(whole.iter().all(|message| message.len() <= 40));
        // However the bytes come, the messages and the verdict are the same.
        let (cut, cut_error, decoder) = decode(framing, &pieces(&bytes, &cuts), 40);
        prop_assert_eq!(whole, cut);
        prop_assert_eq!(error.is_some(), cut_error.is_some());
        prop_assert!(decoder.partial().len() <= 45);
    }
}

#[test]
fn a_header_that_lies_is_told() {
    for (bytes, found) in [
        (&b"\n#3\nabcdef\n##\n"[..], "def\\n##\\n"),
        (b"\n#0\n", "\\n#0\\n"),
        (b"\n##\n", "\\n##\\n"),
        (b"\n#4294967296\n", "\\n#4294967296"),
        (b"\n#-1\n", "\\n#-1\\n"),
        (b"\n#1 \nx", "\\n#1 \\nx"),
        (b"<rpc-reply>", "<rpc-reply>"),
        (b"\n#1\nx\r\n##\n", "\\r\\n##\\n"),
        (b"\n#1\nx\n#", ""),
    ] {
        let (messages, error, _) = decode(Framing::Chunked, &[bytes], LIMIT);
        assert!(messages.is_empty());
        match error {
            Some(FrameError::NoHeader { found: shown }) => {
                assert!(shown.starts_with(found.get(..9).unwrap_or(found)), "{shown} for {found}");
            }
            other => assert!(found.is_empty() && other.is_none(), "{other:?}"),
        }
    }
}

#[test]
fn what_is_too_long_is_refused_by_its_announcement() {
    let (_, error, decoder) = decode(Framing::Chunked, &[b"\n#1001\n"], LIMIT);
    assert_eq!(error, Some(FrameError::TooLong { limit: LIMIT }));
    assert_eq!(decoder.partial(), b"");
    let fits = encode(Framing::EndMark, &[b'x'; LIMIT]);
    assert_eq!(decode(Framing::EndMark, &[&fits], LIMIT).1, None);
    let long = encode(Framing::EndMark, &[b'x'; LIMIT + 1]);
    assert_eq!(decode(Framing::EndMark, &[&long], LIMIT).1, Some(FrameError::TooLong { limit: LIMIT }));
}

#[test]
fn where_it_stands_is_told() {
    let (_, _, decoder) = decode(Framing::Chunked, &[b"\n#100\nabc"], LIMIT);
    assert_eq!(
        decoder.standing().to_string(),
        "in the middle of a chunk, 3 bytes of the message had come and 97 more were announced"
    );
    let (_, _, decoder) = decode(Framing::EndMark, &[b"abc"], LIMIT);
    assert_eq!(decoder.standing().to_string(), "in the middle of a message, 3 bytes of it had come");
}

#[test]
fn line_ends_between_hello_and_chunks_are_passed_over() {
    let mut decoder = Decoder::new(LIMIT);
    let mut input = &b"<hello/>]]>]]>\n\r\n\n#2\nab\n##\n\n#1\nc\n##\n"[..];
    assert_eq!(decoder.next(&mut input).unwrap().unwrap(), b"<hello/>");
    decoder.switch(Framing::Chunked);
    assert_eq!(decoder.next(&mut input).unwrap().unwrap(), b"ab");
    assert_eq!(decoder.next(&mut input).unwrap().unwrap(), b"c");
    assert_eq!(decoder.next(&mut input), Ok(None));
}
