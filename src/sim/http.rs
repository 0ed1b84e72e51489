//! The hub behind real HTTPS: accepts, shakes hands in a task per connection, hands requests to [`SimHub`], and
//! lets the faults come between.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cut::{Line, Scissors};
use super::door;
use super::faults::{Fate, Faults};
use super::hub::{Asked, Request, SimHub, Wait};

/// A handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Handshakes under way at once; more wait in the kernel's queue.
const MAX_HANDSHAKES: usize = 256;
/// The largest body that is read; the service's own limits are far below.
const MAX_BODY_BYTES: usize = 4 * 1_024 * 1_024;

/// What every request needs.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) hub: SimHub,
    pub(super) faults: Faults,
    pub(super) stop: CancellationToken,
    /// As it stands in connection strings: `127.0.0.1:PORT`.
    pub(super) host: String,
    /// What its world is called.
    pub(super) scenario: String,
}

/// What answers at a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// The hub, with the faults on the way to it.
    Hub,
    /// The door to the simulator itself, which no fault closes: somebody has to end them.
    Door,
}

/// Serves until `shared.stop` is cancelled, then lets answers under way finish. Whoever waits in a fault is let go.
pub(super) async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
    behind: Behind,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let (ready, connections) = mpsc::channel(16);
    let tasks = TaskTracker::new();
    tasks.spawn(accept(listener, acceptor, Arc::clone(&shared), behind, ready, tasks.clone()));
    tasks.close();
    let stopped = shared.stop.clone().cancelled_owned();
    let router = match behind {
        Behind::Hub => Router::new().fallback(answer),
        Behind::Door => Router::new().fallback(door::answer),
    };
    let router = router.with_state(shared).into_make_service_with_connect_info::<Scissors>();
    let result = axum::serve(TlsListener { connections, address }, router).with_graceful_shutdown(stopped).await;
    tasks.wait().await;
    result
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
    behind: Behind,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
    tasks: TaskTracker,
) {
    let slots = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            () = shared.stop.cancelled() => return,
            next = next => next,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file handles, or the peer went away meanwhile; give others time to close.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (acceptor, shared, ready) = (acceptor.clone(), Arc::clone(&shared), ready.clone());
        tasks.spawn(async move {
            let _slot = slot;
            tokio::select! {
                () = shared.stop.cancelled() => {}
                () = async {
                    if behind == Behind::Hub {
                        shared.faults.reachable().await;
                    }
                    shake_hands(stream, peer, &acceptor, &ready).await;
                } => {}
            }
        });
    }
}

async fn shake_hands(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: &TlsAcceptor,
    ready: &mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    // Small answers must not wait for the peer's acknowledgement; without the option they are only slower.
    drop(stream.set_nodelay(true));
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        // The receiver is gone only while the server stops.
        Ok(Ok(stream)) => drop(ready.send((stream, peer)).await),
        Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
        Err(_elapsed) => tracing::debug!(%peer, "TLS handshake took too long"),
    }
}

/// Connections that are past their handshake.
struct TlsListener {
    connections: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Listener for TlsListener {
    type Io = Line<TlsStream<TcpStream>>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.connections.recv().await {
            Some((stream, peer)) => (Line::new(stream), peer),
            // Nobody accepts any more; axum stops by the same token.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        stream.io().scissors()
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: HttpRequest,
) -> HttpResponse {
    tokio::select! {
        () = shared.stop.cancelled() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        response = through_faults(&shared, &scissors, request) => response,
    }
}

/// A request as the hub takes it.
pub(super) fn to_hub(head: &Parts, body: Vec<u8>) -> Request {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Request {
        method: head.method.as_str().to_owned(),
        path_and_query: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body,
        waited: Duration::ZERO,
        queued: false,
    }
}

async fn through_faults(shared: &Arc<Shared>, scissors: &Scissors, request: HttpRequest) -> HttpResponse {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    shared.faults.reachable().await;
    shared.faults.delay().await;
    let mut request = to_hub(&head, body.into());
    let fate = shared.faults.befall(Asked::of(&request));
    match fate {
        Fate::RequestDropped => return cut(scissors),
        Fate::Reset => {
            scissors.reset();
            // Never sent: writing it is what fails.
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Fate::Overtaken => {
            let (hub, asked) = (Arc::clone(shared), request.clone());
            // Fails with the hub alone, which the request itself meets next.
            drop(tokio::task::spawn_blocking(move || hub.hub.overtake(&asked)).await);
        }
        Fate::Served | Fate::ReplyDropped | Fate::Refused(_) => {}
    }
    let answer = loop {
        // Over a large fleet it takes a while, in which others want to be let in.
        let (hub, asked) = (Arc::clone(shared), request.clone());
        let answer = tokio::task::spawn_blocking(move || match fate {
            Fate::Refused(refusal) => hub.hub.refuse(&asked, refusal),
            Fate::Served | Fate::RequestDropped | Fate::Reset | Fate::Overtaken | Fate::ReplyDropped => {
                hub.hub.handle(&asked)
            }
        });
        let Ok(answer) = answer.await else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        match answer.wait {
            Wait::None => break answer,
            Wait::Late(after) => {
                tokio::time::sleep(after).await;
                break answer;
            }
            Wait::Again(after) => {
                tokio::time::sleep(after).await;
                request.waited += after;
            }
            Wait::Turn(after) => {
                tokio::time::sleep(after).await;
                request.queued = true;
            }
        }
    };
    // Switched off meanwhile: the write has happened, and its answer is lost.
    shared.faults.reachable().await;
    if fate == Fate::ReplyDropped {
        return cut(scissors);
    }
    let mut response = HttpResponse::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    if head.version >= Version::HTTP_2 {
        // It knows no such header: connections end in other ways there.
        response.headers_mut().remove(header::CONNECTION);
    }
    response
}

/// Ends the connection without a word. The response is never sent: writing it is what fails.
fn cut(scissors: &Scissors) -> HttpResponse {
    scissors.cut();
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
