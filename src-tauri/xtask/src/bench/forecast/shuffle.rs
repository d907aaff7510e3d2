//! The random numbers of Python's `random`, so that a split here is the split that the Python tools make.
//!
//! Mersenne Twister 19937 (Matsumoto and Nishimura 1998), seeded and drawn from as CPython does.

const LENGTH: usize = 624;
const AHEAD: usize = 397;

pub struct Random {
    state: [u32; LENGTH],
    next: usize,
}

impl Random {
    /// As `random.Random(seed)`.
    pub fn new(seed: u64) -> Self {
        let key: Vec<u32> = match (seed >> 32) as u32 {
            0 => vec![seed as u32],
            high => vec![seed as u32, high],
        };
        let mut state = [0_u32; LENGTH];
        state[0] = 19_650_218;
        for i in 1..LENGTH {
            state[i] = mixed(state[i - 1], 1_812_433_253).wrapping_add(i as u32);
        }
        let mut i = 1;
        let wrap = |i: &mut usize, state: &mut [u32; LENGTH]| {
            *i += 1;
            if *i == LENGTH {
                state[0] = state[LENGTH - 1];
                *i = 1;
            }
        };
        for step in 0..LENGTH.max(key.len()) {
            let j = step % key.len();
            state[i] = (state[i] ^ mixed(state[i - 1], 1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32);
            wrap(&mut i, &mut state);
        }
        for _ in 1..LENGTH {
            state[i] = (state[i] ^ mixed(state[i - 1], 1_566_083_941)).wrapping_sub(i as u32);
            wrap(&mut i, &mut state);
        }
        state[0] = 0x8000_0000;
        Self { state, next: LENGTH }
    }

    /// As `random.shuffle(items)`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u32 + 1);
            items.swap(last, other as usize);
        }
    }

    fn below(&mut self, end: u32) -> u32 {
        let bits = 32 - end.leading_zeros();
        loop {
            let drawn = self.draw() >> (32 - bits);
            if drawn < end {
                return drawn;
            }
        }
    }

    fn draw(&mut self) -> u32 {
        if self.next == LENGTH {
            for i in 0..LENGTH {
                let y = self.state[i] & 0x8000_0000 | self.state[(i + 1) % LENGTH] & 0x7fff_ffff;
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + AHEAD) % LENGTH] ^ (y >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c_5680;
        y ^= y << 15 & 0xefc6_0000;
        y ^ y >> 18
    }
}

fn mixed(before: u32, factor: u32) -> u32 {
    (before ^ before >> 30).wrapping_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `r = random.Random(seed); r.shuffle(x); r.shuffle(x)` in CPython 3.11.
    #[test]
    fn a_shuffle_is_that_of_python() {
        for (seed, expected) in
            [(1, [4, 2, 5, 11, 0, 8, 6, 9, 1, 3, 7, 10]), ((1 << 40) + 7, [7, 2, 0, 5, 6, 11, 9, 3, 1, 10, 4, 8])]
        {
            let mut items: Vec<u32> = (0..12).collect();
            let mut random = Random::new(seed);
            random.shuffle(&mut items);
            random.shuffle(&mut items);
            assert_eq!(items, expected);
        }
    }
}
