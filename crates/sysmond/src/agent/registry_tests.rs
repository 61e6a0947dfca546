use super::*;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use sysmond_model::catalogue::{CPU_TOTAL_USAGE, LOAD_AVG_1M};
use sysmond_procfs::{Lane, Roots, SourceError, Values, WrongFile, sources, text_files};

/// Long enough for any machine: a test that reaches it has failed.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(1);

enum Order {
    Give(f64),
    Fail(f64),
    Deny(f64),
    /// These files are wrong.
    Files(&'static [&'static str]),
    Miss,
    Panic,
}

/// A source that does what the test orders, and hangs until it is ordered.
struct Puppet {
    name: &'static str,
    lane: Lane,
    orders: Receiver<Order>,
}

impl Source for Puppet {
    fn name(&self) -> &'static str {
        self.name
    }

    fn lane(&self) -> Lane {
        self.lane
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
            Order::Files(names) => {
                let wrong = |name| WrongFile { path: Path::new(name).into(), reason: "bad".to_owned() };
                return Err(SourceError::Files { wrong: names.iter().map(wrong).collect() });
            }
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
    puppet_in(Lane::Storage, name)
}

fn puppet_in(lane: Lane, name: &'static str) -> (Sender<Order>, Box<dyn Source>) {
    let (orders, receiver) = channel();
    (orders, Box::new(Puppet { name, lane, orders: receiver }))
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
    (orders, Registry::start(vec![puppet, Box::new(Steady)], true).unwrap())
}

/// Of each collector: whether it is up, and its values.
fn seen(registry: &Registry) -> Vec<(Option<bool>, Vec<f64>)> {
    let values = |values: &Values| values.iter().map(|(_, _, value)| value).collect();
    registry.collectors().iter().map(|collector| (collector.is_up(), values(collector.values()))).collect()
}

/// Why collectors give nothing.
fn reasons(registry: &Registry) -> Vec<(&'static str, String)> {
    registry.reasons().lock().unwrap().clone().into_iter().collect()
}

fn steady() -> (Option<bool>, Vec<f64>) {
    (Some(true), vec![7.0])
}

#[test]
fn a_failing_source_gives_what_it_has_and_is_down_until_it_reads_again() {
    let (orders, mut registry) = registry();
    assert_eq!(seen(&registry), [(None, vec![]), (None, vec![])]);
    orders.send(Order::Fail(1.0)).unwrap();
    registry.read(LONG);
    assert_eq!(seen(&registry), [(Some(false), vec![1.0]), steady()]);
    orders.send(Order::Give(2.0)).unwrap();
    registry.read(LONG);
    assert_eq!(seen(&registry), [(Some(true), vec![2.0]), steady()]);
    registry.stop();
}

#[test]
fn a_source_that_the_host_has_not_is_neither_up_nor_down_and_says_why() {
    let (orders, mut registry) = registry();
    orders.send(Order::Miss).unwrap();
    registry.read(LONG);
    assert_eq!(seen(&registry), [(None, vec![]), steady()]);
    assert_eq!(registry.collectors()[0].took(), None);
    assert_eq!(reasons(&registry), [("puppet", "no such thing: there is no /proc/x".to_owned())]);
    orders.send(Order::Give(1.0)).unwrap();
    registry.read(LONG);
    assert_eq!(seen(&registry)[0], (Some(true), vec![1.0]));
    assert!(reasons(&registry).is_empty());
    registry.stop();
}

#[test]
fn a_source_of_which_others_may_see_more_is_up_and_says_so() {
    let (orders, mut registry) = registry();
    orders.send(Order::Deny(1.0)).unwrap();
    registry.read(LONG);
    assert_eq!(seen(&registry), [(Some(true), vec![1.0]), steady()]);
    let told = registry.reasons().lock().unwrap().get("puppet").cloned();
    assert_eq!(told.unwrap(), "cannot read /proc/x: permission denied");
    registry.stop();
}

/// Reads until the lane that is not ordered about was in time.
fn read_until_steady(registry: &mut Registry, place: usize) {
    while seen(registry)[place].0 != Some(true) {
        registry.read(LONG.min(Duration::from_millis(200)));
    }
}

#[test]
fn of_a_lane_one_hangs_and_the_others_wait_behind_it() {
    let ((first_orders, first), (orders, second)) = (puppet("first"), puppet("second"));
    let mut registry = Registry::start(vec![first, second, Box::new(Steady)], false).unwrap();
    read_until_steady(&mut registry, 2);
    assert_eq!(seen(&registry), [(Some(false), vec![]), (Some(false), vec![]), steady()]);
    let told = |first: &str, second: &str| [("first", first.to_owned()), ("second", second.to_owned())];
    assert_eq!(reasons(&registry), told("it hangs", "waits behind first, which hangs"));
    // The first goes on, and now it is the second that hangs.
    first_orders.send(Order::Give(1.0)).unwrap();
    while reasons(&registry)[1].1 != "it hangs" {
        registry.read(SHORT);
    }
    while !seen(&registry).iter().all(|(is_up, _)| *is_up == Some(true)) {
        // One for the question that waits since long, and one for the next.
        for _ in 0..2 {
            first_orders.send(Order::Give(2.0)).unwrap();
            orders.send(Order::Give(3.0)).unwrap();
        }
        registry.read(LONG);
    }
    assert!(reasons(&registry).is_empty());
    registry.stop();
}

