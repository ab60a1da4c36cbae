//! Claims that others make about event stores: the contract of the crate `eventcore-testing`, run
//! over the raw log. Left out is what the log has no part in: snapshots, checkpoints, leadership.
//!
//! What does not fit is adapted here. Streams have names there and ids in the log: the id derives
//! from the name, which stands in the fact's meta. The log reads everything in order and selects
//! nothing: patterns of names are matched here. Positions are UUIDs there and numbers in the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eventcore_testing::contract;
use eventcore_types::{
    Event, EventFilter, EventPage, EventReader, EventStore, EventStoreError, EventStream,
    EventStreamSlice, Operation, StreamId, StreamPosition, StreamVersion, StreamWrites,
};
use events::log::{Answer, Append, Expected, Log, NewFact, RawFact, StreamKey};
use events::words::Position;
use gateway::app::fresh_id;
use harness::test;
use uuid::Uuid;

use super::open;

/// Facts read at once: few, so that every stream takes several pages.
const PAGE: i64 = 2;

/// An event store with two writers: every write goes through the other one's appender, as if the
/// callers were served by two processes in turn.
#[derive(Clone)]
struct Store {
    logs: [Log; 2],
    turn: Arc<AtomicUsize>,
    /// Each store has its own facts of the log.
    organization: Uuid,
}

impl Store {
    fn over(logs: [Log; 2]) -> Self {
        Self { logs, turn: Arc::default(), organization: fresh_id() }
    }

    fn log(&self) -> &Log {
        &self.logs[self.turn.fetch_add(1, Ordering::Relaxed) % 2]
    }

    fn key(&self, stream: &StreamId) -> StreamKey {
        let id = Uuid::new_v5(&self.organization, stream.as_ref().as_bytes());
        StreamKey { organization: self.organization, id }
    }

    fn append(&self, writes: StreamWrites) -> Append {
        let expected = writes.expected_versions().iter().map(|(stream, version)| {
            let version: usize = (*version).into();
            (self.key(stream), Expected::Exact(version as i64))
        });
        let expected = expected.collect();
        let facts = writes.into_entries().into_iter().map(|entry| NewFact {
            stream: self.key(&entry.stream_id),
            feature: "contract".into(),
            fact_type: entry.event_type.into(),
            schema_version: 1,
            event_id: fresh_id(),
            data: entry.event_data.get().as_bytes().to_vec(),
            meta: serde_json::to_vec(&entry.stream_id).expect("a name in JSON"),
            tags: Vec::new(),
        });
        Append { expected, facts: facts.collect(), ..Append::default() }
    }

    async fn stream(&self, stream: &StreamId, mut after: i64) -> Result<Vec<RawFact>, Failed> {
        let mut facts = Vec::new();
        loop {
            let page = self.log().read_stream(self.key(stream), after, PAGE).await;
            let page = page.map_err(|_| Failed(Operation::ReadStream))?;
            let Some(last) = page.last() else { return Ok(facts) };
            after = last.version;
            facts.extend(page);
        }
    }
}

/// The log could not do it.
struct Failed(Operation);

impl From<Failed> for EventStoreError {
    fn from(failed: Failed) -> Self {
        Self::StoreFailure { operation: failed.0 }
    }
}

fn name(fact: &RawFact) -> StreamId {
    serde_json::from_slice(&fact.meta).expect("the name of a stream")
}

fn event<E: Event>(fact: &RawFact) -> Result<E, EventStoreError> {
    let wrong = |detail: String| {
        let stream_id = name(fact);
        EventStoreError::DeserializationFailed { stream_id, detail }
    };
    if fact.fact_type != E::event_type_name() {
        return Err(wrong(fact.fact_type.clone()));
    }
    serde_json::from_slice(&fact.data).map_err(|error| wrong(error.to_string()))
}

impl EventStore for Store {
    async fn read_stream<E: Event>(
        &self,
        stream_id: StreamId,
    ) -> Result<EventStream<E>, EventStoreError> {
        self.read_stream_after(stream_id, StreamVersion::new(0)).await
    }

    async fn read_stream_after<E: Event>(
        &self,
        stream_id: StreamId,
        exclusive_version: StreamVersion,
    ) -> Result<EventStream<E>, EventStoreError> {
        let after: usize = exclusive_version.into();
        let facts = self.stream(&stream_id, after as i64).await?;
        let events: Vec<_> = facts.iter().map(event).collect();
        Ok(EventStream::new(futures_util::stream::iter(events)))
    }

