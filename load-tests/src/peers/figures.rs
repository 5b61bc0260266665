//! What one turn came to, and medians over rounds.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::drive::Tally;
use crate::process::Usage;

/// The figures of one turn.
#[derive(Debug)]
pub(super) struct Figures {
    answered: f64,
    elapsed: Duration,
    cpu: Duration,
    threads: BTreeMap<String, Duration>,
    resident: u64,
    latency: Histogram<u64>,
}

impl Figures {
    /// Taken from a tally whose meter read the system's process.
    pub(super) fn of(tally: &Tally<Usage>) -> Self {
        let (start, end) = &tally.meter;
        let since = |(name, cpu): (&String, &Duration)| {
            (name.clone(), cpu.saturating_sub(start.threads.get(name).copied().unwrap_or_default()))
        };
        Self {
            answered: float(tally.answered),
            elapsed: tally.elapsed,
            cpu: end.cpu.saturating_sub(start.cpu),
            threads: end.threads.iter().map(since).collect(),
            resident: end.resident,
            latency: tally.latency.clone(),
        }
    }

    /// Answers per second.
    pub(super) fn per_second(&self) -> f64 {
        self.answered / self.elapsed.as_secs_f64()
    }

    /// Processor time of the system's process per answer, microseconds.
    pub(super) fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.answered
    }

    /// Processor time per answer of each of the process's threads, microseconds, by name.
    pub(super) fn thread_micros(&self) -> impl Iterator<Item = (&str, f64)> {
        self.threads.iter().map(|(name, cpu)| (name.as_str(), cpu.as_secs_f64() * 1e6 / self.answered))
    }

    /// Latency at a quantile, microseconds.
    pub(super) fn latency_micros(&self, quantile: f64) -> f64 {
        float(self.latency.value_at_quantile(quantile))
    }

    /// Resident memory at the end, MiB.
    pub(super) fn resident_mib(&self) -> f64 {
        float(self.resident) / 1_048_576.0
    }
}

/// Counts here stay far below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "counts and microseconds of one run stay far below 2⁵³")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// The middle value, or the mean of the two in the middle.
///
/// # Panics
/// On no values: a run has at least one round.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    assert!(!values.is_empty(), "a run has at least one round");
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// Processor time as text; a dash where no process was measured.
pub(super) fn micros_text(micros: f64) -> String {
    if micros > 0.0 { format!("{micros:.1}") } else { "–".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_figures_per_answer() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0].into_iter()) - 2.5).abs() < 1e-9);
        let mut latency = Histogram::new(3).expect("three digits");
        latency.record(700).expect("in range");
        let usage = |cpu| {
            let cpu = Duration::from_millis(cpu);
            Usage { cpu, threads: [("main".to_owned(), cpu / 2)].into(), resident: 3 << 20 }
        };
        let tally = Tally {
            answered: 1000,
            answered_in_all: 1100,
            refused: [].into(),
            broken: 0,
            elapsed: Duration::from_millis(500),
            latency,
            meter: (usage(10), usage(40)),
        };
        let figures = Figures::of(&tally);
        assert!((figures.per_second() - 2000.0).abs() < 1e-6);
        assert!((figures.cpu_micros() - 30.0).abs() < 1e-6);
        let threads: Vec<(&str, f64)> = figures.thread_micros().collect();
        assert!(threads.len() == 1 && threads[0].0 == "main" && (threads[0].1 - 15.0).abs() < 1e-6);
        assert!((figures.resident_mib() - 3.0).abs() < 1e-6);
        assert!((figures.latency_micros(0.5) - 700.0).abs() < 1.0);
    }
}
