//! The states that a command names, asked for in rounds: an order names products, and they name
//! stock items. Where the states come from is the caller's business.

use super::Job;
use crate::state::{Entry, Need, Needs, States};

/// How often a command may name more streams, after the first.
pub(super) const NEEDS_ROUNDS_MAX: usize = 3;

/// The states that a command names, as `find` finds them, and what nobody has: as long as
/// something lacks, the command is not asked further.
pub(super) fn states(
    job: &Job,
    mut find: impl FnMut(&Need) -> Option<Entry>,
) -> (States, Vec<Need>) {
    let organization = job.work.organization();
    let mut states = States::new(organization);
    for _ in 0..=NEEDS_ROUNDS_MAX {
        let mut needs = Needs::new(organization);
        job.work.needs(&states, &mut needs);
        let before = states.len();
        let mut lacking = Vec::new();
        for need in needs.list {
            if states.have(&need) {
                continue;
            }
            match find(&need).and_then(|entry| entry.seen_as(&need)) {
                Some(entry) => states.insert(&need, entry),
                None if need.begins && job.conflicts == 0 => states.insert(&need, need.fresh()),
                None => lacking.push(need),
            }
        }
        if !lacking.is_empty() {
            return (states, lacking);
        }
        if states.len() == before {
            break;
        }
    }
    (states, Vec::new())
}
