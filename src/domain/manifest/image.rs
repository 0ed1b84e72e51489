//! Image references as edgeAgent reads them: looser than Docker, with `:latest` where no tag stands.

use std::fmt;

/// An image reference with its tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Image(String);

/// Why edgeAgent cannot read an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Nothing stands there.
    #[error("is blank")]
    Blank,
    /// It begins with `$`, but is not `$upstream:<port>/…`.
    #[error("begins with $ but is not $upstream:<port>/…, the only variable edgeAgent replaces")]
    Variable,
    /// The last part is not `name` or `name:tag`.
    #[error("does not end in name or name:tag")]
    Form,
}

/// What stands for the parent's host in a nested hierarchy.
const UPSTREAM: &str = "$upstream";
/// What an image without a registry is pulled from, as credentials name it.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

impl Image {
    /// Reads an image and adds `:latest` when it has no tag.
    ///
    /// # Errors
    /// [`ImageError`] where edgeAgent refuses the whole configuration (400).
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ImageError::Blank);
        }
        if text.starts_with('$') && !has_upstream(text) {
            return Err(ImageError::Variable);
        }
        let last = text.rsplit('/').next().unwrap_or_default();
        let mut parts = last.split(':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(name), None, None) if !name.is_empty() => Ok(Self(format!("{text}:latest"))),
            (Some(name), Some(tag), None) if !name.is_empty() && !tag.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(ImageError::Form),
        }
    }

    /// The reference with its tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag; for a reference by digest, the digest.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.0.rsplit(':').next().unwrap_or_default()
    }

    /// The registry's host that credentials are looked up by; `None` for a bare name, which needs none.
    #[must_use]
    pub fn registry(&self) -> Option<&str> {
        let (first, _) = self.0.split_once('/')?;
        Some(if first.contains(['.', ':']) { first } else { DOCKER_HUB })
    }

    /// Whether the image comes through the parent of a nested device.
    #[must_use]
    pub fn is_upstream(&self) -> bool {
        self.0.starts_with(UPSTREAM)
    }

    /// The image with the parent's host in place of `$upstream`, as the container engine gets it.
    #[must_use]
    pub fn through(&self, parent_host: &str) -> Self {
        match self.0.strip_prefix(UPSTREAM) {
            Some(rest) => Self(format!("{parent_host}{rest}")),
            None => self.clone(),
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::domain::text::Untrusted::new(self.0.as_str()).shown().as_str())
    }
}

/// Whether `$upstream:` with a port that does not begin with 0 stands in it.
fn has_upstream(text: &str) -> bool {
    text.match_indices(UPSTREAM).any(|(at, _)| {
        let rest = text.get(at + UPSTREAM.len()..).unwrap_or_default();
        let mut rest = rest.chars();
        rest.next() == Some(':') && rest.next().is_some_and(|c| ('1'..='9').contains(&c))
    })
}
