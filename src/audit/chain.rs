//! The hash chain as pure text: how a line is sealed, and how a changed, lost or added line is found.
//!
//! Each line carries a sequence number, the SHA-256 of the line before, and as its last member the SHA-256 of its
//! own text up to there. The link finds a line that somebody changed and sealed again; the own hash finds a change
//! to the last line, which no link covers. What it cannot see is whole lines cut off the end: for that, compare
//! [`Head`] with one noted earlier.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::segment::{Mark, Reason};

/// The link of the very first record.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What stands before the own hash; the hash covers everything in front of it.
const SEAL: &str = ",\"hash\":\"";

/// The newest record: what the next one continues, and what to note down to notice a cut end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub seq: u64,
    /// SHA-256 of its line, in hex.
    pub hash: String,
}

impl Head {
    /// Before the first record.
    pub(super) fn genesis() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned() }
    }
}

/// SHA-256 in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the line (without its newline) that follows `head`.
pub(super) fn seal(head: &Head, time: Timestamp, body: Map<String, Value>) -> Result<String, serde_json::Error> {
    let mut members = Map::new();
    members.insert("seq".to_owned(), Value::from(head.seq + 1));
    members.insert("time".to_owned(), Value::String(format!("{time:.3}")));
    members.insert("prev".to_owned(), Value::String(head.hash.clone()));
    members.extend(body);
    let mut line = serde_json::to_string(&members)?;
    line.pop();
    let own = sha256(line.as_bytes());
    line.push_str(SEAL);
    line.push_str(&own);
    line.push_str("\"}");
    Ok(line)
}

/// The members every line has.
#[derive(Deserialize)]
struct Frame {
    seq: u64,
    prev: String,
}

/// Whether a line, taken alone, is as it was written.
pub(super) fn is_sealed(line: &str) -> bool {
    let Some((text, rest)) = line.rsplit_once(SEAL) else { return false };
    rest.strip_suffix("\"}").is_some_and(|hash| hash == sha256(text.as_bytes()))
}

/// The head that a last line makes; `Err` says what is wrong with that line.
pub(super) fn head_of(line: &str) -> Result<Head, String> {
    let frame: Frame = serde_json::from_str(line).map_err(|error| format!("not a record: {error}"))?;
    if !is_sealed(line) {
        return Err("changed after it was written".to_owned());
    }
    Ok(Head { seq: frame.seq, hash: sha256(line.as_bytes()) })
}

/// What is wrong, and on which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainFinding {
    /// The file's name.
    pub file: String,
    /// Line, from 1; for a missing detail file, the line that names it.
    pub line: usize,
    /// What.
    pub problem: Problem,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is not a record at all.
    NotARecord(String),
    /// Its text is not what was written.
    Changed,
    /// It does not continue the line before: that one was changed, removed, or this one was put in.
    BrokenLink,
    /// Its number is not the next one.
    Sequence {
        /// The next number.
        expected: u64,
        /// What it has.
        found: u64,
    },
    /// An unfinished line at the end of a file: a crash while writing.
    Torn {
        /// How much of it is there.
        bytes: usize,
        /// Whether the next file says so, or no later file exists: then it is a crash and no more.
        explained: bool,
    },
    /// A later file starts without saying why.
    Unmarked,
    /// The program itself noticed something when it continued.
    Continued(String),
    /// The side file with request and diff is missing or changed.
    Detail(String),
}

impl ChainFinding {
    /// Whether it speaks of tampering or loss, rather than of a crash that was dealt with.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        !matches!(self.problem, Problem::Torn { explained: true, .. })
    }
}

