//! The states that a command names, asked for in rounds: an order names products, and they name
//! stock items. Where the states come from is the caller's business.

use super::Job;
use crate::state::{Entry, Need, Needs, States};

/// How often a command may name more streams, after the first.
pub(super) const NEEDS_ROUNDS_MAX: usize = 3;

/// What a command names.
pub(super) struct Named {
    /// The states that were found.
    pub(super) states: States,
    /// What nobody has: as long as something lacks, the command is not asked further.
    pub(super) lacking: Vec<Need>,
    /// Everything that it named.
    pub(super) needs: Vec<Need>,
}

/// The states that a command names, as `find` finds them. What it named before is looked for first:
/// mostly it names the same again, and is asked but once.
pub(super) fn states(job: &Job, mut find: impl FnMut(&Need) -> Option<Entry>) -> Named {
    let organization = job.work.organization();
    let mut named =
        Named { states: States::new(organization), lacking: Vec::new(), needs: Vec::new() };
    named.look(job, &job.needs, &mut find);
    for _ in 0..=NEEDS_ROUNDS_MAX {
        if !named.lacking.is_empty() {
            break;
        }
        let mut needs = Needs::new(organization);
        job.work.needs(&named.states, &mut needs);
        if !named.look(job, &needs.list, &mut find) {
            break;
        }
    }
    named
}

impl Named {
    /// Looks for these; whether one of them is new.
    fn look(
        &mut self,
        job: &Job,
        needs: &[Need],
        find: &mut impl FnMut(&Need) -> Option<Entry>,
    ) -> bool {
        let before = self.needs.len();
        for need in needs {
            if self.states.have(need) {
                continue;
            }
            self.needs.push(*need);
            match find(need).and_then(|entry| entry.seen_as(need)) {
                Some(entry) => self.states.insert(need, entry),
                None if need.begins && job.conflicts == 0 => self.states.insert(need, need.fresh()),
                None => self.lacking.push(*need),
            }
        }
        self.needs.len() > before
    }
}
