//! What a worker tells other processes of the rows that it wrote, as the text of a NOTIFY: which
//! parts of which build made which step. It names records as far as they fit; the positions of
//! single changes stay at home.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use events::words::Position;
use uuid::Uuid;

use super::changes::{Change, Changed, Step};

/// The longest text that PostgreSQL carries, in bytes.
const TEXT_BYTES_MAX: usize = 7_999;
/// So many bytes fit into it.
const BYTES_MAX: usize = TEXT_BYTES_MAX / 4 * 3;
/// What texts of this form begin with.
const FORM: u8 = 1;
/// What texts end with that say that any row may be another one.
const EVERYTHING: u8 = 1;
/// Texts that wait to be told. Of more none is: who listens notices that some lack.
const QUEUE_MAX: usize = 256;

/// What parts of a build did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The build.
    pub build: i64,
    /// The parts, in order.
    pub parts: Vec<i32>,
    /// From where to where they came, and what changed.
    pub step: Step,
}

impl Told {
    /// The text.
    #[must_use]
    pub fn encode(&self) -> String {
        let bytes = self.bytes(&self.step.changed);
        let bytes = bytes.unwrap_or_else(|| self.bytes(&Changed::Untold).unwrap_or_default());
        BASE64_STANDARD_NO_PAD.encode(bytes)
    }

    /// None: it does not fit.
    fn bytes(&self, changed: &Changed) -> Option<Vec<u8>> {
        let mut bytes = vec![FORM];
        for number in [self.build, self.step.from.0, self.step.to.0] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.push(u8::try_from(self.parts.len()).ok()?);
        bytes.extend(self.parts.iter().flat_map(|part| part.to_be_bytes()));
        if let Changed::Records(changes) = changed {
            let mut changes: Vec<_> = changes.iter().map(|c| (c.organization, c.id)).collect();
            changes.sort_unstable();
            for of_one in changes.chunk_by(|one, other| one.0 == other.0) {
                bytes.extend(of_one.first()?.0.as_bytes());
                bytes.extend(u16::try_from(of_one.len()).ok()?.to_be_bytes());
                bytes.extend(of_one.iter().flat_map(|(_, id)| *id.as_bytes()));
            }
        } else {
            // An organization of which nothing is named.
            bytes.extend(Uuid::nil().as_bytes());
            bytes.extend(0_u16.to_be_bytes());
            bytes.extend((*changed == Changed::Everything).then_some(EVERYTHING));
        }
        (bytes.len() <= BYTES_MAX).then_some(bytes)
    }

    /// What a text tells; none, if it is not of this form.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(text).ok()?;
        let mut rest = bytes.strip_prefix(&[FORM])?;
        let [build, from, to] = [take(&mut rest)?, take(&mut rest)?, take(&mut rest)?];
        let [build, from, to] = [build, from, to].map(i64::from_be_bytes);
        let count = u8::from_be_bytes(take(&mut rest)?);
        let parts = (0..count).map(|_| take(&mut rest).map(i32::from_be_bytes));
        let parts = parts.collect::<Option<Vec<i32>>>()?;
        let (from, to) = (Position(from), Position(to));
        let mut changes = Vec::new();
        while !rest.is_empty() {
            let organization = Uuid::from_bytes(take(&mut rest)?);
            let count = u16::from_be_bytes(take(&mut rest)?);
            if count == 0 {
                let changed = match rest {
                    [] => Changed::Untold,
                    [EVERYTHING] => Changed::Everything,
                    _ => return None,
                };
                return Some(Self { build, parts, step: Step { from, to, changed } });
            }
            for _ in 0..count {
                let id = Uuid::from_bytes(take(&mut rest)?);
                changes.push(Change { organization, id, position: to });
            }
        }
        Some(Self { build, parts, step: Step { from, to, changed: Changed::of(changes) } })
    }

    /// Takes in what came right after it; whether it did.
    fn join(&mut self, next: &Self) -> bool {
        let follows =
            self.build == next.build && self.parts == next.parts && self.step.to == next.step.from;
        if follows {
            self.step.to = next.step.to;
            self.step.changed.join(&next.step.changed);
        }
        follows
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk::<N>()?;
    *rest = left;
    Some(*taken)
}

/// What waits to be told: what follows each other is told as one.
#[derive(Debug, Default)]
pub struct Queue(Vec<Told>);

impl Queue {
    /// One more.
    pub fn push(&mut self, told: Told) {
        let last = self.0.iter_mut().rfind(|known| known.build == told.build);
        if last.is_some_and(|last| last.join(&told)) {
            return;
        }
        if self.0.len() >= QUEUE_MAX {
            self.0.clear();
        }
        self.0.push(told);
    }

    /// The texts of all that waits, which waits no more.
    pub fn take(&mut self) -> Vec<String> {
        self.0.drain(..).map(|told| told.encode()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(build: i64, (from, to): (i64, i64), ids: &[(u128, u128)]) -> Told {
        let change = |(organization, id): &(u128, u128)| Change {
            organization: Uuid::from_u128(*organization),
            id: Uuid::from_u128(*id),
            position: Position(to),
        };
        let changed = Changed::Records(ids.iter().map(change).collect());
        let step = Step { from: Position(from), to: Position(to), changed };
        Told { build, parts: vec![0, 2], step }
    }

    proptest! {
        #[test]
        fn what_is_told_is_understood_or_all_has_changed(
            mut ids in prop::collection::vec((1..4_u128, any::<u128>()), 0..500),
            build in any::<i64>(),
        ) {
            ids.sort_unstable();
            let said = told(build, (3, 9), &ids);
            let text = said.encode();
            prop_assert!(text.len() <= TEXT_BYTES_MAX);
            let heard = Told::decode(&text).unwrap();
            if heard.step.changed == Changed::Untold {
                prop_assert!(ids.len() > 350);
                prop_assert_eq!((heard.build, heard.parts), (said.build, said.parts));
                prop_assert_eq!((heard.step.from, heard.step.to), (said.step.from, said.step.to));
            } else {
                prop_assert_eq!(heard, said);
            }
        }

        #[test]
        fn no_text_breaks_it(text in ".*", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Told::decode(&text);
            let _ = Told::decode(&BASE64_STANDARD_NO_PAD.encode([&[FORM], &bytes[..]].concat()));
        }
    }

    #[test]
    fn what_follows_each_other_is_told_as_one_and_a_gap_is_not_closed() {
        let mut queue = Queue::default();
        queue.push(told(1, (0, 5), &[(1, 1)]));
        queue.push(told(2, (0, 5), &[]));
        queue.push(told(1, (5, 9), &[(1, 2)]));
        queue.push(told(1, (10, 12), &[]));
        let heard: Vec<_> = queue.take().iter().map(|text| Told::decode(text).unwrap()).collect();
        let spans: Vec<_> =
            heard.iter().map(|told| (told.build, told.step.from.0, told.step.to.0)).collect();
        assert_eq!(spans, [(1, 0, 9), (2, 0, 5), (1, 10, 12)]);
        let Changed::Records(changes) = &heard[0].step.changed else { panic!("all of it") };
        assert_eq!(changes.len(), 2);
        assert!(queue.take().is_empty());
    }
}
