//! Extensions of ICMP errors (RFC 4884): MPLS label stacks (RFC 4950).

use std::fmt;

use super::{checksum, u16_at, u32_at};

/// Where routers older than RFC 4884 put extensions: behind 128 bytes of the quoted packet.
const OLD: usize = 128;

/// One MPLS label stack entry (RFC 3032).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    /// The label.
    pub label: u32,
    /// The traffic class.
    pub class: u8,
    /// Whether it is the bottom of the stack.
    pub bottom: bool,
    /// Its time to live.
    pub ttl: u8,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.label)?;
        if self.class > 0 {
            write!(f, " tc {}", self.class)?;
        }
        write!(f, " ttl {}", self.ttl)
    }
}

/// Parts what stands behind an error's first 8 bytes into the quoted packet and its labels; `length` is how
/// many bytes are quoted, as the error says, 0 where it says nothing.
pub fn split(body: &[u8], length: usize) -> (&[u8], Vec<Label>) {
    let at = if length == 0 { OLD } else { length };
    match body.split_at_checked(at) {
        Some((quoted, extension)) if !extension.is_empty() => match labels(extension) {
            Some(labels) => (quoted, labels),
            // Said to be there, but broken: what is quoted is still what it says.
            None if length > 0 => (quoted, Vec::new()),
            None => (body, Vec::new()),
        },
        _ => (body, Vec::new()),
    }
}

/// The labels of an extension structure; `None` where it is none, or is damaged.
pub fn labels(extension: &[u8]) -> Option<Vec<Label>> {
    if extension.first()? >> 4 != 2 {
        return None;
    }
    // A checksum of 0 means that there is none.
    if u16_at(extension, 2)? != 0 && checksum(&[extension]) != 0 {
        return None;
    }
    let mut rest = extension.get(4..)?;
    let mut found = Vec::new();
    while rest.len() >= 4 {
        let length = usize::from(u16_at(rest, 0)?);
        if length < 4 {
            return None;
        }
        let object = rest.get(4..length)?;
        if rest.get(2..4)? == [1, 1] {
            found.extend(object.chunks_exact(4).filter_map(entry));
        }
        rest = rest.get(length..)?;
    }
    Some(found)
}

fn entry(bytes: &[u8]) -> Option<Label> {
    let word = u32_at(bytes, 0)?;
    let [.., ttl] = word.to_be_bytes();
    Some(Label {
        label: word >> 12,
        class: u8::try_from(word >> 9 & 7).unwrap_or(0),
        bottom: word >> 8 & 1 == 1,
        ttl,
    })
}
