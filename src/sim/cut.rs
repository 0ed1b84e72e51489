//! A connection that can be cut in the middle, as a network does it: without a word to the other side, or with a reset,
//! which is the one word it knows. Whatever else is under way on it is gone too.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What cuts one connection; every request that came over it has them.
#[derive(Debug, Clone, Default)]
pub(super) struct Scissors(Arc<AtomicU8>);

const CUT: u8 = 1;
const RESET: u8 = 2;

impl Scissors {
    /// From now on nothing is sent or read any more.
    pub(super) fn cut(&self) {
        self.0.store(CUT, Ordering::Release);
    }

    /// The same, and the other side is told that the connection is no more.
    pub(super) fn reset(&self) {
        self.0.store(RESET, Ordering::Release);
    }

    fn check(&self, stream: &impl Resets) -> io::Result<()> {
        match self.0.load(Ordering::Acquire) {
            CUT => Err(io::ErrorKind::ConnectionReset.into()),
            RESET => {
                stream.will_reset();
                Err(io::ErrorKind::ConnectionReset.into())
            }
            _ => Ok(()),
        }
    }
}

/// A stream that can end with a reset.
pub(super) trait Resets {
    /// From now on, closing it resets the connection.
    fn will_reset(&self);
}

impl Resets for TlsStream<TcpStream> {
    fn will_reset(&self) {
        // Without the option it ends as if it were cut.
        drop(self.get_ref().0.set_zero_linger());
    }
}

/// The connection.
#[derive(Debug)]
pub(super) struct Line<S> {
    stream: S,
    scissors: Scissors,
}

impl<S> Line<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, scissors: Scissors::default() }
    }

    pub(super) fn scissors(&self) -> Scissors {
        self.scissors.clone()
    }
}

impl<S: AsyncRead + Resets + Unpin> AsyncRead for Line<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.scissors.check(&self.stream)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Resets + Unpin> AsyncWrite for Line<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.scissors.check(&self.stream)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.scissors.check(&self.stream)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS would say goodbye, which a network that is gone does not.
        match self.scissors.check(&self.stream) {
            Err(_cut) => Poll::Ready(Ok(())),
            Ok(()) => Pin::new(&mut self.stream).poll_shutdown(cx),
        }
    }
}
