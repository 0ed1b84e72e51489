//! One copy of each string that many rows share: image names, deployments, tag keys and values.

use std::collections::HashSet;
use std::sync::Arc;

/// A growing set of shared strings.
#[derive(Debug, Default)]
pub(super) struct Interner(HashSet<Arc<str>>);

impl Interner {
    /// The shared copy of `text`.
    pub(super) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(found) = self.0.get(text) {
            return found.clone();
        }
        let shared: Arc<str> = text.into();
        self.0.insert(shared.clone());
        shared
    }

    /// Forgets strings that no row holds any longer.
    pub(super) fn sweep(&mut self) {
        self.0.retain(|text| Arc::strong_count(text) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_share_and_unused_ones_go() {
        let mut interner = Interner::default();
        let a = interner.get("x");
        assert!(Arc::ptr_eq(&a, &interner.get("x")));
        drop(a);
        interner.sweep();
        assert!(interner.0.is_empty());
    }
}
