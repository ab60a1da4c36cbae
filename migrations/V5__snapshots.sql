-- States that somebody has folded already, so that a long stream is loaded from near its end. They
-- say nothing that the facts do not: whoever likes may delete them, all or some, at any time.
create table log.snapshots (
    organization_id uuid not null,
    stream_id uuid not null,
    state text collate "C" not null,
    state_version integer not null,
    version bigint not null,
    event_id uuid not null,
    recorded_at timestamptz not null,
    data bytea not null,
    taken_at timestamptz not null default now(),
    primary key (organization_id, stream_id, state)
);

comment on table log.snapshots is
    'States as they were folded once: an optimisation of loading, which may be deleted freely.';
comment on column log.snapshots.state is 'What kind of state.';
comment on column log.snapshots.state_version is 'Version of its shape and of its fold.';
comment on column log.snapshots.version is 'Of the stream: the last fact that it was folded from.';
comment on column log.snapshots.event_id is
    'That fact''s id: where the stream has another fact there, the snapshot is not looked at.';
comment on column log.snapshots.recorded_at is
    'When that fact was recorded: keys make the same ids again, in a log that was begun anew.';
comment on column log.snapshots.data is 'A digest of all of it, and the state: bytes of JSON.';
