//! Latencies in microseconds, counted in logarithmic buckets.
//!
//! Constant memory and one increment per value. It does not keep values: a quantile is read to within one
//! part in 128.

/// Buckets per doubling.
const STEPS: u64 = 128;
const STEPS_LOG2: u32 = STEPS.trailing_zeros();
const BUCKETS: usize = ((64 - STEPS_LOG2 as usize) + 1) * STEPS as usize;

/// A histogram of microseconds.
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    max: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS].into_boxed_slice(), total: 0, max: 0 }
    }

    pub(crate) fn record(&mut self, micros: u64) {
        self.counts[bucket_of(micros)] += 1;
        self.total += 1;
        self.max = self.max.max(micros);
    }

    /// The value that `quantile` (0 to 1) of the recorded values do not exceed, in milliseconds; 0 when there
    /// are none.
    pub(crate) fn millis_at(&self, quantile: f64) -> f64 {
        let rank = ((self.total as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return highest_in(bucket).min(self.max) as f64 / 1_000.0;
            }
        }
        0.0
    }
}

/// Values below `STEPS` have a bucket each; above, each doubling is split in `STEPS` equal buckets.
fn bucket_of(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let shift = value.ilog2() - STEPS_LOG2;
    let within = (value >> shift) - STEPS;
    ((u64::from(shift) + 1) * STEPS + within) as usize
}

fn highest_in(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let lowest = (STEPS + bucket % STEPS) << shift;
    lowest + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_value_to_one_part_in_128(value in any::<u64>()) {
            let highest = highest_in(bucket_of(value));
            prop_assert!(highest >= value);
            prop_assert!(highest - value <= value / STEPS);
        }
    }

    #[test]
    fn quantiles_of_known_values() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.millis_at(0.99), 0.0);
        for micros in 1..=100 {
            histogram.record(micros);
        }
        assert_eq!(histogram.millis_at(0.5), 0.050);
        assert_eq!(histogram.millis_at(0.99), 0.099);
        assert_eq!(histogram.millis_at(1.0), 0.100);
    }
}
