//! Every metric there is: its name, its kind and what it tells. Where it is counted is the
//! business of the room that its name begins with; `/metrics` shows it.

/// What sort of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often which value was met.
    Histogram(Buckets),
    /// A gauge whose label is what it tells. It is not counted but written by [`present`] whenever
    /// somebody looks, so that what was before is not shown for ever.
    Present,
}

/// Where a histogram draws its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buckets {
    /// Half a millisecond to half a minute.
    Seconds,
    /// One to ten thousand.
    Counts,
}

impl Buckets {
    /// The upper ends, which a value may reach.
    #[must_use]
    pub fn upper_ends(self) -> &'static [f64] {
        match self {
            Self::Seconds => &[
                0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
                10.0, 30.0,
            ],
            Self::Counts => &[
                1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0,
                10_000.0,
            ],
        }
    }
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// `millrace_`, the part, what; the unit last, `total` for a counter.
    pub name: &'static str,
    /// What sort of number it is.
    pub kind: Kind,
    /// What it is told apart by.
    pub label: Option<&'static str>,
    /// What it tells.
    pub help: &'static str,
}

macro_rules! table {
    ($( $kind:ident $name:literal $(by $label:literal)? $help:literal; )+) => {
        /// Every metric.
        pub const METRICS: &[Metric] = &[ $( Metric {
            name: $name,
            kind: table!(@kind $kind),
            label: table!(@label $($label)?),
            help: $help,
        }, )+ ];
    };
    (@kind counter) => { Kind::Counter };
    (@kind gauge) => { Kind::Gauge };
    (@kind seconds) => { Kind::Histogram(Buckets::Seconds) };
    (@kind present) => { Kind::Present };
    (@kind counts) => { Kind::Histogram(Buckets::Counts) };
    (@label) => { None };
    (@label $label:literal) => { Some($label) };
}

