//! What systemd is told of this process, in the protocol of `sd_notify(3)`: one datagram a message, to the socket that
//! the environment names. Where it names none, nothing is sent and nothing runs.
//!
//! A process is one service and has one or two parts (an agent, an aggregator): it is ready once all of them are, and
//! the watchdog is fed only after each has shown that it goes on.

use crate::clock;
use crate::shutdown::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Between two looks where no watchdog waits: for the words that `systemctl status` shows.
const PERIOD: Duration = Duration::from_secs(30);
/// How late a loop may be against its own word: a machine that starts many programs at once is slow for seconds.
const SLACK: Duration = Duration::from_secs(10);

/// How many times later than announced a part that starts may show that it goes on: two words may be lost.
const LATE: u32 = 6;

/// The service of this process, as the environment describes it.
#[derive(Debug)]
pub struct Service {
    socket: UnixDatagram,
    manager: SocketAddr,
    watchdog: Option<Duration>,
    parts: Mutex<Vec<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_ready: bool,
    /// Has shown that it goes on since the watchdog was fed last.
    is_alive: bool,
    is_stopping: bool,
    status: String,
}

/// One part's word to the service manager; by default to nobody. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Part(Option<(Arc<Service>, usize)>);

impl Service {
    /// The service whose manager listens at `socket`: a path, or a name in the kernel's own space after `@`. It asks
    /// for a sign of life at least every `watchdog`, if at all.
    ///
    /// # Errors
    /// Where the address is none, or there is no socket to be had.
    pub fn new(socket: &Path, watchdog: Option<Duration>) -> std::io::Result<Self> {
        let manager = match socket.as_os_str().as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(socket)?,
        };
        let socket = UnixDatagram::unbound()?;
        // A manager that does not read must not hold up what it manages.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, manager, watchdog, parts: Mutex::default() })
    }

    /// Its parts; all have to be made before the first of them speaks.
    pub fn parts<const N: usize>(self) -> [Part; N] {
        self.lock().resize_with(N, State::default);
        let service = Arc::new(self);
        std::array::from_fn(|index| Part(Some((Arc::clone(&service), index))))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<State>> {
        // Each change leaves the list whole.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, message: &str) {
        if let Err(error) = self.socket.send_to_addr(message.as_bytes(), &self.manager) {
            tracing::debug!(%error, message, "the service manager was not told");
        }
    }
}

impl Part {
    /// This part does what it is for.
    pub(crate) fn ready(&self) {
        self.change(|state| state.is_ready = true, |parts| all(parts, |part| part.is_ready), "READY=1");
    }

    /// This part is not ready yet, and needs longer than a start may take; it says so again within `period`.
    pub(crate) fn starting(&self, status: &str, period: Duration) {
        let Some((service, _)) = &self.0 else { return };
        let limit = (period * LATE).as_micros();
        service.send(&format!("EXTEND_TIMEOUT_USEC={limit}\nSTATUS={}", status.replace('\n', " ")));
    }

    /// This part begins to end.
    pub(crate) fn stopping(&self) {
        let first = |parts: &[State]| parts.iter().filter(|part| part.is_stopping).count() == 1;
        self.change(|state| state.is_stopping = true, first, "STOPPING=1");
    }

    /// This part goes on, and how.
    pub(crate) fn alive(&self, status: String) {
        let Some((service, index)) = &self.0 else { return };
        let mut parts = service.lock();
        if let Some(state) = parts.get_mut(*index) {
            state.is_alive = true;
            state.status = status;
        }
        if all(&parts, |part| part.is_alive) {
            parts.iter_mut().for_each(|part| part.is_alive = false);
            let words: Vec<_> = parts.iter().map(|part| part.status.replace('\n', " ")).collect();
            service.send(&format!("WATCHDOG=1\nSTATUS={}", words.join("; ")));
        }
    }

    /// Looks now and then how this part goes on and tells it, until `shutdown`, which it tells too. Where `look` finds
    /// nothing the watchdog is not fed.
    pub(crate) async fn report(self, mut look: impl FnMut() -> Option<String>, shutdown: Shutdown) {
        let Some(period) = self.period() else { return };
        let reports = async {
            loop {
                if let Some(status) = look() {
                    self.alive(status);
                } else {
                    tracing::warn!("the watchdog is not fed: no progress is seen");
                }
                tokio::time::sleep(period).await;
            }
        };
        tokio::select! {
            () = reports => {}
            () = shutdown.requested() => self.stopping(),
        }
    }

    /// Between two looks; nothing where nobody listens.
    fn period(&self) -> Option<Duration> {
        let (service, _) = self.0.as_ref()?;
        // Two may be late or lost.
        Some(service.watchdog.map_or(PERIOD, |watchdog| watchdog / 3))
    }