#[test]
fn a_disk_that_hangs_silences_neither_other_machines_nor_the_files_of_scripts() {
    let roots = Roots { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() };
    let mut real = sources(&roots, Duration::from_secs(3));
    real.push(text_files("/nowhere".into()));
    let in_its_lane = |name: &'static str| {
        let own = real.iter().find(|source| source.name() == name).unwrap();
        puppet_in(own.lane(), name)
    };
    let [(disk, filesystem), (servers, remote), (scripts, textfile)] =
        ["filesystem", "remote", "textfile"].map(in_its_lane);
    let mut registry = Registry::start(vec![filesystem, remote, textfile], true).unwrap();
    assert_eq!(registry.thread_count(), 3);
    let given = |value| (Some(true), vec![value]);
    while seen(&registry)[1..] != [given(1.0), given(2.0)] {
        servers.send(Order::Give(1.0)).unwrap();
        scripts.send(Order::Give(2.0)).unwrap();
        registry.read(Duration::from_millis(200));
    }
    assert_eq!(reasons(&registry), [("filesystem", "it hangs".to_owned())]);
    // One for the question that waits since long, and one for the next.
    for orders in [&disk, &disk, &servers, &scripts] {
        orders.send(Order::Give(3.0)).unwrap();
    }
    registry.read(LONG);
    registry.stop();
}

#[test]
fn each_file_that_is_wrong_is_a_reason() {
    let (orders, mut registry) = registry();
    for names in [&["/a", "/b"][..], &["/b"]] {
        orders.send(Order::Files(names)).unwrap();
        registry.read(LONG);
        let text: Vec<_> = names.iter().map(|name| format!("{name}: bad")).collect();
        assert_eq!(reasons(&registry), [("puppet", text.join("; "))]);
    }
    orders.send(Order::Give(1.0)).unwrap();
    registry.read(LONG);
    assert!(reasons(&registry).is_empty());
    registry.stop();
}

#[test]
fn a_lane_that_hangs_exposes_nothing_is_told_of_and_holds_up_no_other() {
    let (orders, mut registry) = registry();
    let well = |name: &str| format!("node_scrape_collector_success{{collector=\"{name}\"}} 1\n");
    let text = registry.expose(LONG).text();
    assert!(text.contains("steady_total 7\n") && text.contains(&well("steady")), "{text}");
    assert!(text.contains(&well("puppet")), "{text}");
    read_until_steady(&mut registry, 1);
    let text = registry.expose(LONG).text();
    assert!(text.contains("steady_total 7\n") && text.contains(&well("steady")), "{text}");
    assert!(text.contains("node_scrape_collector_success{collector=\"puppet\"} 0\n"), "{text}");
    assert!(!text.contains("duration_seconds{collector=\"puppet\"}"), "{text}");
    drop(orders);
}

/// Exposes at once, or hangs until the test lets it go.
struct Slow(Option<Receiver<()>>);

impl Source for Slow {
    fn name(&self) -> &'static str {
        if self.0.is_some() { "slow" } else { "quick" }
    }

    fn read(&mut self, _at: Duration, _out: &mut Values) -> Result<(), SourceError> {
        Ok(())
    }

    fn expose(&mut self, out: &mut Exposition) -> Result<(), SourceError> {
        if let Some(go) = &self.0 {
            go.recv().unwrap();
        }
        out.gauge(self.name(), "Help", &[], 1.0);
        Ok(())
    }
}

#[test]
fn of_a_lane_that_is_slow_what_came_in_time_is_exposed() {
    let (go, slow) = channel();
    let mut registry =
        Registry::start(vec![Box::new(Slow(None)), Box::new(Slow(Some(slow)))], false).unwrap();
    // However slow the machine is, the first is done at some time; the second never is.
    let mut text = String::new();
    while !text.contains("\nquick 1\n") {
        text = registry.expose(Duration::from_millis(50)).text();
        if !text.contains("\nquick 1\n") {
            go.send(()).unwrap();
            registry.read(LONG);
        }
    }
    assert!(text.contains("success{collector=\"quick\"} 1\n"), "{text}");
    assert!(text.contains("success{collector=\"slow\"} 0\n") && !text.contains("\nslow 1"), "{text}");
    // Nor is it asked again while it hangs, and its lane is told of as late.
    assert!(registry.expose(LONG).text().contains("success{collector=\"quick\"} 0\n"));
    registry.read(SHORT);
    assert_eq!(reasons(&registry)[1], ("slow", "it hangs".to_owned()));
    go.send(()).unwrap();
    registry.read(LONG);
    registry.stop();
}

#[test]
fn one_that_hangs_while_it_is_shown_is_not_waited_for_at_the_end() {
    let (go, slow) = channel();
    let mut registry = Registry::start(vec![Box::new(Slow(Some(slow)))], false).unwrap();
    registry.expose(SHORT);
    registry.stop();
    // It hung until now.
    go.send(()).unwrap();
}