table! {
    gauge "millrace_log_head_position"
        "The last position that this process knows to be committed.";
    present "millrace_log_chain_head" by "hash"
        "The last position of the log's last batch, by its hash; not shown where unknown.";
    gauge "millrace_log_queue_appends"
        "Appends that wait for the appender, when it last took some.";
    gauge "millrace_log_queue_bytes"
        "Bytes of the appends that wait for the appender, when it last took some.";
    seconds "millrace_log_queue_seconds"
        "How long the first append of a batch waited until the batch was sent.";
    counter "millrace_log_busy_total"
        "Appends that were told BUSY, for the queue was full.";
    counts "millrace_log_batch_appends"
        "Appends of a batch.";
    counts "millrace_log_batch_facts"
        "Facts that a batch wrote.";
    seconds "millrace_log_batch_seconds"
        "How long a batch took from being sent to being answered.";
    gauge "millrace_log_batches_in_flight"
        "Batches that were sent as planned and have not come back.";
    counter "millrace_log_plans_total"
        "Batches that were judged on what this process knows and sent in one go.";
    counter "millrace_log_plans_failed_total"
        "Planned batches that were refused, for the log's tail was another one, or broke off.";
    counter "millrace_log_locked_total"
        "Batches that were judged under the tail lock.";
    counter "millrace_log_retries_total"
        "Times that a batch could not be written yet, for the database was away or broke off.";
    counter "millrace_log_appends_total" by "answer"
        "Appends by their answer: appended, conflict, repeated, unfounded, excluded or error.";
    gauge "millrace_log_known_streams"
        "Streams whose versions the appender knows.";
    counter "millrace_log_shared_pages_total"
        "Pages that a follower of the log found read by another of this process.";
    counter "millrace_log_reads_total"
        "Times that a connection was taken to read the log, beside following it.";
    counter "millrace_log_behind_pages_total"
        "Pages that a follower read for itself, for it was behind what others had read last.";

    gauge "millrace_executor_queue_commands"
        "Commands that are under way, from their coming to their answer.";
    seconds "millrace_executor_queue_seconds"
        "How long a command waited until it was first decided.";
    counter "millrace_executor_busy_total"
        "Commands that were told BUSY by the executor.";
    seconds "millrace_executor_command_seconds"
        "How long a command took from its coming to its answer.";
    counts "millrace_executor_round_commands"
        "Commands decided in a round.";
    counts "millrace_executor_round_facts"
        "Facts decided in a round.";
    gauge "millrace_executor_rounds_in_flight"
        "Rounds that are decided and whose commits have not come back.";
    counter "millrace_executor_components_total"
        "Components that came back: commands that share streams and commit together.";
    counter "millrace_executor_components_refused_total"
        "Components that the log refused; their commands were decided again, or failed.";
    counter "millrace_executor_retries_total"
        "Commands that were decided again, for another process was ahead of them.";
    counter "millrace_executor_turns_total"
        "Turns under the tail lock.";
    counts "millrace_executor_turn_commands"
        "Commands of a turn.";
    counter "millrace_executor_cache_hits_total"
        "States that were there when a command named them.";
    counter "millrace_executor_cache_misses_total"
        "States that had to be read when a command named them.";
    seconds "millrace_executor_load_seconds"
        "How long a read of states and keys took.";
    counter "millrace_executor_facts_loaded_total"
        "Facts that states were folded from as they were read.";
    counter "millrace_executor_snapshots_used_total"
        "States that were read from a snapshot on.";
    counter "millrace_executor_snapshots_ignored_total"
        "Snapshots that could not be used, so that a state was folded from its first fact.";
    counter "millrace_executor_snapshots_kept_total"
        "Snapshots that were handed to the database.";
    counter "millrace_executor_snapshots_dropped_total"
        "States that were not kept as snapshots, for too many waited or they were too large.";
    counter "millrace_executor_snapshots_failed_total"
        "Snapshots that the database could not take.";
    gauge "millrace_executor_cache_bytes"
        "Bytes of the states kept.";
    gauge "millrace_executor_cache_states"
        "States kept.";

    counter "millrace_projector_retries_total"
        "Times that the read models stood still for an error, and were tried again.";
    counter "millrace_projection_facts_total" by "projection"
        "Facts that were taken into a read model.";
    gauge "millrace_projection_lag_positions" by "projection"
        "How many positions a read model is behind the head.";
    gauge "millrace_projection_lag_seconds" by "projection"
        "How old the last fact was when it was taken into a read model.";
    gauge "millrace_projection_stopped" by "projection"
        "1 while a read model stands still alone, for PostgreSQL refuses it.";
    gauge "millrace_projection_parked" by "projection"
        "Facts that a read model could not take in.";

    counter "millrace_queries_statements_total"
        "Statements with which queries read the read models.";
    counter "millrace_queries_cache_hits_total"
        "Records and counts that were kept in mind when a query asked for them.";
    counter "millrace_queries_cache_misses_total"
        "Records and counts that had to be read when a query asked for them.";
    counter "millrace_queries_cache_evictions_total"
        "Records and counts that were dropped from memory to make room.";
    gauge "millrace_queries_cache_bytes"
        "Bytes of the records and counts kept in mind.";

    gauge "millrace_gateway_connections"
        "WebSockets and event streams that are open.";
    gauge "millrace_gateway_subscriptions"
        "Subscriptions that are open.";
    counter "millrace_gateway_pushed_total"
        "Messages that were pushed to subscribers.";
    seconds "millrace_gateway_request_seconds"
        "How long a request took until its answer began.";
    counter "millrace_gateway_errors_total" by "code"
        "Errors that were told, by their code.";
}

/// The one sample of a [`Kind::Present`] metric, in Prometheus' text format.
#[must_use]
pub fn present(name: &str, label: &str, value: i64) -> String {
    let found = METRICS.iter().find(|metric| metric.name == name && metric.kind == Kind::Present);
    found.map_or_else(String::new, |&Metric { label: told_by, help, .. }| {
        let told_by = told_by.unwrap_or_default();
        format!(
            "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{{told_by}=\"{label}\"}} {value}\n"
        )
    })
}
