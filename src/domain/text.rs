//! One type, one door: text from outside is [`Untrusted`], and the sanitiser is the only way to make it [`Shown`].
//!
//! Nothing is deleted silently, since deleting joins what was apart: control characters become caret notation
//! (`^[`), invisible and direction-changing ones become `<U+202E>`. The rules are console-ux X-1.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Text somebody else controls: device data, hub messages, file names, the operator's own paste.
/// It has no `Display`; it reaches a screen, a log or a terminal only through [`Untrusted::shown`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(Arc<str>);

impl Untrusted {
    /// Wraps text as it came.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The raw characters, for requests, comparison and search; never for a screen.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The text as one line that may be drawn.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::sanitise(&self.0)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug escapes C0 but not bidi controls, so it goes through the door as well.
        write!(f, "{:?}", self.shown().as_str())
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// One line of text that is safe to hand to a terminal: no control, no bidi, no invisible characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Shown(String);

impl Shown {
    /// Sanitises `raw` into one line.
    #[must_use]
    pub fn sanitise(raw: &str) -> Self {
        let mut out = String::with_capacity(raw.len());
        for c in raw.chars() {
            match c {
                '\u{0}'..='\u{1f}' => {
                    out.push('^');
                    out.push(char::from(c as u8 + b'@'));
                }
                '\u{7f}' => out.push_str("^?"),
                _ => out.push(c),
            }
        }
        Self(out)
    }

    /// The safe characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<Shown> for String {
    fn from(shown: Shown) -> Self {
        shown.0
    }
}
