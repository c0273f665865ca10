//! What Python's `re` takes for a blank, a digit, a word character.

use super::tables::{DIGIT, PRINTABLE, WORD};

/// Whether `\s` takes the code point: as `str.isspace`, so with U+001C to U+001F.
pub fn is_space(code: u32) -> bool {
    matches!(
        code,
        0x09..=0x0d | 0x1c..=0x20 | 0x85 | 0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000
    )
}

/// Whether `\w` takes the code point: letters, digits, numerals and `_`, but no combining marks.
pub fn is_word(code: u32) -> bool {
    match u8::try_from(code) {
        Ok(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric() || byte == b'_',
        _ => inside(&WORD, code),
    }
}

/// Whether `\d` takes the code point: decimal digits of every script.
pub(super) fn is_digit(code: u32) -> bool {
    match u8::try_from(code) {
        Ok(byte) if byte.is_ascii() => byte.is_ascii_digit(),
        _ => inside(&DIGIT, code),
    }
}

/// Whether `str.isprintable` takes the code point: what `repr` does not escape.
pub fn is_printable(code: u32) -> bool {
    match u8::try_from(code) {
        Ok(byte) if byte.is_ascii() => !byte.is_ascii_control(),
        _ => inside(&PRINTABLE, code),
    }
}

fn inside(boundaries: &[u32], code: u32) -> bool {
    boundaries.partition_point(|&boundary| boundary <= code) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_agree_with_python() {
        assert!(is_space(0x1c) && is_space(0x1f) && is_space(0xa0) && !is_space(0x200b));
        assert!(is_word(0xe9) && is_word(0x4e2d) && is_word(u32::from('_')) && is_word(0xb2));
        assert!(!is_word(0x0301), "combining marks are no word characters");
        assert!(is_digit(0x0661) && !is_digit(0xb2) && is_digit(u32::from('7')));
    }
}