    /// Sends `message` where a change of this part makes `now` true of all.
    fn change(&self, change: impl Fn(&mut State), now: impl Fn(&[State]) -> bool, message: &str) {
        let Some((service, index)) = &self.0 else { return };
        let mut parts = service.lock();
        let before = now(&parts);
        if let Some(state) = parts.get_mut(*index) {
            change(state);
        }
        if !before && now(&parts) {
            service.send(message);
        }
    }
}

fn all(parts: &[State], is: impl Fn(&State) -> bool) -> bool {
    parts.iter().all(is)
}

/// A loop's word that it goes on, for somebody beside it to look at.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Milliseconds since boot.
    due: AtomicU64,
}

impl Pulse {
    /// The loop is here, and will be again within `pause`.
    pub(crate) fn beat(&self, pause: Duration) {
        self.due.store(clock::millis(clock::since_boot() + pause + SLACK), Ordering::Relaxed);
    }

    /// Whether the loop is not overdue.
    pub(crate) fn is_kept(&self) -> bool {
        clock::millis(clock::since_boot()) <= self.due.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A manager's socket, and a service that speaks to it.
    fn service(name: &str) -> (UnixDatagram, Service, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = if name.starts_with('@') { name.into() } else { folder.path().join(name) };
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(&path),
        };
        let manager = UnixDatagram::bind_addr(&address.expect("an address")).expect("a socket");
        manager.set_nonblocking(true).expect("a socket can");
        (manager, Service::new(&path, Some(Duration::from_millis(30))).expect("an address"), folder)
    }

    fn heard(manager: &UnixDatagram) -> Vec<String> {
        let mut buffer = [0; 4096];
        std::iter::from_fn(|| manager.recv(&mut buffer).ok().map(|length| text(&buffer[..length]))).collect()
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn a_path_and_a_name_of_the_kernel_s_space_are_reached() {
        let check = |name: &str| {
            let (manager, service, _folder) = service(name);
            let [part] = service.parts();
            part.ready();
            assert_eq!(heard(&manager), ["READY=1"], "{name}");
        };
        check("socket");
        check(&format!("@sysmond-test-{}", std::process::id()));
    }

    #[test]
    fn each_word_is_said_once_and_for_all_parts() {
        let (manager, service, _folder) = service("socket");
        let [one, other] = service.parts();
        one.ready();
        one.alive("a\nb".into());
        one.alive("c".into());
        assert!(heard(&manager).is_empty(), "the other part said nothing yet");
        other.ready();
        other.ready();
        assert_eq!(heard(&manager), ["READY=1"]);
        other.alive("d\nWATCHDOG=trigger".into());
        assert_eq!(heard(&manager), ["WATCHDOG=1\nSTATUS=c; d WATCHDOG=trigger"]);
        other.alive("e".into());
        assert!(heard(&manager).is_empty(), "fed again only after both");
        one.stopping();
        other.stopping();
        assert_eq!(heard(&manager), ["STOPPING=1"]);
    }

    #[test]
    fn a_long_start_asks_for_time() {
        let (manager, service, _folder) = service("socket");
        let [part, _other] = service.parts();
        part.starting("bringing\nREADY=1", Duration::from_secs(10));
        assert_eq!(heard(&manager), ["EXTEND_TIMEOUT_USEC=60000000\nSTATUS=bringing READY=1"]);
    }

    #[test]
    fn nobody_listens_by_default() {
        let part = Part::default();
        part.ready();
        part.alive(String::new());
        assert_eq!(part.period(), None);
    }

    #[tokio::test]
    async fn without_progress_the_watchdog_starves() {
        let (manager, service, _folder) = service("socket");
        let [part] = service.parts();
        let (shutdown, mut looks) = (Shutdown::new(), 0);
        let look = || {
            looks += 1;
            // Progress at the first look alone; after the fourth the test has seen enough.
            if looks == 4 {
                shutdown.request();
            }
            (looks == 1).then(|| "well".to_owned())
        };
        part.report(look, shutdown.clone()).await;
        assert_eq!(heard(&manager), ["WATCHDOG=1\nSTATUS=well", "STOPPING=1"]);
    }

    #[test]
    fn a_pulse_is_kept_until_it_is_overdue() {
        let pulse = Pulse::default();
        assert!(!pulse.is_kept(), "a loop that never ran");
        pulse.beat(Duration::ZERO);
        assert!(pulse.is_kept());
        pulse.due.store(clock::millis(clock::since_boot()) - 1, Ordering::Relaxed);
        assert!(!pulse.is_kept());
    }
}
