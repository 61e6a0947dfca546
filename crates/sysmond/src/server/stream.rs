//! A connection's bytes: gives up on a client that takes nothing, and closes so that the last answer arrives.

use super::{Figures, Limits};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;

/// A TCP connection that holds its slot among the connections until it is dropped, also after an upgrade to
/// WebSocket.
pub(super) struct Stream {
    tcp: TcpStream,
    write_stall: Duration,
    linger: Duration,
    /// Runs while the client takes nothing; allocated only then.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs once our side is shut.
    lingering: Option<Pin<Box<Sleep>>>,
    figures: Arc<Figures>,
    _slot: OwnedSemaphorePermit,
}

impl Stream {
    pub(super) fn new(
        tcp: TcpStream,
        limits: &Limits,
        slot: OwnedSemaphorePermit,
        figures: Arc<Figures>,
    ) -> Self {
        figures.open.fetch_add(1, Ordering::Relaxed);
        let Limits { write_stall, linger, .. } = *limits;
        Self { tcp, write_stall, linger, stalled: None, lingering: None, figures, _slot: slot }
    }

    fn watch_stall(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stall = self.write_stall;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall))).as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Throws away what still arrives, until the client closes or the time is up. Closing with bytes unread would
    /// send a reset, which may overtake the answer that says why.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Asked first: a client that sends without end would keep the reads ready for ever.
        if self.lingering.as_mut().is_none_or(|sleep| sleep.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(());
        }
        let mut rest = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut rest);
            ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buffer)).ok();
            if buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.figures.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.watch_stall(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, slices);
        self.watch_stall(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.tcp).poll_shutdown(cx))?;
            self.lingering = Some(Box::pin(tokio::time::sleep(self.linger)));
        }
        self.poll_linger(cx).map(Ok)
    }
}