impl fmt::Display for ChainFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: ", self.file, self.line)?;
        match &self.problem {
            Problem::NotARecord(why) => write!(f, "not an audit record ({why})"),
            Problem::Changed => f.write_str("was changed after it was written"),
            Problem::BrokenLink => {
                f.write_str("does not continue the line before; one of them was changed, removed or put in")
            }
            Problem::Sequence { expected, found } => write!(f, "is record {found}, expected {expected}"),
            Problem::Torn { bytes, explained: true } => write!(f, "{bytes} bytes of an unfinished record (a crash)"),
            Problem::Torn { bytes, explained: false } => {
                write!(f, "{bytes} bytes without an end, and the next file does not speak of a crash")
            }
            Problem::Unmarked => f.write_str("starts a file without saying why"),
            Problem::Continued(why) => write!(f, "the chain was continued after damage: {why}"),
            Problem::Detail(why) => write!(f, "its detail file {why}"),
        }
    }
}

/// Walks the files of one folder in order and collects what is wrong.
#[derive(Debug)]
pub(super) struct Verifier {
    head: Head,
    records: u64,
    files: usize,
    /// The unfinished end of the file before: finding's index and hash of the bytes.
    torn: Option<(usize, String)>,
    findings: Vec<ChainFinding>,
}

impl Verifier {
    pub(super) fn new() -> Self {
        Self { head: Head::genesis(), records: 0, files: 0, torn: None, findings: Vec::new() }
    }

    pub(super) fn report(&mut self, file: &str, line: usize, problem: Problem) {
        self.findings.push(ChainFinding { file: file.to_owned(), line, problem });
    }

    /// Checks the next file, given as its bytes.
    pub(super) fn file(&mut self, name: &str, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.files += 1;
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let rest = lines.pop().unwrap_or_default();
        for (index, line) in lines.iter().enumerate() {
            self.line(name, index + 1, line);
        }
        // Only the start of the next file explains an unfinished end, so what this one left open stays open.
        if let Some((index, _)) = self.torn.take() {
            self.explain(index, false);
        }
        if !rest.is_empty() {
            self.torn = Some((self.findings.len(), sha256(rest)));
            self.report(name, lines.len() + 1, Problem::Torn { bytes: rest.len(), explained: true });
        }
    }

    fn explain(&mut self, index: usize, answer: bool) {
        if let Some(Problem::Torn { explained, .. }) = self.findings.get_mut(index).map(|finding| &mut finding.problem)
        {
            *explained = answer;
        }
    }

    fn line(&mut self, name: &str, number: usize, bytes: &[u8]) {
        self.records += 1;
        let hash = sha256(bytes);
        let parsed = std::str::from_utf8(bytes)
            .map_err(|error| error.to_string())
            .and_then(|text| serde_json::from_str::<Frame>(text).map(|frame| (text, frame)).map_err(|e| e.to_string()));
        let (text, frame) = match parsed {
            Ok(parsed) => parsed,
            Err(why) => {
                self.report(name, number, Problem::NotARecord(why));
                self.head = Head { seq: self.head.seq + 1, hash };
                return;
            }
        };
        if !is_sealed(text) {
            self.report(name, number, Problem::Changed);
        }
        if frame.prev != self.head.hash {
            self.report(name, number, Problem::BrokenLink);
        }
        let expected = self.head.seq + 1;
        if frame.seq != expected {
            self.report(name, number, Problem::Sequence { expected, found: frame.seq });
        }
        if number == 1 && self.files > 1 {
            self.mark(name, text);
        }
        self.head = Head { seq: frame.seq, hash };
    }

    fn mark(&mut self, name: &str, text: &str) {
        match serde_json::from_str::<Mark>(text) {
            Err(_) => self.report(name, 1, Problem::Unmarked),
            Ok(Mark { reason: Reason::Size }) => {}
            Ok(Mark { reason: Reason::Torn { sha256, .. } }) => {
                // Stays open when the mark speaks of other bytes than those that are there.
                self.torn.take_if(|(_, hash)| *hash == sha256);
            }
            Ok(Mark { reason: Reason::Damaged { why } }) => self.report(name, 1, Problem::Continued(why)),
        }
    }

