//! Answers in pages: how large one may be, and the token that says where the next begins. A token names the last row by
//! its key, so that rows that come and go between two pages are neither repeated nor make others vanish.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Call;
use super::errors::HubError;
use super::message::Response;

/// Rows a page has when the caller does not say, and at most when it does: the service documents up to a hundred and was
/// seen to page with a hundred. More is cut short silently, as `az` asks for all that is left.
const MAX_PAGE: usize = 100;

/// Where a page starts, and what it was asked for with.
pub(super) struct Start<K> {
    /// A fingerprint of the question the pages answer.
    of: String,
    /// The last row of the page before; nothing on the first.
    pub(super) after: Option<K>,
    /// What `TOP` leaves over.
    left: Option<u64>,
    size: usize,
}

/// Where the next page starts. Opaque to clients.
#[derive(Serialize, Deserialize)]
struct Token<K> {
    of: String,
    after: K,
    left: Option<u64>,
}

impl<K: Serialize + DeserializeOwned> Start<K> {
    /// Reads the two headers of a request for `question`, whose first page has no more than `top` rows to give.
    ///
    /// # Errors
    /// 400 for a token that is none, or of another question. What the service says to a page size that is no number above
    /// zero is not known; it is refused.
    pub(super) fn of(call: &Call<'_>, question: &str, top: Option<u64>) -> Result<Self, HubError> {
        let bad = || HubError::argument("BadRequest");
        let size = match call.request.header("x-ms-max-item-count") {
            None => MAX_PAGE,
            Some(text) => text.trim().parse::<usize>().ok().filter(|size| *size > 0).ok_or_else(bad)?.min(MAX_PAGE),
        };
        let of = STANDARD.encode(Sha256::digest(question).iter().take(6).copied().collect::<Vec<u8>>());
        match call.request.header("x-ms-continuation").filter(|text| !text.is_empty()) {
            None => Ok(Self { of, after: None, left: top, size }),
            Some(text) => {
                let json = STANDARD.decode(text).map_err(|_no_token| bad())?;
                let token: Token<K> = serde_json::from_slice(&json).map_err(|_no_token| bad())?;
                if token.of == of {
                    Ok(Self { of, after: Some(token.after), left: token.left, size })
                } else {
                    Err(bad())
                }
            }
        }
    }

    /// One page of the rows behind [`Start::after`], with a continuation when there are more that are wanted.
    pub(super) fn answer(self, rows: impl Iterator<Item = (K, Value)>, item_type: &str) -> Response {
        let left = self.left.and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
        let most = left.min(self.size);
        let (mut page, mut last, mut more) = (Vec::new(), None, false);
        for (key, row) in rows {
            if page.len() == most {
                more = true;
                break;
            }
            page.push(row);
            last = Some(key);
        }
        let taken = u64::try_from(page.len()).unwrap_or(u64::MAX);
        let left = self.left.map(|left| left.saturating_sub(taken));
        let next = last.filter(|_| more && left != Some(0)).map(|after| Token { of: self.of, after, left });
        let response = Response::json(&Value::Array(page)).header("x-ms-item-type", item_type);
        match next.and_then(|token| serde_json::to_vec(&token).ok()) {
            Some(json) => response.header("x-ms-continuation", STANDARD.encode(json)),
            None => response,
        }
    }
}
