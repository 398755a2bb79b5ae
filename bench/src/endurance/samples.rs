//! What is seen of a server's process from outside while something goes on: memory and open files, and where they lead.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use serde::Serialize;

use crate::process::{self, Running};

/// After so long, what is still open of connections that have gone stays open.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// One look at a process.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sample {
    pub(super) seconds: f64,
    pub(super) memory_kib: u64,
    pub(super) files: usize,
}

/// Looks at a process again and again, on a thread of its own.
pub(super) struct Sampler {
    /// Dropped, it ends the thread.
    stop: Sender<()>,
    thread: JoinHandle<Option<Vec<Sample>>>,
}

impl Sampler {
    pub(super) fn begin(process: u32, every: Duration) -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let (began, mut samples) = (Instant::now(), Vec::new());
            loop {
                samples.push(Sample {
                    seconds: began.elapsed().as_secs_f64(),
                    memory_kib: process::memory_kib(process)?,
                    files: process::open_files(process)?,
                });
                if stopped.recv_timeout(every) != Err(RecvTimeoutError::Timeout) {
                    return Some(samples);
                }
            }
        });
        Self { stop, thread }
    }

    /// All looks, the last one being now or a moment ago.
    pub(super) fn end(self) -> anyhow::Result<Vec<Sample>> {
        drop(self.stop);
        let samples = self.thread.join().map_err(|_| anyhow!("the sampler has panicked"))?;
        samples.context("the server's process cannot be looked at")
    }
}

/// How fast memory grows in the second half, in MiB a minute: the line that is nearest to all samples by least squares.
/// Nothing with fewer than two.
pub(super) fn slope_of_second_half(samples: &[Sample]) -> Option<f64> {
    let half = samples.last()?.seconds / 2.0;
    let points = samples.iter().filter(|sample| sample.seconds >= half);
    let points: Vec<_> =
        points.map(|sample| (sample.seconds / 60.0, sample.memory_kib as f64 / 1024.0)).collect();
    let mean = |part: fn(&(f64, f64)) -> f64| points.iter().map(part).sum::<f64>() / points.len() as f64;
    let (middle, level) = (mean(|point| point.0), mean(|point| point.1));
    let (mut together, mut alone) = (0.0, 0.0);
    for (minute, mib) in points {
        together += (minute - middle) * (mib - level);
        alone += (minute - middle).powi(2);
    }
    (alone > 0.0).then(|| together / alone)
}

/// What is open of connections that have all gone.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Emptied {
    /// Files open before the first connection.
    pub(super) before: usize,
    /// Files open at the end.
    pub(super) after: usize,
    /// When there were no more than before; nothing if that never came.
    pub(super) seconds: Option<f64>,
}

impl Emptied {
    /// Waits until a server has no more files open than `before`.
    pub(super) fn wait(running: &Running, before: usize) -> anyhow::Result<Self> {
        let began = Instant::now();
        loop {
            let after = files(running)?;
            let seconds = (after <= before).then(|| began.elapsed().as_secs_f64());
            if seconds.is_some() || began.elapsed() > PATIENCE {
                return Ok(Self { before, after, seconds });
            }
            std::thread::sleep(LOOK);
        }
    }

    pub(super) fn show(&self) -> String {
        let Self { before, after, .. } = self;
        match self.seconds {
            Some(seconds) => format!("{before} before, {after} at the end, after {seconds:.1} s"),
            None => format!("{before} before, still {after} at the end"),
        }
    }

    /// A file that stays open is a leak, and not a figure.
    pub(super) fn wrong(&self) -> Option<String> {
        self.seconds
            .is_none()
            .then(|| format!("files of connections that have gone are open: {}", self.show()))
    }
}

pub(super) fn files(running: &Running) -> anyhow::Result<usize> {
    process::open_files(running.id()).context("the server's open files cannot be counted")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(memory_kib: impl IntoIterator<Item = u64>) -> Vec<Sample> {
        let at = |(second, memory_kib)| Sample { seconds: second as f64, memory_kib, files: 0 };
        memory_kib.into_iter().enumerate().map(at).collect()
    }

    #[test]
    fn a_steady_growth_is_found() {
        // 1024 KiB a second.
        let slope = slope_of_second_half(&samples((0..100).map(|second| 5_000 + second * 1024))).unwrap();
        assert!((slope - 60.0).abs() < 1e-6, "{slope}");
        assert_eq!(slope_of_second_half(&samples([7; 10])), Some(0.0));
    }

    #[test]
    fn what_grew_in_the_first_half_does_not_count() {
        let warm = (0..50).map(|second| second * 10_000).chain(std::iter::repeat_n(500_000, 51));
        assert_eq!(slope_of_second_half(&samples(warm)), Some(0.0));
    }

    #[test]
    fn one_outlier_moves_the_line_and_does_not_make_it() {
        let slope =
            slope_of_second_half(&samples((0..121).map(|second| if second == 120 { 2_024 } else { 1_000 })));
        // From end to end it would be 1 MiB/min.
        assert!(slope.is_some_and(|slope| slope > 0.0 && slope < 0.1), "{slope:?}");
    }

    #[test]
    fn one_sample_has_no_slope() {
        assert_eq!(slope_of_second_half(&samples([1_000])), None);
        assert_eq!(slope_of_second_half(&[]), None);
    }
}
