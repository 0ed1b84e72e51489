//! File names made from ids that others chose.

use sha2::{Digest, Sha256};

/// Longest readable part of a file name.
const READABLE: usize = 100;

/// A file name for `id`: its harmless characters, cut to 100, and twelve hex digits of its SHA-256 so that ids that
/// look alike stay apart (console-ux X-54). Never starts with `.` or `-`, never contains a separator.
#[must_use]
pub fn file_name(id: &str) -> String {
    let mut readable: String = id
        .chars()
        .take(READABLE)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' })
        .collect();
    if readable.is_empty() || readable.starts_with(['.', '-']) {
        readable.insert(0, '_');
    }
    let digest = Sha256::digest(id.as_bytes());
    let tail: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{readable}-{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_stay_readable_and_apart() {
        assert!(file_name("edge-gateway-001").starts_with("edge-gateway-001-"));
        assert!(file_name("../../etc/passwd").starts_with("_.._.._etc_passwd-"));
        assert!(file_name("-rf").starts_with("_-rf-"));
        assert_ne!(file_name("a/b"), file_name("a:b"));
        assert_eq!(file_name("same"), file_name("same"));
    }

    proptest! {
        #[test]
        fn any_id_makes_a_harmless_name(id in any::<String>()) {
            let name = file_name(&id);
            prop_assert!(name.len() <= 120);
            prop_assert!(!name.starts_with(['.', '-']));
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)));
        }
    }
}
