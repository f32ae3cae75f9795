//! Votes of 64 pixels at once: counters that hold bit `l` of all 64 counts in one word.

/// Masks added at a time.
pub(super) const ADDED: usize = 8;

/// Counters of one class: word `l` holds the bit of value `2^l` of each pixel's count.
pub(super) fn add_group(counter: &mut [u64], masks: &[u64; ADDED]) {
    let (ones, a) = add(counter[0], masks[0], masks[1]);
    let (ones, b) = add(ones, masks[2], masks[3]);
    let (ones, c) = add(ones, masks[4], masks[5]);
    let (ones, d) = add(ones, masks[6], masks[7]);
    let (twos, e) = add(counter[1], a, b);
    let (twos, f) = add(twos, c, d);
    let (fours, mut carry) = add(counter[2], e, f);
    counter[..3].copy_from_slice(&[ones, twos, fours]);
    for word in &mut counter[3..] {
        (*word, carry) = (*word ^ carry, *word & carry);
    }
}

/// Words that counts up to `most` need, with room for [`add_group`].
pub(super) fn words_for(most: usize) -> usize {
    ((usize::BITS - most.leading_zeros()) as usize).max(4)
}

/// Counts of the eight pixels from `8 * run` on.
pub(super) fn counts(counter: &[u64], run: usize) -> [u32; 8] {
    let mut counts = [0; 8];
    for (words, byte) in counter.chunks(8).zip(0..) {
        let packed = words
            .iter()
            .enumerate()
            .fold(0, |packed, (bit, word)| packed | (spread((word >> (8 * run)) as u8) << bit));
        for (count, packed) in counts.iter_mut().zip(packed.to_le_bytes()) {
            *count |= u32::from(packed) << (8 * byte);
        }
    }
    counts
}

/// A byte per bit, 0 or 1.
fn spread(bits: u8) -> u64 {
    let marked = u64::from(bits).wrapping_mul(0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
    ((marked + 0x7F7F_7F7F_7F7F_7F7F) >> 7) & 0x0101_0101_0101_0101
}

/// Sum and carry of three bits, 64 times.
fn add(a: u64, b: u64, c: u64) -> (u64, u64) {
    (a ^ b ^ c, (a & b) | (c & (a ^ b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_bits() {
        let masks: Vec<u64> = (1..=1003).map(super::super::bags::mix).collect();
        let mut counter = vec![0; words_for(masks.len())];
        for masks in masks.chunks(ADDED) {
            let mut group = [0; ADDED];
            group[..masks.len()].copy_from_slice(masks);
            add_group(&mut counter, &group);
        }
        for pixel in 0..64 {
            let expected = masks.iter().filter(|&mask| mask >> pixel & 1 == 1).count() as u32;
            assert_eq!(counts(&counter, pixel / 8)[pixel % 8], expected, "pixel {pixel}");
        }
    }
}
