-- Read models are spread over workers, and rebuilt beside the running ones.
create table projections.builds (
    build bigint generated always as identity primary key,
    name text not null,
    version integer not null,
    schema text not null unique,
    state text not null check (state in ('building', 'live', 'retired', 'copy')),
    parts integer not null check (parts > 0),
    -- What is made last, when the rows are there.
    indexed boolean not null default false,
    created_at timestamptz not null default now(),
    live_at timestamptz,
    retired_at timestamptz
);
-- Names the schemas of builds of a version that is there already.
create sequence projections.schemas;
create unique index builds_live on projections.builds (name) where state = 'live';
create unique index builds_building on projections.builds (name) where state = 'building';

create table projections.workers (
    worker uuid primary key,
    host text not null,
    pid integer not null,
    started_at timestamptz not null default clock_timestamp(),
    alive_until timestamptz not null,
    -- The read models, with their versions, that it can carry on; none: a gateway without workers.
    knows text[] not null
);

-- Updated with every page: room on the page for the new version of the row.
create table projections.parts (
    build bigint not null references projections.builds on delete cascade,
    part integer not null,
    position bigint not null,
    epoch bigint not null default 0,
    worker uuid,
    updated_at timestamptz not null default now(),
    primary key (build, part)
) with (fillfactor = 20);

create table projections.parked (
    build bigint not null references projections.builds on delete cascade,
    organization_id uuid not null,
    stream_id uuid not null,
    position bigint not null,
    event_id uuid not null,
    type text not null,
    error text not null,
    parked_at timestamptz not null default now(),
    primary key (build, organization_id, stream_id, position)
);

-- What the programs before this kept: a checkpoint a read model and version. They cannot carry the
-- read models on beside this one, and notice.
insert into projections.builds (name, version, schema, state, parts, indexed, live_at, retired_at)
select
    name, version, name || '_v' || version,
    case when latest then 'live' else 'retired' end, 4, true, now(),
    case when latest then null else now() end
from (
    select name, version, version = max(version) over (partition by name) as latest
    from projections.checkpoints
) as known;
insert into projections.parts (build, part, position)
select b.build, part, c.position
from projections.builds as b
join projections.checkpoints as c using (name, version)
cross join generate_series(0, b.parts - 1) as part;
drop table projections.checkpoints;

comment on schema projections is 'How far each read model has come, and who carries it on.';
comment on table projections.builds is
    'The tables of each read model: those that are shown, those that are being made.';
comment on table projections.workers is 'Who carries read models on, or reads them, now.';
comment on table projections.parts is
    'How far each part of a read model has come, and whose it is.';
comment on column projections.parts.epoch is
    'Counts whose it was: who held it before writes nothing any more.';
comment on table projections.parked is 'Facts that a read model could not take in.';
