//! Ids as text of known length, which needs no memory of its own: every call writes some.

use std::fmt;

use uuid::Uuid;

/// A text of ASCII. It stands where whole words start, so that it is read in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(8))]
pub struct Text<const LENGTH: usize>([u8; LENGTH]);

impl<const LENGTH: usize> Text<LENGTH> {
    /// `text` MUST be ASCII.
    pub(crate) const fn new(text: [u8; LENGTH]) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // It is ASCII, so that there is always one.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The same, as it stands in a header.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<const LENGTH: usize> fmt::Display for Text<LENGTH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// As `Uuid` shows itself.
impl From<Uuid> for Text<36> {
    fn from(id: Uuid) -> Self {
        let (digits, mut text) = (hex_of(id.as_u128()), [b'-'; 36]);
        text[..8].copy_from_slice(&digits[..8]);
        text[9..13].copy_from_slice(&digits[8..12]);
        text[14..18].copy_from_slice(&digits[12..16]);
        text[19..23].copy_from_slice(&digits[16..20]);
        text[24..].copy_from_slice(&digits[20..]);
        Self(text)
    }
}

/// The hex digits of a number, with leading zeros.
pub(crate) fn hex(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    digits[..8].copy_from_slice(&half(number >> 32));
    digits[8..].copy_from_slice(&half(number & 0xffff_ffff));
    digits
}

/// The same of a longer one.
pub(crate) fn hex_of(number: u128) -> [u8; 32] {
    let (first, second) = Uuid::from_u128(number).as_u64_pair();
    let mut digits = [0; 32];
    digits[..16].copy_from_slice(&hex(first));
    digits[16..].copy_from_slice(&hex(second));
    digits
}

/// The eight digits of a number of 32 bits, all at once: each byte of a word becomes one.
const fn half(number: u64) -> [u8; 8] {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    // The first four digits move away from the others, then of four the first two, then one of two.
    let apart = (number | number << 16) & 0x0000_ffff_0000_ffff;
    let apart = (apart | apart << 8) & 0x00ff_00ff_00ff_00ff;
    let apart = (apart | apart << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // Six more make sixteen of ten: 1 for each letter.
    let letters = ((apart + 6 * EACH) >> 4) & EACH;
    (apart + b'0' as u64 * EACH + letters * (b'a' - b'9' - 1) as u64).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each digit in each place beside others, and some that are like nothing.
    fn numbers() -> impl Iterator<Item = u128> {
        let places = (0..32).flat_map(|place| (0..16).map(move |digit| digit << (place * 4)));
        let strange = (0..1000_u128)
            .map(|count| (count * count).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        places.flat_map(|number| [number, !number]).chain(strange)
    }

    #[test]
    fn digits_are_those_of_the_formatting_machinery() {
        for number in numbers() {
            assert_eq!(hex_of(number), format!("{number:032x}").as_bytes());
            let half = Uuid::from_u128(number).as_u64_pair().1;
            assert_eq!(hex(half), format!("{half:016x}").as_bytes());
        }
    }

    #[test]
    fn an_id_is_shown_as_it_shows_itself() {
        for id in numbers().map(Uuid::from_u128) {
            assert_eq!(Text::from(id).as_str(), id.to_string());
            assert_eq!(Text::from(id).as_bytes(), Text::from(id).to_string().as_bytes());
        }
    }
}