    async fn append_events(
        &self,
        writes: StreamWrites,
    ) -> Result<EventStreamSlice, EventStoreError> {
        let names: Vec<StreamId> = writes.expected_versions().keys().cloned().collect();
        let append = self.append(writes);
        match self.log().append(append).await {
            Ok(Answer::Appended { .. }) => Ok(EventStreamSlice),
            Ok(Answer::Conflict { stream, expected: Expected::Exact(expected), actual }) => {
                let stream_id = names.into_iter().find(|name| self.key(name) == stream);
                let version = |version: i64| StreamVersion::new(version as usize);
                Err(EventStoreError::VersionConflict {
                    stream_id: stream_id.expect("a stream that was named"),
                    expected: version(expected),
                    actual: version(actual),
                })
            }
            _ => Err(Failed(Operation::AppendEvents).into()),
        }
    }
}

impl EventReader for Store {
    type Error = EventStoreError;

    async fn read_events<E: Event>(
        &self,
        filter: EventFilter,
        page: EventPage,
    ) -> Result<Vec<(E, StreamPosition)>, EventStoreError> {
        let limit: usize = page.limit().into();
        let after: Uuid = page.after_position().map_or(Uuid::nil(), Into::into);
        let mut after = Position(after.as_u128() as i64);
        let mut events = Vec::new();
        while events.len() < limit {
            let facts = self.log().read_all(after, PAGE).await;
            let facts = facts.map_err(|_| Failed(Operation::ReadStream))?;
            let Some(last) = facts.last() else { break };
            after = last.position;
            for fact in facts.iter().filter(|fact| fact.stream.organization == self.organization) {
                // What is of another type is left out, as the trait has it.
                if events.len() < limit
                    && selects(&filter, fact)
                    && let Ok(event) = event(fact)
                {
                    let position = Uuid::from_u128(fact.position.0 as u128);
                    events.push((event, StreamPosition::new(position)));
                }
            }
        }
        Ok(events)
    }
}

fn selects(filter: &EventFilter, fact: &RawFact) -> bool {
    let name = name(fact);
    let name: &str = name.as_ref();
    filter.stream_prefix().is_none_or(|prefix| name.starts_with(prefix.as_ref()))
        && filter.stream_pattern().is_none_or(|pattern| pattern.matches(name))
        && filter.event_type().is_none_or(|wanted| wanted == fact.fact_type)
}

macro_rules! upheld {
    ($( $claim:ident: $contract:ident; )+) => { $(
        #[test]
        fn $claim() {
            test(async |app| {
                let logs = [open(app).await, open(app).await];
                let upheld = contract::$contract(move || Store::over(logs.clone())).await;
                upheld.unwrap_or_else(|failure| panic!("{failure}"));
            });
        }
    )+ };
}

upheld! {
    what_was_written_is_read: test_basic_read_write;
    a_stale_version_conflicts: test_concurrent_version_conflicts;
    a_stale_stream_that_is_only_read_refuses_the_whole:
        test_read_only_participant_conflict_preserves_atomicity;
    a_current_stream_only_read_lets_it_pass: test_current_read_only_participant_allows_write;
    streams_do_not_mix: test_stream_isolation;
    a_stream_that_is_not_there_is_empty: test_missing_stream_reads;
    a_conflict_on_one_stream_refuses_the_whole: test_conflict_preserves_atomicity;
    facts_of_another_type_are_not_passed_over: test_read_stream_errors_on_type_mismatch;
    a_stream_is_read_from_a_version: test_read_stream_after_excludes_reconstructed_events;
    everything_is_in_the_order_of_its_appends: test_event_ordering_across_streams;
    reading_goes_on_behind_a_position: test_position_based_resumption;
    a_page_has_its_limit: test_batch_limiting;
    streams_are_selected_by_prefix: test_stream_prefix_filtering;
    a_prefix_stands_in_front: test_stream_prefix_requires_prefix_match;
    streams_are_selected_by_pattern: test_stream_pattern_filtering;
    a_question_mark_is_one_character: test_stream_pattern_single_char;
    brackets_are_one_of_their_characters: test_stream_pattern_char_class;
}
