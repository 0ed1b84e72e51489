//! Secrets in log lines: each line is masked as any text is, and a key that is spread over lines is hidden from its first
//! to its last.

use super::entry::Entry;
use crate::domain::secret::redact;
use crate::domain::text::Untrusted;

/// Where a key in PEM form begins and ends.
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
/// No key has more lines; what begins and never ends must not hide a log for good.
const MOST_LINES: u32 = 200;
/// What stands for a line of a key.
const HIDDEN: &str = "******** (a line of a key)";

/// Hides the secrets of one module's lines, in their order.
#[derive(Debug, Clone, Default)]
pub struct Veil {
    /// Lines of a key that may still follow.
    left: u32,
}

impl Veil {
    /// Masks what must not be seen.
    pub fn hide(&mut self, entry: &mut Entry) {
        let raw = entry.text.raw();
        if self.left > 0 {
            self.left = if raw.contains(END) { 0 } else { self.left - 1 };
            entry.text = HIDDEN.into();
            return;
        }
        if raw.rfind(BEGIN).is_some_and(|at| raw.get(at..).is_some_and(|rest| !rest.contains(END))) {
            self.left = MOST_LINES;
        }
        let masked = redact(raw);
        if masked != raw {
            entry.text = Untrusted::new(masked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::entry::{Severity, Stream};

    fn veiled(lines: &[&str]) -> Vec<String> {
        let mut veil = Veil::default();
        let hide = |text: &&str| {
            let mut entry = Entry { time: None, stream: Stream::Out, severity: Severity::Unsaid, text: (*text).into() };
            veil.hide(&mut entry);
            entry.text.raw().to_owned()
        };
        lines.iter().map(hide).collect()
    }

    #[test]
    fn no_line_of_a_key_gets_through() {
        let log = [
            "before",
            "key: -----BEGIN PRIVATE KEY-----",
            "MIIEvQIBADAN",
            "BgkqhkiG9w0",
            "-----END PRIVATE KEY-----",
            "after",
        ];
        let seen = veiled(&log);
        assert_eq!((seen[0].as_str(), seen[5].as_str()), ("before", "after"));
        assert!(seen[1..5].iter().all(|line| line.contains("********")), "{seen:?}");
        assert!(!seen.concat().contains("MIIE") && !seen.concat().contains("Bgkq"));
    }

    #[test]
    fn a_key_that_never_ends_hides_no_log_for_good() {
        let mut log = vec!["-----BEGIN PRIVATE KEY-----"];
        log.extend(["x"; 250]);
        assert_eq!(veiled(&log).iter().filter(|line| *line == "x").count(), 50);
        let one_line = ["-----BEGIN CERTIFICATE-----AA-----END CERTIFICATE-----", "next"];
        assert_eq!(veiled(&one_line)[1], "next");
    }

    #[test]
    fn lines_are_masked_as_any_text_is() {
        let seen = veiled(&["HostName=h;SharedAccessKey=c2VjcmV0;x=1", "threshold=25"]);
        assert!(!seen[0].contains("c2VjcmV0") && seen[0].contains("HostName=h"), "{seen:?}");
        assert_eq!(seen[1], "threshold=25");
    }
}