/// Counts its readings, and rests for an hour, or not at all.
struct Resting(f64, bool);

impl Source for Resting {
    fn name(&self) -> &'static str {
        "resting"
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        self.0 += 1.0;
        out.put(&LOAD_AVG_1M, "", self.0);
        Ok(())
    }

    fn rests_until(&self) -> Option<Duration> {
        self.1.then(|| clock::since_boot() + Duration::from_mins(1))
    }
}

#[test]
fn of_a_source_that_rests_what_it_gave_stands() {
    for the_kernels in [true, false] {
        let sources: Vec<Box<dyn Source>> = vec![Box::new(Resting(0.0, true)), Box::new(Resting(0.0, false))];
        let mut registry = Registry::start(sources, the_kernels).unwrap();
        for _ in 0..3 {
            registry.read(LONG);
        }
        assert_eq!(seen(&registry), [1.0, 3.0].map(|value| (Some(true), vec![value])));
        assert!(registry.collectors()[0].took().is_some());
        registry.stop();
    }
}

#[test]
fn sources_of_a_lane_share_a_thread_and_keep_their_own_values() {
    let steady: Vec<Box<dyn Source>> = (0..5).map(|_| Box::new(Steady) as Box<dyn Source>).collect();
    let mut registry = Registry::start(steady, false).unwrap();
    assert_eq!(registry.thread_count(), 1);
    registry.read(LONG);
    assert_eq!(seen(&registry), [(); 5].map(|()| self::steady()));
    registry.stop();
}

/// Asks the kernel alone, and panics each other time.
struct Nervous(bool);

impl Source for Nervous {
    fn name(&self) -> &'static str {
        "nervous"
    }

    fn read(&mut self, _at: Duration, out: &mut Values) -> Result<(), SourceError> {
        self.0 = !self.0;
        assert!(self.0, "for fear");
        out.put(&LOAD_AVG_1M, "", 1.0);
        Ok(())
    }

    fn expose(&mut self, _out: &mut Exposition) -> Result<(), SourceError> {
        panic!("for fear");
    }
}

#[test]
fn what_only_asks_the_kernel_is_read_without_a_thread_and_may_panic_too() {
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Nervous(false)), Box::new(Steady)];
    let mut registry = Registry::start(sources, true).unwrap();
    assert_eq!(registry.thread_count(), 0);
    for nervous in [(Some(true), vec![1.0]), (Some(false), vec![]), (Some(true), vec![1.0])] {
        // Nobody else is waited for.
        registry.read(Duration::ZERO);
        assert_eq!(seen(&registry), [nervous, steady()]);
    }
    let text = registry.expose(Duration::ZERO).text();
    assert!(
        text.contains("success{collector=\"nervous\"} 0\n") && text.contains("steady_total 7\n"),
        "{text}"
    );
    registry.stop();
}

#[test]
fn a_panicking_source_gives_nothing_and_may_recover() {
    let (orders, mut registry) = registry();
    orders.send(Order::Panic).unwrap();
    registry.read(LONG);
    assert_eq!(seen(&registry), [(Some(false), vec![]), steady()]);
    orders.send(Order::Give(2.0)).unwrap();
    registry.read(LONG);
    assert_eq!(seen(&registry), [(Some(true), vec![2.0]), steady()]);
    registry.stop();
}

#[test]
fn a_hanging_source_is_not_asked_again_and_its_late_value_is_thrown_away() {
    let (orders, mut registry) = registry();
    registry.read(SHORT);
    assert_eq!(seen(&registry)[0], (Some(false), vec![]));
    // The steady one was perhaps late too: it comes back by itself, the hanging one is not waited for.
    let begin = std::time::Instant::now();
    while seen(&registry) != [(Some(false), vec![]), steady()] {
        registry.read(LONG);
        assert!(begin.elapsed() < LONG, "a round waited for the source that hangs");
    }
    orders.send(Order::Give(1.0)).unwrap();
    orders.send(Order::Give(2.0)).unwrap();
    while seen(&registry)[0].0 != Some(true) {
        registry.read(LONG);
        assert!(!seen(&registry)[0].1.contains(&1.0), "a late value came through");
        assert!(begin.elapsed() < LONG, "the source did not come back");
    }
    assert_eq!(seen(&registry), [(Some(true), vec![2.0]), steady()]);
    registry.stop();
}

#[test]
fn a_late_answer_ends_no_wait_and_leaves_no_value() {
    let (orders, mut registry) = registry();
    orders.send(Order::Give(1.0)).unwrap();
    registry.read(LONG);
    let mut values = Values::default();
    values.put(&CPU_TOTAL_USAGE, "", 9.0);
    let round = registry.round - 1;
    let late = Answer { index: 0, round, values, outcome: Ok(()), took: SHORT, rests_until: None };
    registry.answers.lock().push(late);
    assert_eq!(registry.take_answers(), 0);
    assert_eq!(seen(&registry), [(Some(true), vec![]), steady()]);
    registry.stop();
}
