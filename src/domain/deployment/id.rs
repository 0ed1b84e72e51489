//! Which ids a configuration may have; fewer than a device.

use crate::domain::ids::DeploymentId;

/// The characters the hub takes besides small letters and digits. Articles only list some that are forbidden; these
/// are the ones that were seen to work.
const PUNCTUATION: &str = "-+%_*!'";
const MAX_CHARS: usize = 128;

/// Why a typed id cannot be a configuration's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeploymentIdError {
    /// The id is empty.
    #[error("an id has at least one character")]
    Empty,
    /// The id is too long.
    #[error("{0} characters; a deployment's id has at most {MAX_CHARS}")]
    TooLong(usize),
    /// The hub answers 400 to capital letters.
    #[error("{0:?} is a capital letter; a deployment's id has small ones only: {1}")]
    Capital(char, String),
    /// A character outside the hub's set.
    #[error("{0:?} is not allowed in a deployment's id; allowed are small letters, digits and {PUNCTUATION}")]
    Character(char),
}

impl DeploymentId {
    /// An id somebody typed.
    ///
    /// # Errors
    /// [`DeploymentIdError`] when IoT Hub could not hold such an id; for capital letters with the id that works.
    pub fn parse(text: &str) -> Result<Self, DeploymentIdError> {
        if text.is_empty() {
            return Err(DeploymentIdError::Empty);
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || PUNCTUATION.contains(c);
        if let Some(bad) = text.chars().find(|c| !fits(*c)) {
            return Err(DeploymentIdError::Character(bad));
        }
        if let Some(capital) = text.chars().find(char::is_ascii_uppercase) {
            return Err(DeploymentIdError::Capital(capital, text.to_ascii_lowercase()));
        }
        // Every allowed character is one byte long.
        if text.len() > MAX_CHARS {
            return Err(DeploymentIdError::TooLong(text.len()));
        }
        Ok(Self::from_wire(text))
    }
}
