//! The floats of logs: milliseconds that end at the microsecond. Their digits are there without a search for the fewest
//! that read back as the same float, which is most of what writing any other one takes.

const DIGITS: &[u8; 10] = b"0123456789";

/// Appends the number as JSON has it, where it is not negative, below four million, and has three decimals at most; tells
/// whether it did.
pub(super) fn append(line: &mut Vec<u8>, number: f64) -> bool {
    let Some(thousandths) = thousandths(number) else { return false };
    let (mut whole, mut rest) = (thousandths / 1000, thousandths % 1000);
    let mut text = *b"0000000.000";
    let mut start = 7;
    while whole > 0 {
        start -= 1;
        text[start] = DIGITS[whole as usize % 10];
        whole /= 10;
    }
    for digit in text[8..].iter_mut().rev() {
        *digit = DIGITS[rest as usize % 10];
        rest /= 10;
    }
    let end = match text[9..] {
        [b'0', b'0'] => 9,
        [_, b'0'] => 10,
        _ => 11,
    };
    line.extend_from_slice(&text[start.min(6)..end]);
    true
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number that does not fit is found not to be the same"
)]
fn thousandths(number: f64) -> Option<u32> {
    let thousandths = (number * 1000.0 + 0.5) as u32;
    let same = (f64::from(thousandths) / 1000.0).to_bits() == number.to_bits();
    same.then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(number: f64) -> Option<String> {
        let mut line = b"x".to_vec();
        let known = append(&mut line, number);
        assert_eq!(known, line.len() > 1, "{number}");
        known.then(|| String::from_utf8(line.split_off(1)).unwrap())
    }

    #[test]
    fn numbers_are_those_that_serde_writes() {
        let known = (0..20_000_u32).chain((0..32).flat_map(|bit| {
            let power = 1 << bit;
            [power - 1, power, power + 1, u32::MAX - power]
        }));
        for thousandths in known.chain((0..10).flat_map(|digits| {
            let power = 10_u32.pow(digits);
            [power - 1, power, power + 1]
        })) {
            let number = f64::from(thousandths) / 1000.0;
            assert_eq!(appended(number).unwrap(), serde_json::to_string(&number).unwrap());
        }
    }

    #[test]
    fn others_are_left_to_it() {
        let least = f64::from_bits(0.125_f64.to_bits() + 1);
        for number in [-0.0, -0.5, -1.0, 0.0001, 0.9999, least, 4_294_967.296, 1e300, f64::NAN, f64::INFINITY]
        {
            assert_eq!(appended(number), None, "{number}");
        }
    }
}
