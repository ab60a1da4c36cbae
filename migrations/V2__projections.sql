-- The platform's own bookkeeping for read models; the read models themselves live in schemas of
-- their own, one for each projection and version.
create schema projections;

create table projections.checkpoints (
    name text not null,
    version integer not null,
    position bigint not null,
    updated_at timestamptz not null default now(),
    primary key (name, version)
);

comment on schema projections is 'How far each read model has come.';
comment on table projections.checkpoints is 'The last position that each read model holds.';

create schema read;
comment on schema read is 'The read models: the only names that queries and BI tools use.';
