//! Numbers that depend only on a seed, a name and a place, so that any of them can be made alone and in parallel.

/// A stream of 64-bit numbers addressed by position.
#[derive(Clone, Copy, Debug)]
pub struct Stream(u64);

impl Stream {
    pub fn new(seed: u64, name: &str) -> Self {
        // FNV-1a over the name, then mixed with the seed.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self(mix(hash ^ mix(seed)))
    }

    /// The number at a position: the SplitMix64 sequence, entered at any point.
    #[inline]
    pub fn at(self, position: u64) -> u64 {
        mix(self.0.wrapping_add(position.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A whole number from 0 to `end` − 1.
    pub fn below(self, position: u64, end: u64) -> u64 {
        ((u128::from(self.at(position)) * u128::from(end)) >> 64) as u64
    }

    /// Close to a normal distribution of mean 0 and deviation 1: a sum of four uniform numbers (Irwin–Hall).
    pub fn bell(self, position: u64) -> f32 {
        let bits = self.at(position);
        let sum: u32 = (0..4).map(|part| (bits >> (16 * part)) as u32 & 0xffff).sum();
        // Mean 2, variance 4/12.
        (sum as f32 / 65536.0 - 2.0 + 2.0 / 65536.0) * 1.732_050_8
    }
}

#[inline]
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_does_not() {
        let numbers = |seed, name| (0..100).map(|i| Stream::new(seed, name).at(i)).collect::<Vec<_>>();
        assert_eq!(numbers(1, "a"), numbers(1, "a"));
        assert_ne!(numbers(1, "a"), numbers(2, "a"));
        assert_ne!(numbers(1, "a"), numbers(1, "b"));
    }

    #[test]
    fn bell_numbers_have_mean_zero_and_deviation_one() {
        let stream = Stream::new(7, "x");
        let n = 100_000;
        let (sum, squares) = (0..n).map(|i| f64::from(stream.bell(i))).fold((0.0, 0.0), |(s, q), v| (s + v, q + v * v));
        let mean = sum / n as f64;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((squares / n as f64 - 1.0).abs() < 0.02);
    }
}
