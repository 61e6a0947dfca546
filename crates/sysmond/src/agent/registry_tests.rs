use super::*;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use sysmond_model::catalogue::{CPU_TOTAL_USAGE, LOAD_AVG_1M};
use sysmond_procfs::{Lane, SourceError};

/// Long enough for any machine: a test that reaches it has failed.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(1);

enum Order {
    Give(f64),
    Fail(f64),
    Deny(f64),
    Miss,
    Panic,
}

/// A source that does what the test orders, and hangs until it is ordered.
struct Puppet {
    name: &'static str,
    orders: Receiver<Order>,
}

impl Source for Puppet {
    fn name(&self) -> &'static str {
        self.name
    }

    fn lane(&self) -> Lane {
        Lane::Storage
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        let metric = &CPU_TOTAL_USAGE;
        match self.orders.recv().unwrap() {
            Order::Give(value) => out.put(metric, "", value),
            Order::Miss => {
                return Err(SourceError::Absent {
                    path: Path::new("/proc/x").into(),
                    reason: "no such thing",
                });
            }
            Order::Panic => panic!("ordered to"),
            Order::Deny(value) => {
                out.put(metric, "", value);
                let source = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
                return Err(SourceError::Io { path: Path::new("/proc/x").into(), source: source.into() });
            }
            Order::Fail(value) => {
                out.put(metric, "", value);
                return Err(SourceError::Malformed { path: Path::new("/proc/x").into(), reason: "ordered" });
            }
        }
        Ok(())
    }
}

fn puppet(name: &'static str) -> (Sender<Order>, Box<dyn Source>) {
    let (orders, receiver) = channel();
    (orders, Box::new(Puppet { name, orders: receiver }))
}

struct Steady;

impl Source for Steady {
    fn name(&self) -> &'static str {
        "steady"
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        out.put(&LOAD_AVG_1M, "", 7.0);
        Ok(())
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        out.counter("steady_total", "Seven", &[], 7.0);
        Ok(())
    }
}

/// A source that the test orders about, and a steady one.
fn registry() -> (Sender<Order>, Registry) {
    let (orders, puppet) = puppet("puppet");
    (orders, Registry::start(vec![puppet, Box::new(Steady)]).unwrap())
}

/// Of each collector: whether it is up, and its values.
fn seen(registry: &Registry) -> Vec<(Option<bool>, Vec<f64>)> {
    let values = |values: &Values| values.iter().map(|(_, _, value)| value).collect();
    registry.collectors().iter().map(|collector| (collector.is_up(), values(collector.values()))).collect()
}

fn steady() -> (Option<bool>, Vec<f64>) {
    (Some(true), vec![7.0])
}

#[tokio::test]
async fn a_failing_source_gives_what_it_has_and_is_down_until_it_reads_again() {
    let (orders, mut registry) = registry();
    assert_eq!(seen(&registry), [(None, vec![]), (None, vec![])]);
    orders.send(Order::Fail(1.0)).unwrap();
    registry.read(LONG).await;
    assert_eq!(seen(&registry), [(Some(false), vec![1.0]), steady()]);
    orders.send(Order::Give(2.0)).unwrap();
    registry.read(LONG).await;
    assert_eq!(seen(&registry), [(Some(true), vec![2.0]), steady()]);
    registry.stop();
}

#[tokio::test]
async fn a_source_that_the_host_has_not_is_neither_up_nor_down_and_says_why() {
    let (orders, mut registry) = registry();
    orders.send(Order::Miss).unwrap();
    registry.read(LONG).await;
    assert_eq!(seen(&registry), [(None, vec![]), steady()]);
    assert_eq!(registry.collectors()[0].took(), None);
    let reasons = registry.reasons().lock().unwrap().clone();
    assert_eq!(
        reasons.into_iter().collect::<Vec<_>>(),
        [("puppet", "no such thing: there is no /proc/x".to_owned())]
    );
    orders.send(Order::Give(1.0)).unwrap();
    registry.read(LONG).await;
    assert_eq!(seen(&registry)[0], (Some(true), vec![1.0]));
    assert!(registry.reasons().lock().unwrap().is_empty());
    registry.stop();
}

