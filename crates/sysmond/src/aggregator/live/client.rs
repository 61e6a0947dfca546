//! One WebSocket: what it is sent, and what it may say.
//!
//! Reader and writer run side by side: while a message waits to be taken, a Close is still seen. There is no queue
//! for a client; it is always sent what is newest.

use super::feed::Feed;
use super::{super::counters::Counters, Limits};
use crate::shutdown::Shutdown;
use axum::body::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Bytes of one WebSocket frame; longer messages go out in several, since the connection's buffer never shrinks
/// again below its largest frame, and there are thousands of connections.
const MAX_FRAME_BYTES: usize = 16 * 1024;
/// Clients have nothing to say but Close, Ping and Pong, which have at most 125 bytes.
const MAX_INCOMING_BYTES: usize = 4 * 1024;
/// Read buffer of a connection.
const READ_BUFFER_BYTES: usize = 1024;
/// How long the last words to a client may take, and its answer.
const FAREWELL: Duration = Duration::from_millis(500);

/// Why a connection ended.
enum End {
    /// The client closed or was lost.
    Gone,
    /// The client sent nothing, no Pong either, for too long.
    Silent,
    /// The client took nothing for too long.
    TooSlow,
    /// The client sent data.
    Talked,
    /// The server stops.
    Shutdown,
}

/// Serves one client until either side ends it.
pub(super) async fn run(
    socket: TokioIo<Upgraded>,
    mut feed: Feed,
    limits: &Limits,
    counters: &Counters,
    shutdown: &Shutdown,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(MAX_INCOMING_BYTES))
        .max_frame_size(Some(MAX_INCOMING_BYTES));
    let socket = WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await;
    let (mut sink, mut stream) = socket.split();
    let end = tokio::select! {
        end = read(&mut stream, limits) => end,
        end = write(&mut sink, &mut feed, limits, counters, shutdown) => end,
    };
    drop(feed);
    let close = match end {
        End::Gone => return,
        End::TooSlow => return counters.clients_too_slow.add(1),
        End::Silent => CloseFrame { code: CloseCode::Away, reason: "no answer to pings".into() },
        End::Talked => {
            CloseFrame { code: CloseCode::Policy, reason: "this connection takes no messages".into() }
        }
        End::Shutdown => CloseFrame { code: CloseCode::Away, reason: "the server stops".into() },
    };
    let farewell = async {
        if sink.send(Message::Close(Some(close))).await.is_ok() {
            // Until its own Close has come, closing the socket could take ours from it.
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    // Whether it heard or not, the connection ends here.
    timeout(FAREWELL, farewell).await.ok();
}

/// Sees Close, protocol errors and silence; data is refused. tungstenite answers pings by itself.
async fn read(stream: &mut (impl Stream<Item = Result<Message, Error>> + Unpin), limits: &Limits) -> End {
    loop {
        match timeout(limits.silence, stream.next()).await {
            Err(_) => return End::Silent,
            Ok(None) => return End::Gone,
            Ok(Some(Err(Error::Capacity(_)) | Ok(Message::Text(_) | Message::Binary(_)))) => {
                return End::Talked;
            }
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "live connection ended");
                return End::Gone;
            }
            // The answer to a Close is sent by reading on.
            Ok(Some(Ok(Message::Close(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {}
        }
    }
}

/// Sends the beginning, then what is new as it comes, and pings in between.
async fn write(
    sink: &mut (impl Sink<Message, Error = Error> + Unpin),
    feed: &mut Feed,
    limits: &Limits,
    counters: &Counters,
    shutdown: &Shutdown,
) -> End {
    let mut ping = interval_at(tokio::time::Instant::now() + limits.ping, limits.ping);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch: Vec<Bytes> = feed.beginning().await;
    loop {
        for text in batch.drain(..) {
            match timeout(limits.write, send(sink, text)).await {
                Err(_) => return End::TooSlow,
                Ok(Err(_)) => return End::Gone,
                Ok(Ok(())) => counters.frames_sent.add(1),
            }
            if shutdown.is_requested() {
                return End::Shutdown;
            }
        }
        tokio::select! {
            () = feed.changed() => counters.frames_skipped.add(feed.take(&mut batch)),
            _ = ping.tick() => match timeout(limits.write, sink.send(Message::Ping(Bytes::new()))).await {
                Err(_) => return End::TooSlow,
                Ok(Err(_)) => return End::Gone,
                Ok(Ok(())) => {}
            },
            () = shutdown.requested() => return End::Shutdown,
        }
    }
}

/// One text message, in as many frames as it needs. The bytes are shared by all clients.
async fn send(sink: &mut (impl Sink<Message, Error = Error> + Unpin), mut text: Bytes) -> Result<(), Error> {
    let mut kind = Data::Text;
    loop {
        let part = text.split_to(text.len().min(MAX_FRAME_BYTES));
        let frame = Frame::message(part, OpCode::Data(kind), text.is_empty());
        sink.send(Message::Frame(frame)).await?;
        if text.is_empty() {
            return Ok(());
        }
        kind = Data::Continue;
    }
}
