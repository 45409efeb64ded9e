//! Which host of a backend takes the next call (reference 4.8), and which hosts rest because they keep failing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use torana_config::{Diagnostics, config, config_enum, read, valid::Component};

/// Namespace of [`BalancingConfig`].
pub const NAMESPACE: &str = "backend/balancing";

config_enum! {
    /// How a host is chosen.
    pub enum Strategy {
        /// Each call at random: what KrakenD does.
        Random = "random",
        /// One after the other, from a random start.
        RoundRobin = "round_robin",
        /// The better of two random hosts: the one with fewer calls in flight.
        LeastLoaded = "least_loaded",
    }
}

config! {
    /// `backend/balancing`: how calls are spread over the hosts of a backend. Not in KrakenD.
    pub struct BalancingConfig {
        /// How a host is chosen: `random`, `round_robin` or `least_loaded`.
        "strategy" strategy: Strategy = Strategy::Random,
        /// Failed calls in a row after which a host rests: no connection, a broken answer or a time-out. 0 for never.
        "eject_after" eject_after: u32 = 0,
        /// How long it rests.
        "eject_for" eject_for: Duration = Duration::from_secs(30),
    }
}

/// Chooses hosts and learns from their calls.
#[derive(Debug)]
pub struct Balancer {
    strategy: Strategy,
    eject_after: u32,
    eject_for: Duration,
    next: AtomicUsize,
    seed: AtomicU64,
    hosts: Box<[Health]>,
    epoch: Instant,
}

#[derive(Debug, Default)]
struct Health {
    in_flight: AtomicUsize,
    failures: AtomicU32,
    /// Milliseconds after the balancer's epoch until which the host rests.
    rests_until: AtomicU64,
}

/// A call in flight. Dropped without a verdict (the client went away) it counts as neither good nor bad.
#[derive(Debug)]
pub struct InFlight {
    balancer: Arc<Balancer>,
    host: usize,
}

impl Balancer {
    /// A balancer over `hosts` hosts.
    #[must_use]
    pub fn new(config: &BalancingConfig, hosts: usize) -> Self {
        // Not a secret: it only keeps gateways that start together from choosing alike.
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), hosts);
        Self {
            strategy: config.strategy,
            eject_after: config.eject_after,
            eject_for: config.eject_for,
            next: AtomicUsize::new(seed as usize),
            seed: AtomicU64::new(seed | 1),
            hosts: (0..hosts).map(|_| Health::default()).collect(),
            epoch: Instant::now(),
        }
    }

    /// Reads the settings of a backend.
    pub fn configure(component: Option<&Component>, out: &mut Diagnostics) -> BalancingConfig {
        component.and_then(|component| read(&component.value, &component.at, out)).unwrap_or(
            BalancingConfig {
                strategy: Strategy::Random,
                eject_after: 0,
                eject_for: Duration::from_secs(30),
            },
        )
    }

    /// The host for the next call.
    #[must_use]
    pub fn choose(&self) -> usize {
        let count = self.hosts.len();
        if count < 2 {
            return 0;
        }
        let first = match self.strategy {
            Strategy::RoundRobin => self.next.fetch_add(1, Ordering::Relaxed) % count,
            Strategy::Random => self.random(count),
            Strategy::LeastLoaded => {
                let (a, b) = (self.random(count), self.random(count));
                let load = |host: usize| self.hosts[host].in_flight.load(Ordering::Relaxed);
                if load(a) <= load(b) { a } else { b }
            }
        };
        if self.eject_after == 0 {
            return first;
        }
        // When every host rests, the chosen one is tried all the same: better than refusing.
        let now = self.now();
        (0..count)
            .map(|step| (first + step) % count)
            .find(|&host| self.rested(host, now))
            .unwrap_or(first)
    }

    /// Notes that a call begins.
    #[must_use]
    pub fn begin(self: &Arc<Self>, host: usize) -> InFlight {
        if let Some(health) = self.hosts.get(host) {
            health.in_flight.fetch_add(1, Ordering::Relaxed);
        }
        InFlight { balancer: self.clone(), host }
    }

    fn rested(&self, host: usize, now: u64) -> bool {
        self.hosts[host].rests_until.load(Ordering::Relaxed) <= now
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// xorshift64: choosing hosts needs spread, not secrecy.
    fn random(&self, count: usize) -> usize {
        let mut x = self.seed.load(Ordering::Relaxed);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.seed.store(x, Ordering::Relaxed);
        (x >> 16) as usize % count
    }
}

impl InFlight {
    /// Says how the call went.
    pub fn end(self, good: bool) {
        let Some(health) = self.balancer.hosts.get(self.host) else { return };
        if good {
            health.failures.store(0, Ordering::Relaxed);
            return;
        }
        let failures = health.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if self.balancer.eject_after > 0 && failures >= self.balancer.eject_after {
            health.failures.store(0, Ordering::Relaxed);
            let rest = u64::try_from(self.balancer.eject_for.as_millis()).unwrap_or(u64::MAX);
            let until = self.balancer.now().saturating_add(rest);
            health.rests_until.store(until, Ordering::Relaxed);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(health) = self.balancer.hosts.get(self.host) {
            health.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balancer(strategy: Strategy, eject_after: u32) -> Arc<Balancer> {
        let eject_for = Duration::from_secs(3600);
        Arc::new(Balancer::new(&BalancingConfig { strategy, eject_after, eject_for }, 3))
    }

    fn shares(balancer: &Balancer, calls: usize) -> [usize; 3] {
        let mut shares = [0; 3];
        for _ in 0..calls {
            shares[balancer.choose()] += 1;
        }
        shares
    }

    #[test]
    fn round_robin_is_even_and_random_nearly() {
        assert_eq!(shares(&balancer(Strategy::RoundRobin, 0), 300), [100, 100, 100]);
        let shares = shares(&balancer(Strategy::Random, 0), 3000);
        assert!(shares.iter().all(|share| (800..1200).contains(share)), "{shares:?}");
    }

    #[test]
    fn least_loaded_avoids_the_busy_host() {
        let balancer = balancer(Strategy::LeastLoaded, 0);
        let _busy: Vec<InFlight> = (0..10).map(|_| balancer.begin(1)).collect();
        // It is only taken when both draws hit it: one time in nine.
        assert!(shares(&balancer, 900)[1] < 200);
    }

    #[test]
    fn a_failing_host_rests_until_all_do() {
        let balancer = balancer(Strategy::RoundRobin, 2);
        balancer.begin(0).end(false);
        balancer.begin(0).end(true);
        balancer.begin(0).end(false);
        assert!(shares(&balancer, 30)[0] > 0);
        balancer.begin(0).end(false);
        assert_eq!(shares(&balancer, 30)[0], 0);
        for host in [1, 2] {
            balancer.begin(host).end(false);
            balancer.begin(host).end(false);
        }
        assert_eq!(shares(&balancer, 30), [10, 10, 10]);
    }
}
