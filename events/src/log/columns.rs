//! The facts of a batch as PostgreSQL takes them: a column an array.

use chrono::{DateTime, Utc};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::judge::Verdict;
use super::known::Base;
use super::{Append, chain};

/// The accepted facts of a batch.
pub(super) struct Columns<'a> {
    digests: Vec<u8>,
    organizations: Vec<Uuid>,
    features: Vec<&'a str>,
    streams: Vec<Uuid>,
    versions: Vec<i64>,
    event_ids: Vec<Uuid>,
    types: Vec<&'a str>,
    schema_versions: Vec<i16>,
    data: Vec<&'a [u8]>,
    meta: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(appends: &[&'a Append], verdict: &Verdict) -> Self {
        let accepted = verdict.accepted.iter();
        let facts =
            accepted.map(|&(append, fact, version)| (&appends[append].facts[fact], version));
        let count = facts.len();
        let mut columns = Self {
            digests: chain::digests(facts.clone()),
            organizations: Vec::with_capacity(count),
            features: Vec::with_capacity(count),
            streams: Vec::with_capacity(count),
            versions: Vec::with_capacity(count),
            event_ids: Vec::with_capacity(count),
            types: Vec::with_capacity(count),
            schema_versions: Vec::with_capacity(count),
            data: Vec::with_capacity(count),
            meta: Vec::with_capacity(count),
        };
        for (fact, version) in facts {
            columns.organizations.push(fact.stream.organization);
            columns.features.push(&fact.feature);
            columns.streams.push(fact.stream.id);
            columns.versions.push(version);
            columns.event_ids.push(fact.event_id);
            columns.types.push(&fact.fact_type);
            columns.schema_versions.push(fact.schema_version);
            columns.data.push(&fact.data);
            columns.meta.push(&fact.meta);
        }
        columns
    }

    /// Writes them if the log ends as expected: when they were recorded.
    pub(super) async fn write(
        &self,
        client: &Client,
        write: &Statement,
        base: &Base,
    ) -> Result<Option<DateTime<Utc>>, tokio_postgres::Error> {
        let count = self.versions.len();
        let (first, last) = (base.position.0 + 1, base.position.0 + count as i64);
        let params: [&(dyn ToSql + Sync); 14] = [
            &first,
            &base.last,
            &last,
            &self.digests,
            &self.organizations,
            &self.features,
            &self.streams,
            &self.versions,
            &self.event_ids,
            &self.types,
            &self.schema_versions,
            &self.data,
            &self.meta,
            &base.ours,
        ];
        let written = client.query_opt(write, &params).await?;
        if written.is_some() {
            metrics::histogram!("millrace_log_batch_facts").record(count as f64);
        }
        Ok(written.map(|row| row.get("recorded_at")))
    }
}
