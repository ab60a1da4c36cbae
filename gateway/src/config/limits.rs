//! Settings that are the limits of a room: as the room has them, but for times, which are plain
//! numbers here. Their defaults are the rooms'.

use std::time::Duration;

use commands::ExecutorLimits;
use events::log::LogLimits;
use queries::ReaderLimits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::export::ExportLimits;
use crate::import::ImportLimits;

/// Declares settings that are the limits of a room: seconds and counts as plain numbers.
macro_rules! settings {
    (
        $(#[$doc:meta])* $name:ident for $limits:ty;
        $( $(#[$field_doc:meta])* $field:ident: $type:ty = $of:expr => $to:ident as $into:expr; )+
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $( $(#[$field_doc])* pub $field: $type, )+ }

        impl Default for $name {
            fn default() -> Self {
                let limits = <$limits>::default();
                Self { $( $field: $of(limits.$to), )+ }
            }
        }

        impl From<&$name> for $limits {
            fn from(settings: &$name) -> Self {
                Self { $( $to: $into(settings.$field), )+ }
            }
        }
    };
}

fn same<T>(value: T) -> T {
    value
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

settings! {
    /// Limits of the event log.
    LogSettings for LogLimits;
    /// Appends that may wait; one more is told BUSY.
    queue_appends_max: usize = same => queue_appends_max as same;
    /// Bytes of the appends that may wait; what exceeds them is told BUSY.
    queue_bytes_max: usize = same => queue_bytes_max as same;
    /// Facts of one batch.
    batch_facts_max: usize = same => batch_facts_max as same;
    /// Bytes of one batch.
    batch_bytes_max: usize = same => batch_bytes_max as same;
    /// Batches under way at once: while PostgreSQL writes one, the next lies in wait.
    batches_in_flight_max: usize = same => batches_in_flight_max as same;
    /// Facts of one append.
    append_facts_max: usize = same => append_facts_max as same;
    /// Streams of one append.
    append_streams_max: usize = same => append_streams_max as same;
    /// Bytes of one append.
    append_bytes_max: usize = same => append_bytes_max as same;
    /// Bytes of one fact.
    fact_bytes_max: usize = same => fact_bytes_max as same;
    /// Streams whose versions are kept in mind, about 100 bytes each.
    known_streams_max: usize = same => known_streams_max as same;
    /// How long an append waits for a database that is away, in milliseconds.
    unavailable_wait_max_ms: u64 = milliseconds => unavailable_wait_max as Duration::from_millis;
    /// How long the database may say nothing to a batch, before another connection is tried, in
    /// milliseconds.
    silence_max_ms: u64 = milliseconds => silence_max as Duration::from_millis;
    /// How often followers look by themselves, should a wake-up be lost, in milliseconds.
    poll_interval_ms: u64 = milliseconds => poll_interval as Duration::from_millis;
    /// Bytes of a page of facts that is read; one fact may exceed them.
    page_bytes_max: usize = same => page_bytes_max as same;
    /// Bytes of the facts read last, kept for those followers of the process that come to them.
    shared_bytes_max: usize = same => shared_bytes_max as same;
    /// Connections for reading.
    readers_max: usize = same => readers_max as same;
    /// How long a read waits for one of them, in milliseconds.
    reader_wait_max_ms: u64 = milliseconds => reader_wait_max as Duration::from_millis;
}

settings! {
    /// Limits of the command executor.
    ExecutorSettings for ExecutorLimits;
    /// Commands that may be under way, from their coming to their answer; one more is told BUSY.
    queue_commands_max: usize = same => queue_commands_max as same;
    /// Commands decided in one round.
    round_commands_max: usize = same => round_commands_max as same;
    /// Facts decided in one round.
    round_facts_max: usize = same => round_facts_max as same;
    /// Streams named in one round.
    round_streams_max: usize = same => round_streams_max as same;
    /// Bytes of the facts decided in one round.
    round_bytes_max: usize = same => round_bytes_max as same;
    /// Rounds that are decided while their commits are awaited.
    rounds_in_flight_max: usize = same => rounds_in_flight_max as same;
    /// States kept in memory, in bytes.
    cache_bytes_max: usize = same => cache_bytes_max as same;
    /// How long a command may wait to be decided, in milliseconds; then it is told BUSY.
    wait_max_ms: u64 = milliseconds => wait_max as Duration::from_millis;
    /// How long a caller waits for an answer, in milliseconds.
    answer_wait_max_ms: u64 = milliseconds => answer_wait_max as Duration::from_millis;
    /// After so many conflicts with other processes, a command is decided under the tail lock.
    conflicts_before_turn: u32 = same => conflicts_before_turn as same;
    /// How often a command is decided again after conflicts with other processes; then it is told
    /// BUSY.
    conflicts_max: u32 = same => conflicts_max as same;
    /// How often in a row the states of a command may be read; then it is told BUSY.
    loads_max: u32 = same => loads_max as same;
    /// Reads of states under way at once, beside the round's own.
    reads_max: usize = same => reads_max as same;
    /// The state of a record is kept as a snapshot once in so many facts of it, so that it need not
    /// be folded from the first one. 0 switches snapshots off.
    snapshot_facts: u32 = same => snapshot_facts as same;
    /// States that may wait to be kept as snapshots; one more is not kept.
    snapshots_queue_max: usize = same => snapshots_queue_max as same;
}

settings! {
    /// Limits of queries.
    QuerySettings for ReaderLimits;
    /// Connections for queries.
    connections_max: usize = same => connections_max as same;
    /// How long a query waits for a connection, in milliseconds.
    connection_wait_max_ms: u64 = milliseconds => connection_wait_max as Duration::from_millis;
    /// How long a query waits for the position that it is to see, in milliseconds.
    at_least_wait_max_ms: u64 = milliseconds => at_least_wait_max as Duration::from_millis;
    /// How long PostgreSQL may work on one query, in milliseconds.
    statement_wait_max_ms: u64 = milliseconds => statement_wait_max as Duration::from_millis;
    /// Records of a page, at the most.
    page_max: usize = same => page_max as same;
    /// Records of a page, if nobody says how many.
    page_default: usize = same => page_default as same;
    /// Facts of one record that are folded, where it is read as of a moment or its history is read.
    as_of_facts_max: usize = same => as_of_facts_max as same;
    /// Bytes of records and counts that are kept in mind, so that they need not be read again until
    /// they change. 0 switches that off.
    cache_bytes_max: u64 = same => cache_bytes_max as same;
    /// Characters of what somebody searches for.
    search_chars_max: usize = same => search_chars_max as same;
    /// Words of it.
    search_words_max: usize = same => search_words_max as same;
    /// Hits of a feature that are ranked; pages end there.
    search_hits_max: usize = same => search_hits_max as same;
    /// Rows of a feature that are looked at for one search, where not all that its index finds fit.
    search_rows_max: usize = same => search_rows_max as same;
    /// Words of a feature that are compared with one that may be mistyped.
    search_vocabulary_max: usize = same => search_vocabulary_max as same;
    /// Where fewer hits than these have the words as they were typed, typos are tolerated.
    search_typos_below: usize = same => search_typos_below as same;
    /// Conditions of a filter, those that join others counted too.
    filter_conditions_max: usize = same => filter_conditions_max as same;
    /// Values that a condition of a filter may name (`in`).
    filter_values_max: usize = same => filter_values_max as same;
    /// Groups that records are added up in.
    groups_max: usize = same => groups_max as same;
    /// Changes that wait for somebody who watches a list; of more he is told to read it again.
    live_waiting_max: usize = same => live_waiting_max as same;
    /// Changes that go by while he is not told even that; with more, his watching is over.
    live_missed_max: usize = same => live_missed_max as same;
    /// Records of a read model that is watched, as they were told last, that are kept in mind.
    live_rows_max: usize = same => live_rows_max as same;
    /// Facts behind which somebody resumes, at the most; behind more he reads the list again.
    live_resume_facts_max: usize = same => live_resume_facts_max as same;
    /// Records of which he is told then.
    live_resume_records_max: usize = same => live_resume_records_max as same;
}

settings! {
    /// Limits of imports.
    ImportSettings for ImportLimits;
    /// Documents that are executed at once.
    flight_documents_max: usize = same => flight_documents_max as same;
    /// Lines of documents that are executed at once; one document may exceed it alone.
    flight_lines_max: usize = same => flight_lines_max as same;
    /// Rows that are kept because their documents have not ended yet.
    open_rows_max: usize = same => open_rows_max as same;
    /// Documents of one file.
    documents_max: usize = same => documents_max as same;
    /// Customers of one file, and products of one file.
    names_max: usize = same => names_max as same;
    /// Bytes of one row.
    row_bytes_max: usize = same => row_bytes_max as same;
    /// How long it tries again what passes by itself without getting further, in milliseconds.
    retry_wait_max_ms: u64 = milliseconds => retry_wait_max as Duration::from_millis;
}

settings! {
    /// Limits of exports.
    ExportSettings for ExportLimits;
    /// Facts that are read at once.
    page_facts_max: usize = same => page_facts_max as same;
    /// Facts that are put into files at once; three times as many are in memory.
    chunk_facts_max: usize = same => chunk_facts_max as same;
    /// Bytes of the facts that are put into files at once.
    chunk_bytes_max: usize = same => chunk_bytes_max as same;
}
