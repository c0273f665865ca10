//! DNS messages: one question, and the records of an answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use domain::base::iana::Rtype;
use domain::base::{Message, MessageBuilder, Name};
use domain::rdata::AllRecordData;

use crate::text::clean_line;

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// What it says, as zone files write it.
    pub data: String,
    /// `answer`, or `authority` where nothing was answered.
    pub section: &'static str,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// How it went: `NOERROR`, `NXDOMAIN`.
    pub status: String,
    /// Whether the server speaks for the zone.
    pub authoritative: bool,
    /// Whether records were left out.
    pub truncated: bool,
    /// Whether it came by TCP.
    pub by_tcp: bool,
    /// The records.
    pub records: Vec<Record>,
    /// How long it took.
    pub took: Duration,
    /// Who answered.
    pub server: Option<SocketAddr>,
}

/// The types that people ask for.
pub fn kinds() -> &'static [&'static str] {
    &["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT", "CAA", "DS", "DNSKEY", "ANY"]
}

/// The bytes of a question. An address is asked for its name, whatever the type.
pub(super) fn question(id: u16, name: &str, kind: &str, udp: usize) -> Result<Vec<u8>, String> {
    let reversed = name.parse::<IpAddr>().ok();
    let name: Name<Vec<u8>> = match reversed {
        Some(address) => Name::reverse_from_addr(address).map_err(|error| error.to_string())?,
        None => name.parse().map_err(|error| format!("`{name}` is no DNS name: {error}"))?,
    };
    let kind = if reversed.is_some() { "PTR" } else { kind };
    let kind: Rtype = kind.parse().map_err(|_| format!("`{kind}` is no type of records"))?;
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(id);
    builder.header_mut().set_rd(true);
    let too_long = |_| "the question is too long".to_owned();
    let mut builder = builder.question();
    builder.push((name, kind)).map_err(too_long)?;
    let mut builder = builder.additional();
    let size = u16::try_from(udp).unwrap_or(512);
    builder
        .opt(|opt| {
            opt.set_udp_payload_size(size);
            Ok(())
        })
        .map_err(too_long)?;
    Ok(builder.finish())
}

/// Reads an answer; `None` where it is not the answer to this question.
pub(super) fn read(question: &[u8], bytes: &[u8]) -> Option<Reply> {
    let asked = Message::from_octets(question).ok()?;
    let message = Message::from_octets(bytes).ok()?;
    if !message.is_answer(&asked) {
        return None;
    }
    let header = message.header();
    let mut records = Vec::new();
    let mut take = |section, found: domain::base::message::RecordSection<'_, &[u8]>| {
        for record in found.limit_to::<AllRecordData<_, _>>().flatten() {
            records.push(Record {
                name: clean_line(&record.owner().to_string()),
                kind: record.rtype().to_string(),
                ttl: record.ttl().as_secs(),
                data: clean_line(&record.data().to_string()),
                section,
            });
        }
    };
    if let Ok(found) = message.answer() {
        take("answer", found);
    }
    if header_is_empty(&message)
        && let Ok(found) = message.authority()
    {
        take("authority", found);
    }
    Some(Reply {
        status: header.rcode().to_string(),
        authoritative: header.aa(),
        truncated: header.tc(),
        records,
        ..Reply::default()
    })
}

fn header_is_empty(message: &Message<&[u8]>) -> bool {
    message.header_counts().ancount() == 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An answer with one address and a header of our making.
    fn answer(question: &[u8]) -> Vec<u8> {
        let mut bytes = question.to_vec();
        bytes[2] |= 0x84;
        bytes[7] = 1;
        // The question's OPT record stands last; the answer goes before it.
        let at = bytes.len() - 11;
        let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];
        bytes.splice(at..at, record);
        bytes
    }

    #[test]
    fn an_answer_belongs_to_its_question() {
        let asked = question(7, "r1.example.net", "A", 1232).unwrap();
        let reply = read(&asked, &answer(&asked)).unwrap();
        assert_eq!((reply.status.as_str(), reply.authoritative), ("NOERROR", true));
        assert_eq!(reply.records.len(), 1);
        assert_eq!((reply.records[0].kind.as_str(), reply.records[0].data.as_str()), ("A", "192.0.2.1"));
        assert_eq!(reply.records[0].ttl, 60);
        for other in [question(8, "r1.example.net", "A", 1232), question(7, "r2.example.net", "A", 1232)] {
            assert_eq!(read(&asked, &answer(&other.unwrap())), None);
        }
        assert_eq!(read(&asked, &asked), None, "a question is no answer");
    }

    #[test]
    fn addresses_are_asked_for_their_names() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
        assert!(text(&question(1, "192.0.2.1", "A", 512).unwrap()).contains("in-addr"));
        assert!(text(&question(1, "2001:db8::1", "A", 512).unwrap()).contains("ip6"));
        assert!(question(1, "a..b", "A", 512).is_err());
        assert!(question(1, "a", "NONSENSE", 512).is_err());
        assert!(kinds().iter().all(|kind| question(1, "a", kind, 512).is_ok()));
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let asked = question(7, "r1.example.net", "A", 1232).unwrap();
            let mut bytes = bytes;
            let _ = read(&asked, &bytes);
            let head = asked.len().min(bytes.len());
            bytes[..head].copy_from_slice(&asked[..head]);
            if bytes.len() > 3 { bytes[2] |= 0x80; }
            let _ = read(&asked, &bytes);
        }
    }
}
