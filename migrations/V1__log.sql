-- The event log: facts are inserted, never updated or deleted.
create schema log;

create table log.events (
    position bigint primary key,
    organization_id uuid not null,
    feature text not null,
    stream_id uuid not null,
    version bigint not null,
    event_id uuid not null,
    type text not null,
    schema_version smallint not null,
    data bytea not null,
    meta bytea not null,
    recorded_at timestamptz not null
);
-- The organization leads: the same stream id in two organizations is two streams, so no
-- organization can touch, or learn of, a stream of another.
create unique index events_stream on log.events (organization_id, stream_id, version);
-- Idempotency keys are event ids (UUIDv5): this index is the key index.
create unique index events_event_id on log.events (event_id);

create table log.batches (
    last_position bigint primary key,
    first_position bigint not null,
    recorded_at timestamptz not null,
    hash bytea not null
);

-- What happened stays: nothing in the log is ever changed or removed.
create function log.refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the log is only ever added to: % of log.% is refused', tg_op, tg_table_name;
end
$$;
create trigger only_added before update or delete or truncate on log.events
    for each statement execute function log.refuse();
create trigger only_added before update or delete or truncate on log.batches
    for each statement execute function log.refuse();

create view log.facts as
select
    position, organization_id, feature, stream_id, version, event_id, type, schema_version,
    convert_from(data, 'UTF8')::jsonb as data,
    convert_from(meta, 'UTF8')::jsonb as meta,
    recorded_at
from log.events;

comment on schema log is 'The event log: what happened, in order.';
comment on table log.events is 'Every fact, as stored; read log.facts instead.';
comment on column log.events.data is
    'The fact''s fields: bytes of JSON, for parsing jsonb costs more than storing it.';
comment on table log.batches is 'The appends as they were committed, chained by hash.';
comment on column log.batches.hash is
    'sha256(previous hash, first position, recorded_at, digests of the facts).';
comment on view log.facts is 'Every fact of every organization, in order.';
comment on column log.facts.position is 'Place in the log, from 1, without gaps.';
comment on column log.facts.organization_id is 'The tenant.';
comment on column log.facts.feature is 'The feature that declares the fact.';
comment on column log.facts.stream_id is 'The record that it happened to.';
comment on column log.facts.version is 'Place in the record''s stream, from 1.';
comment on column log.facts.event_id is 'The fact''s own id.';
comment on column log.facts.type is 'What happened.';
comment on column log.facts.schema_version is 'Version of the shape of data.';
comment on column log.facts.data is 'What was decided.';
comment on column log.facts.meta is 'Who, by which command, for which request.';
comment on column log.facts.recorded_at is
    'The database''s clock when it was recorded; never decreases.';
