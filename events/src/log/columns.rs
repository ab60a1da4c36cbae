//! The facts of a batch as PostgreSQL takes them: a column an array.

use chrono::{DateTime, Utc};
use futures_util::{join, try_join};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};
use uuid::Uuid;

use super::judge::Verdict;
use super::known::Base;
use super::{Append, chain};

/// The statements that write a batch.
pub(super) struct Writing {
    facts: Statement,
    tags: Statement,
    keys: Statement,
    erase: Statement,
}

impl Writing {
    pub(super) async fn prepare(client: &Client) -> Result<Self, Error> {
        let (facts, tags, keys, erase) = try_join!(
            client.prepare(include_str!("sql/write.sql")),
            client.prepare(include_str!("sql/write_tags.sql")),
            client.prepare(include_str!("sql/write_keys.sql")),
            client.prepare(include_str!("sql/erase_keys.sql")),
        )?;
        Ok(Self { facts, tags, keys, erase })
    }
}

/// What goes in with a batch beside its facts; most have nothing of it.
#[derive(Default)]
struct Beside<'a> {
    /// Organization, tag, type and place in the batch.
    tags: Vec<(Uuid, &'a str, &'a str, i64)>,
    /// Organization, person, master key and wrapped key.
    keys: Vec<(Uuid, Uuid, &'a str, &'a [u8])>,
    /// Organization and person.
    erased: Vec<(Uuid, Uuid)>,
}

impl<'a> Beside<'a> {
    fn of(appends: &[&'a Append], verdict: &Verdict) -> Self {
        let mut beside = Self::default();
        let mut last = None;
        for (place, &(append, fact, _)) in (0..).zip(&verdict.accepted) {
            let of = appends[append];
            if last.replace(append) != Some(append) {
                let keys = of.new_keys.iter().map(|key| {
                    let (person, master) = (key.person, key.master.as_str());
                    (person.organization, person.id, master, key.wrapped.as_slice())
                });
                beside.keys.extend(keys);
                beside
                    .erased
                    .extend(of.erased.iter().map(|erased| (erased.organization, erased.id)));
            }
            let fact = &of.facts[fact];
            let tags = fact.tags.iter().map(|tag| {
                (fact.stream.organization, tag.as_ref(), fact.fact_type.as_ref(), place)
            });
            beside.tags.extend(tags);
        }
        beside
    }

    /// Writes it, if the batch that ends at `last` was written in this transaction.
    async fn write(
        &self,
        client: &Client,
        writing: &Writing,
        (first, last): (i64, i64),
    ) -> Result<(), Error> {
        let tags = async {
            if self.tags.is_empty() {
                return Ok(0);
            }
            let tags = self.tags.iter();
            let organizations: Vec<Uuid> = tags.clone().map(|tag| tag.0).collect();
            let names: Vec<&str> = tags.clone().map(|tag| tag.1).collect();
            let positions: Vec<i64> = tags.clone().map(|tag| first + tag.3).collect();
            let types: Vec<&str> = tags.map(|tag| tag.2).collect();
            let params: [&(dyn ToSql + Sync); 5] =
                [&last, &organizations, &names, &positions, &types];
            client.execute(&writing.tags, &params).await
        };
        let keys = async {
            if self.keys.is_empty() {
                return Ok(0);
            }
            let keys = self.keys.iter();
            let organizations: Vec<Uuid> = keys.clone().map(|key| key.0).collect();
            let persons: Vec<Uuid> = keys.clone().map(|key| key.1).collect();
            let masters: Vec<&str> = keys.clone().map(|key| key.2).collect();
            let wrapped: Vec<&[u8]> = keys.map(|key| key.3).collect();
            let params: [&(dyn ToSql + Sync); 5] =
                [&last, &organizations, &persons, &masters, &wrapped];
            client.execute(&writing.keys, &params).await
        };
        let erased = async {
            if self.erased.is_empty() {
                return Ok(0);
            }
            let (organizations, persons): (Vec<Uuid>, Vec<Uuid>) =
                self.erased.iter().copied().unzip();
            let params: [&(dyn ToSql + Sync); 3] = [&last, &organizations, &persons];
            client.execute(&writing.erase, &params).await
        };
        let (tags, keys, erased) = join!(tags, keys, erased);
        tags.and(keys).and(erased).map(drop)
    }
}

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
    beside: Beside<'a>,
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
            beside: Beside::of(appends, verdict),
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
        writing: &Writing,
        base: &Base,
    ) -> Result<Option<DateTime<Utc>>, Error> {
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
        // In one go, in this order.
        let (written, beside) = join!(
            client.query_opt(&writing.facts, &params),
            self.beside.write(client, writing, (first, last)),
        );
        let written = written?;
        beside?;
        if written.is_some() {
            metrics::histogram!("millrace_log_batch_facts").record(count as f64);
        }
        Ok(written.map(|row| row.get("recorded_at")))
    }
}
