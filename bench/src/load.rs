//! Pushes: as fast as they are answered, or at a given pace.

use crate::fleet::{Fleet, Host};
use crate::server::{Pusher, Server, Verdict};
use anyhow::{Context, Result};
use std::thread;
use std::time::{Duration, Instant};

/// Pushes of each host between two points at which all wait for the slowest: a server may refuse what is more than an
/// hour behind the newest.
const STRIDE: usize = 30;
/// Before a push that was refused is sent again.
const PAUSE: Duration = Duration::from_millis(10);

/// What was sent, and how it was answered.
#[derive(Debug, Default)]
pub struct Load {
    /// Samples, all of them acknowledged.
    pub samples: u64,
    /// Pushes that had to be sent again.
    pub refused: u64,
    /// From the first push to the last answer.
    pub took: Duration,
    /// From when a push was due to its answer, ascending.
    pub answers: Vec<Duration>,
}

impl Load {
    fn add(&mut self, other: Self) {
        self.samples += other.samples;
        self.refused += other.refused;
        self.answers.extend(other.answers);
    }

    /// Pushes the next of `host`, which was due `then`.
    fn push(&mut self, lane: &mut Pusher, host: &mut Host, then: Option<Instant>) -> Result<()> {
        let frame = host.frame();
        let samples = frame.sample_count();
        lane.prepare(&host.name, &frame)?;
        let due = then.unwrap_or_else(Instant::now);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        while lane.send(samples)? == Verdict::Busy {
            self.refused += 1;
            thread::sleep(PAUSE);
        }
        self.answers.push(due.elapsed());
        self.samples += samples as u64;
        Ok(())
    }

    fn finished(mut self, begin: Instant) -> Self {
        self.took = begin.elapsed();
        self.answers.sort_unstable();
        self
    }
}

/// `pushes` of each host, over so many connections, each of which waits for its answers.
pub fn full_speed(server: &Server, fleet: &mut Fleet, pushes: usize, connections: usize) -> Result<Load> {
    let begin = Instant::now();
    let mut lanes = open(server, fleet, connections)?;
    let mut load = Load::default();
    let mut left = pushes;
    while left > 0 {
        let stride = left.min(STRIDE);
        left -= stride;
        load.add(in_lanes(&mut lanes, fleet, |_, pusher, hosts| {
            let mut own = Load::default();
            for _ in 0..stride {
                for host in &mut *hosts {
                    own.push(pusher, host, None)?;
                }
            }
            Ok(own)
        })?);
    }
    Ok(load.finished(begin))
}

/// `per_second` pushes in equal steps for `time`, the hosts in turn.
pub fn paced(
    server: &Server,
    fleet: &mut Fleet,
    per_second: f64,
    time: Duration,
    connections: usize,
) -> Result<Load> {
    let mut lanes = open(server, fleet, connections)?;
    let count = lanes.len();
    let begin = Instant::now();
    let step = Duration::from_secs_f64(count as f64 / per_second);
    let load = in_lanes(&mut lanes, fleet, |lane, pusher, hosts| {
        let mut own = Load::default();
        let mut due = begin + step.mul_f64((lane + 1) as f64 / count as f64);
        let mut turn = 0;
        while due < begin + time {
            let place = turn % hosts.len();
            let host = hosts.get_mut(place).context("a lane has hosts")?;
            own.push(pusher, host, Some(due))?;
            due += step;
            turn += 1;
        }
        Ok(own)
    })?;
    Ok(load.finished(begin))
}

fn open(server: &Server, fleet: &Fleet, connections: usize) -> Result<Vec<Pusher>> {
    (0..connections.min(fleet.hosts().len())).map(|_| Pusher::new(server)).collect()
}

/// Gives each connection its part of the hosts, and a thread.
fn in_lanes(
    pushers: &mut [Pusher],
    fleet: &mut Fleet,
    work: impl Fn(usize, &mut Pusher, &mut [Host]) -> Result<Load> + Sync,
) -> Result<Load> {
    let mut hosts = fleet.hosts_mut();
    let lanes = pushers.len();
    thread::scope(|scope| {
        let mut running = Vec::with_capacity(lanes);
        for (lane, pusher) in pushers.iter_mut().enumerate() {
            let (own, others) = hosts.split_at_mut(hosts.len() / (lanes - lane));
            hosts = others;
            let work = &work;
            running.push(scope.spawn(move || work(lane, pusher, own)));
        }
        let mut all = Load::default();
        for lane in running {
            all.add(lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(all)
    })
}

/// The value below which that share of sorted values is.
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let place = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let check = |values: &[u64], share, expected| {
            let sorted: Vec<_> = values.iter().copied().map(Duration::from_millis).collect();
            assert_eq!(quantile(&sorted, share), Duration::from_millis(expected), "{share} of {values:?}");
        };
        check(&[], 0.5, 0);
        check(&[7], 0.99, 7);
        check(&[1, 2, 3], 0.5, 2);
        check(&(0..=100).collect::<Vec<_>>(), 0.99, 99);
    }
}
