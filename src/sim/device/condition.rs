//! What is wrong with a machine, as data: a scenario or `:sim` sets it, the machine lives with it.

use std::time::Duration;

use jiff::SignedDuration;

use super::log::LogFault;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) enum Condition {
    /// No network: everything runs on, nothing is heard.
    NetworkOff,
    /// edgeAgent's program hangs: it plans nothing and answers nothing, while edgeHub is well.
    AgentHung,
    /// No space left: pulls and creations fail, and edgeHub ends soon after each start.
    DiskFull,
    /// Modules do not trust edgeHub's certificate any more.
    CertificatesExpired,
    /// The machine's clock is off by so much.
    ClockWrong(SignedDuration),
    /// A module's program ends with a code, so long after each start.
    Crashes {
        /// The module.
        module: String,
        /// The exit code.
        code: i64,
        /// How long each run lasts.
        after: Duration,
        /// What it writes to its standard error before, with line feeds between lines.
        says: String,
    },
    /// A container's log cannot be read.
    LogBroken {
        /// The container.
        module: String,
        /// How it is broken.
        fault: LogFault,
    },
    /// The container engine fails on a module's container, once.
    Dead {
        /// The module.
        module: String,
    },
    /// The container engine refuses to do something with a module.
    Refuses {
        /// The module.
        module: String,
        /// What it refuses.
        operation: Operation,
        /// How often; `None` for ever.
        times: Option<u32>,
    },
}

/// What edgeAgent asks the engine for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Operation {
    /// Make a container: a mount that is not there, options the engine does not take.
    Create,
    /// Run it: a port that is taken.
    Start,
    /// End it: it is not there any more.
    Stop,
}

/// All that is wrong with one machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Conditions(Vec<Condition>);

impl Conditions {
    /// Adds a condition, in place of one of the same kind and module.
    pub(super) fn set(&mut self, condition: Condition) {
        self.clear(&condition);
        self.0.push(condition);
    }

    /// Takes a condition of this kind and module away.
    pub(super) fn clear(&mut self, condition: &Condition) {
        self.0.retain(|known| !same_kind(known, condition));
    }

    pub(super) fn has(&self, condition: &Condition) -> bool {
        self.0.contains(condition)
    }

    /// Everything that is wrong.
    pub(super) fn all(&self) -> Vec<Condition> {
        self.0.clone()
    }

    /// How far off the clock is.
    pub(super) fn clock_offset(&self) -> SignedDuration {
        let offset = self.0.iter().find_map(|condition| match condition {
            Condition::ClockWrong(offset) => Some(*offset),
            _ => None,
        });
        offset.unwrap_or(SignedDuration::ZERO)
    }

    /// How long a run of a module lasts, the code it ends with and its last words, when something ends it from outside.
    pub(super) fn doom_of(&self, module: &str) -> Option<(Duration, i64, String)> {
        self.0.iter().find_map(|condition| match condition {
            Condition::Crashes { module: known, code, after, says } if known == module => {
                Some((*after, *code, says.clone()))
            }
            // The store cannot be written.
            Condition::DiskFull if module == "edgeHub" => {
                let words = "Unhandled exception. RocksDbSharp.RocksDbException: IO error: No space left on device";
                Some((Duration::from_secs(9), 139, words.to_owned()))
            }
            _ => None,
        })
    }

    /// Whether the engine refuses; counts the refusal.
    pub(super) fn refuses(&mut self, wanted_module: &str, wanted: Operation) -> bool {
        if wanted == Operation::Create && self.has(&Condition::DiskFull) {
            return true;
        }
        let found = self.0.iter_mut().find_map(|condition| match condition {
            Condition::Refuses { module, operation, times } if module == wanted_module && *operation == wanted => {
                Some(times)
            }
            _ => None,
        });
        match found {
            None | Some(Some(0)) => false,
            Some(Some(left)) => {
                *left -= 1;
                true
            }
            Some(None) => true,
        }
    }
}

fn same_kind(a: &Condition, b: &Condition) -> bool {
    match (a, b) {
        (Condition::Crashes { module: a, .. }, Condition::Crashes { module: b, .. })
        | (Condition::LogBroken { module: a, .. }, Condition::LogBroken { module: b, .. }) => a == b,
        (
            Condition::Refuses { module: a, operation: first, .. },
            Condition::Refuses { module: b, operation: second, .. },
        ) => a == b && first == second,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_replaces_its_own_kind_and_module_only() {
        let crash = |module: &str, code| Condition::Crashes {
            module: module.to_owned(),
            code,
            after: Duration::from_secs(1),
            says: String::new(),
        };
        let mut conditions = Conditions::default();
        conditions.set(crash("a", 1));
        conditions.set(crash("b", 2));
        conditions.set(crash("a", 3));
        assert_eq!(conditions.doom_of("a").map(|(_, code, _)| code), Some(3));
        conditions.clear(&crash("a", 0));
        assert_eq!((conditions.doom_of("a"), conditions.doom_of("b").is_some()), (None, true));
    }

    #[test]
    fn refusals_are_counted() {
        let refusal = |times| Condition::Refuses { module: "m".to_owned(), operation: Operation::Start, times };
        let mut conditions = Conditions::default();
        conditions.set(refusal(Some(2)));
        let asked: Vec<bool> = (0..3).map(|_| conditions.refuses("m", Operation::Start)).collect();
        assert_eq!(asked, [true, true, false]);
        assert!(!conditions.refuses("m", Operation::Create));
        conditions.set(refusal(None));
        assert!(conditions.refuses("m", Operation::Start));
        conditions.set(Condition::DiskFull);
        assert!(conditions.refuses("other", Operation::Create));
    }
}
