//! The door through which other programs steer a running simulator: `POST /edgedeck/control` with the words that stand
//! after `:sim`, from whoever holds a key that may write to the registry. It is a socket of its own on loopback, whatever
//! the hub listens on and whatever is wrong with the way to it.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as HttpResponse};

use super::control::{self, CommandError};
use super::http::{Shared, to_hub};

/// The path; outside of what IoT Hub has.
const PATH: &str = "/edgedeck/control";
/// No command is longer.
const MOST_BYTES: usize = 4 * 1_024;

/// Carries out one command: 200 with what it did, 404 when it is about something that does not exist, 400 when it is none
/// or not possible, 401 without a key.
pub(super) async fn answer(State(shared): State<Arc<Shared>>, request: HttpRequest) -> HttpResponse {
    let (head, body) = request.into_parts();
    if head.uri.path() != PATH || head.method != "POST" {
        return (StatusCode::NOT_FOUND, format!("there is nothing here but POST {PATH}")).into_response();
    }
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "no command is that long").into_response();
    };
    let request = to_hub(&head, body.into());
    if !shared.hub.lets_steer(&request, PATH) {
        return (StatusCode::UNAUTHORIZED, "the key is none of this simulator's that may steer it").into_response();
    }
    let Ok(words) = String::from_utf8(request.body) else {
        return (StatusCode::BAD_REQUEST, "a command is text").into_response();
    };
    match tokio::task::spawn_blocking(move || control::run(&shared, &words)).await {
        Ok(Ok(said)) => said.into_response(),
        Ok(Err(CommandError::NotFound(said))) => (StatusCode::NOT_FOUND, said).into_response(),
        Ok(Err(CommandError::Refused(said))) => (StatusCode::BAD_REQUEST, said).into_response(),
        Err(_it_failed) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
