//! Case-insensitive comparison as CPython does it: by simple lower-case mapping, and a few letters that share
//! an upper case although their lower cases differ.

/// How letters are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fold {
    /// As they are.
    Exact,
    /// ASCII letters in either case (flags `i` and `a`).
    Ascii,
    /// All letters in either case (flag `i`).
    Unicode,
}

/// Lower-case letters with one upper case; each line is a group.
const KIN: [&[u32]; 24] = [
    &[0x69, 0x131],
    &[0x73, 0x17f],
    &[0xb5, 0x3bc],
    &[0x345, 0x3b9, 0x1fbe],
    &[0x390, 0x1fd3],
    &[0x3b0, 0x1fe3],
    &[0x3b2, 0x3d0],
    &[0x3b5, 0x3f5],
    &[0x3b8, 0x3d1],
    &[0x3ba, 0x3f0],
    &[0x3c0, 0x3d6],
    &[0x3c1, 0x3f1],
    &[0x3c2, 0x3c3],
    &[0x3c6, 0x3d5],
    &[0x432, 0x1c80],
    &[0x434, 0x1c81],
    &[0x43e, 0x1c82],
    &[0x441, 0x1c83],
    &[0x442, 0x1c84, 0x1c85],
    &[0x44a, 0x1c86],
    &[0x463, 0x1c87],
    &[0x1c88, 0xa64b],
    &[0x1e61, 0x1e9b],
    &[0xfb05, 0xfb06],
];

impl Fold {
    /// The form in which a code point of the text is compared.
    pub(super) fn lower(self, code: u32) -> u32 {
        match self {
            Self::Exact => code,
            Self::Ascii => match u8::try_from(code) {
                Ok(byte) => u32::from(byte.to_ascii_lowercase()),
                Err(_) => code,
            },
            Self::Unicode => {
                char::from_u32(code).and_then(|c| c.to_lowercase().next()).map_or(code, u32::from)
            }
        }
    }

    /// Every folded form that a code point of the pattern stands for.
    pub(super) fn forms(self, code: u32) -> impl Iterator<Item = u32> {
        let lower = self.lower(code);
        let kin: &[u32] = match self {
            Self::Unicode => KIN.iter().find(|group| group.contains(&lower)).copied().unwrap_or(&[]),
            _ => &[],
        };
        std::iter::once(lower).chain(kin.iter().copied().filter(move |&other| other != lower))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_pairs_are_kin() {
        assert!(Fold::Unicode.forms(u32::from('S')).any(|form| form == 0x17f));
        assert_eq!(Fold::Unicode.lower(0x212a), u32::from('k'), "the Kelvin sign");
        assert_eq!(Fold::Unicode.lower(0x130), u32::from('i'));
        assert_eq!(Fold::Ascii.forms(u32::from('S')).collect::<Vec<_>>(), [u32::from('s')]);
        assert_eq!(Fold::Exact.lower(u32::from('S')), u32::from('S'));
    }
}
