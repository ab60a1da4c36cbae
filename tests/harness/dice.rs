//! Chance that comes again: the same seed, the same throws.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Dice that fall as their seed says.
#[derive(Debug, Clone)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The dice of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from 0 to below the bound.
    ///
    /// # Panics
    /// If there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound)
    }

    /// A number of this range, both ends included.
    ///
    /// # Panics
    /// If there is none.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0.random_range(least..=most)
    }

    /// Yes, in so many cases of a hundred.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    /// One of these.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }

    /// Dice for somebody else: what they throw changes nothing here.
    #[must_use]
    pub fn others(&mut self) -> Self {
        Self(ChaCha8Rng::seed_from_u64(self.0.random()))
    }
}