    /// The number of lines, the newest record, and everything that was found.
    pub(super) fn finish(self) -> (u64, Option<Head>, Vec<ChainFinding>) {
        let head = (self.records > 0).then_some(self.head);
        (self.records, head, self.findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn chain(count: u64) -> Vec<String> {
        let time: Timestamp = "2026-01-02T13:58:43.101Z".parse().unwrap();
        let mut head = Head::genesis();
        (0..count)
            .map(|n| {
                let Value::Object(body) = json!({"kind": "note", "text": format!("line {n} \u{e4}\",\"hash\":\"")})
                else {
                    unreachable!()
                };
                let line = seal(&head, time, body).unwrap();
                head = head_of(&line).unwrap();
                line
            })
            .collect()
    }

    fn verify(text: &[u8]) -> (u64, Option<Head>, Vec<ChainFinding>) {
        let mut verifier = Verifier::new();
        verifier.file("audit-000001.jsonl", text);
        verifier.finish()
    }

    fn text(lines: &[String]) -> String {
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn an_untouched_chain_verifies() {
        let lines = chain(5);
        let (records, head, findings) = verify(text(&lines).as_bytes());
        assert_eq!((records, findings), (5, vec![]));
        assert_eq!(head.unwrap(), head_of(lines.last().unwrap()).unwrap());
        assert!(lines[0].contains(r#""time":"2026-01-02T13:58:43.101Z""#), "{}", lines[0]);
    }

    #[test]
    fn findings_say_which_line_and_what() {
        let lines = chain(4);
        let problems = |lines: &[String]| -> Vec<(usize, Problem)> {
            verify(text(lines).as_bytes()).2.into_iter().map(|finding| (finding.line, finding.problem)).collect()
        };
        let mut changed = lines.clone();
        changed[1] = changed[1].replace("line 1", "line 7");
        assert_eq!(problems(&changed), [(2, Problem::Changed), (3, Problem::BrokenLink)]);

        let mut last = lines.clone();
        last[3] = last[3].replace("line 3", "line 7");
        assert_eq!(problems(&last), [(4, Problem::Changed)]);

        let mut removed = lines.clone();
        removed.remove(1);
        assert_eq!(problems(&removed), [(2, Problem::BrokenLink), (2, Problem::Sequence { expected: 2, found: 3 })]);

        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        assert_eq!(problems(&swapped).first(), Some(&(2, Problem::BrokenLink)));

        let mut junk = lines.clone();
        junk[2] = "{}".to_owned();
        assert!(matches!(problems(&junk).first(), Some((3, Problem::NotARecord(_)))));

        // Changed and sealed again by somebody who knows how: the next line gives it away.
        let mut sealed = lines;
        let Value::Object(body) = json!({"kind": "note", "text": "innocent"}) else { unreachable!() };
        sealed[1] = seal(&head_of(&sealed[0]).unwrap(), Timestamp::UNIX_EPOCH, body).unwrap();
        assert_eq!(problems(&sealed), [(3, Problem::BrokenLink)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_edit_of_any_line_is_found(line in 0usize..4, at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut lines: Vec<Vec<u8>> = chain(4).into_iter().map(String::into_bytes).collect();
            let at = at.index(lines[line].len());
            prop_assume!(lines[line][at] != to);
            lines[line][at] = to;
            let text = lines.into_iter().flat_map(|mut line| { line.push(b'\n'); line }).collect::<Vec<u8>>();
            let (_, _, findings) = verify(&text);
            prop_assert!(findings.iter().any(|finding| finding.is_fault() && finding.line > line && finding.line <= line + 2));
        }

        #[test]
        fn any_removed_or_repeated_line_but_the_last_is_found(line in 0usize..3, repeat in any::<bool>()) {
            let mut lines = chain(4);
            if repeat {
                lines.insert(line, lines[line].clone());
            } else {
                lines.remove(line);
            }
            let (_, _, findings) = verify(text(&lines).as_bytes());
            prop_assert!(findings.iter().any(ChainFinding::is_fault));
        }
    }
}