#[tokio::test]
async fn a_source_of_which_others_may_see_more_is_up_and_says_so() {
    let (orders, mut registry) = registry();
    orders.send(Order::Deny(1.0)).unwrap();
    registry.read(LONG).await;
    assert_eq!(seen(&registry), [(Some(true), vec![1.0]), steady()]);
    let told = registry.reasons().lock().unwrap().get("puppet").cloned();
    assert_eq!(told.unwrap(), "cannot read /proc/x: permission denied");
    registry.stop();
}

#[tokio::test]
async fn a_lane_that_hangs_exposes_nothing_and_holds_up_no_other() {
    let (orders, mut registry) = registry();
    assert!(registry.expose(LONG).await.text().contains("steady_total 7"));
    registry.read(SHORT).await;
    while seen(&registry)[1].0 != Some(true) {
        registry.read(LONG.min(Duration::from_millis(200))).await;
    }
    assert!(registry.expose(LONG).await.text().contains("steady_total 7"));
    drop(orders);
}

#[tokio::test]
async fn sources_of_a_lane_share_a_thread_and_keep_their_own_values() {
    let steady: Vec<Box<dyn Source>> = (0..5).map(|_| Box::new(Steady) as Box<dyn Source>).collect();
    let mut registry = Registry::start(steady).unwrap();
    assert_eq!(registry.thread_count(), 1);
    registry.read(LONG).await;
    assert_eq!(seen(&registry), [(); 5].map(|()| self::steady()));
    registry.stop();
}

#[tokio::test]
async fn a_panicking_source_gives_nothing_and_may_recover() {
    let (orders, mut registry) = registry();
    orders.send(Order::Panic).unwrap();
    registry.read(LONG).await;
    assert_eq!(seen(&registry), [(Some(false), vec![]), steady()]);
    orders.send(Order::Give(2.0)).unwrap();
    registry.read(LONG).await;
    assert_eq!(seen(&registry), [(Some(true), vec![2.0]), steady()]);
    registry.stop();
}

#[tokio::test]
async fn a_hanging_source_is_not_asked_again_and_its_late_value_is_thrown_away() {
    let (orders, mut registry) = registry();
    registry.read(SHORT).await;
    assert_eq!(seen(&registry)[0], (Some(false), vec![]));
    // The steady one was perhaps late too: it comes back by itself, the hanging one is not waited for.
    let begin = std::time::Instant::now();
    while seen(&registry) != [(Some(false), vec![]), steady()] {
        registry.read(LONG).await;
        assert!(begin.elapsed() < LONG, "a round waited for the source that hangs");
    }
    orders.send(Order::Give(1.0)).unwrap();
    orders.send(Order::Give(2.0)).unwrap();
    while seen(&registry)[0].0 != Some(true) {
        registry.read(LONG).await;
        assert!(!seen(&registry)[0].1.contains(&1.0), "a late value came through");
        assert!(begin.elapsed() < LONG, "the source did not come back");
    }
    assert_eq!(seen(&registry), [(Some(true), vec![2.0]), steady()]);
    registry.stop();
}

#[tokio::test]
async fn a_late_answer_ends_no_wait_and_leaves_no_value() {
    let (orders, mut registry) = registry();
    orders.send(Order::Give(1.0)).unwrap();
    registry.read(LONG).await;
    let mut values = Values::default();
    values.put(&CPU_TOTAL_USAGE, "", 9.0);
    let late = Answer { index: 0, round: registry.round - 1, values, outcome: Ok(()), took: SHORT };
    registry.answers.lock().push(late);
    assert_eq!(registry.take_answers(), 0);
    assert_eq!(seen(&registry), [(Some(true), vec![]), steady()]);
    registry.stop();
}
