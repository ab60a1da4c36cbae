-- Who reads with SQL: a login of its own, which sees the rows of its organizations and no others.
-- By the role's id, not its name: a login that was dropped and made again is another one, also
-- where nobody in this database was told of it. Roles belong to the whole server.
create table projections.readers (
    reader regrole not null,
    organization_id uuid not null,
    added_at timestamptz not null default now(),
    primary key (reader, organization_id)
);

-- The organizations of whoever asks. Runs with its owner's rights, so that nobody has to see the
-- table; a barrier, so that no condition of a query sees the rows of others before this one.
create view projections.reader_organizations with (security_barrier = true) as
select organization_id
from projections.readers
where reader = quote_ident(current_user)::regrole;

-- The owner, as whom Millrace itself signs in, is not asked. Whoever else is granted the log, or a
-- table of a read model, sees what this lets through.
create policy reader_organizations on log.events for select using (
    organization_id = any (array(select organization_id from projections.reader_organizations))
);
alter table log.events enable row level security;
-- With the rights of whoever asks, or everybody would see what its owner does.
alter view log.facts set (security_invoker = true);

-- Guards the tables of all builds, and grants what readers need, wherever either lacks. False: the
-- role `millrace_bi` is not there and may not be made, so nothing is granted. To be called under
-- the lock of the builds, for grants on one object must not be made by two at once.
create function projections.open_to_readers() returns boolean language plpgsql
set search_path = pg_catalog, pg_temp as $$
declare
    lacking regclass;
    place name;
begin
    for lacking in
        select c.oid
        from projections.builds as b
        join pg_namespace as n on n.nspname = b.schema
        join pg_class as c on c.relnamespace = n.oid and c.relkind = 'r'
        where not c.relrowsecurity
    loop
        execute format(
            'create policy reader_organizations on %s for select using (organization_id = any '
            '(array(select organization_id from projections.reader_organizations)))',
            lacking
        );
        execute format('alter table %s enable row level security', lacking);
    end loop;
    if to_regrole('millrace_bi') is null then
        begin
            create role millrace_bi nologin;
            comment on role millrace_bi is
                'Who read Millrace with SQL, each its organizations: `millrace database reader`.';
        exception
            -- Another database of this server makes it at this moment.
            when duplicate_object or unique_violation then
                null;
            when insufficient_privilege then
                return false;
        end;
    end if;
    foreach place in array array['log', 'read'] loop
        if not has_schema_privilege('millrace_bi', place::text, 'usage') then
            execute format('grant usage on schema %I to millrace_bi', place);
        end if;
    end loop;
    -- Of the views under `read` those that show nobody more than the tables do.
    for lacking in
        select c.oid
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        left join projections.builds as b on b.schema = n.nspname
        where
            (
                (b.schema is not null and c.relkind = 'r')
                or (n.nspname = 'read' and 'security_invoker=true' = any (c.reloptions))
                or c.oid in (
                    'log.facts'::regclass, 'log.events'::regclass,
                    'projections.reader_organizations'::regclass
                )
            )
            and not has_table_privilege('millrace_bi', c.oid, 'select')
    loop
        execute format('grant select on %s to millrace_bi', lacking);
    end loop;
    return true;
end
$$;
revoke execute on function projections.open_to_readers() from public;
revoke execute on function log.refuse() from public;
select projections.open_to_readers();

comment on table projections.readers is 'Who reads with SQL which organizations.';
comment on column projections.readers.reader is 'The login, a member of millrace_bi.';
comment on column projections.readers.organization_id is 'A tenant whose rows it sees.';
comment on column projections.readers.added_at is 'Since when.';
comment on view projections.reader_organizations is 'The organizations of whoever asks.';
comment on column projections.reader_organizations.organization_id is
    'A tenant whose rows whoever asks sees.';
comment on function projections.open_to_readers() is
    'Guards and grants what readers see, wherever that lacks.';

-- What the earlier migrations left unsaid.
comment on view log.facts is 'Every fact, in order; readers see those of their organizations.';
comment on function log.refuse() is 'Refuses to change or remove what happened.';
comment on column log.events.position is 'Place in the log, from 1, without gaps.';
comment on column log.events.organization_id is 'The tenant.';
comment on column log.events.feature is 'The feature that declares the fact.';
comment on column log.events.stream_id is 'The record that it happened to.';
comment on column log.events.version is 'Place in the record''s stream, from 1.';
comment on column log.events.event_id is 'The fact''s own id.';
comment on column log.events.type is 'What happened.';
comment on column log.events.schema_version is 'Version of the shape of data.';
comment on column log.events.meta is 'Who, by which command, for which request: bytes of JSON.';
comment on column log.events.recorded_at is
    'The database''s clock when it was recorded; never decreases.';
comment on column log.batches.last_position is 'The last fact of the batch.';
comment on column log.batches.first_position is 'Its first fact.';
comment on column log.batches.recorded_at is 'When it was recorded.';
comment on column log.snapshots.organization_id is 'The tenant.';
comment on column log.snapshots.stream_id is 'The record.';
comment on column log.snapshots.taken_at is 'When it was taken.';
comment on column projections.builds.build is 'Which: counted.';
comment on column projections.builds.name is 'The read model.';
comment on column projections.builds.version is 'Version of its fold and tables.';
comment on column projections.builds.schema is 'The schema that holds the tables.';
comment on column projections.builds.state is
    'live: shown; building: to be live next; retired: to be dropped; copy: a program''s own.';
comment on column projections.builds.parts is 'Into how many parts the work is divided.';
comment on column projections.builds.indexed is 'Whether its indexes are there.';
comment on column projections.builds.created_at is 'When it was begun.';
comment on column projections.builds.live_at is 'Since when it is, or was, shown.';
comment on column projections.builds.retired_at is 'Since when it is not shown any more.';
comment on column projections.workers.worker is 'The process: an id made when it started.';
comment on column projections.workers.host is 'The machine that it runs on.';
comment on column projections.workers.pid is 'Its number there.';
comment on column projections.workers.started_at is 'When it started.';
comment on column projections.workers.alive_until is 'Until when it counts as alive.';
comment on column projections.workers.knows is
    'The read models, with their versions, that it carries on; none: it only reads.';
comment on column projections.parts.build is 'The tables.';
comment on column projections.parts.part is 'Which part of the work, from 0.';
comment on column projections.parts.position is 'It holds all facts up to here.';
comment on column projections.parts.worker is 'Whose it is; null: nobody''s.';
comment on column projections.parts.updated_at is 'When it last moved on.';
comment on column projections.parked.build is 'The tables.';
comment on column projections.parked.organization_id is 'The tenant.';
comment on column projections.parked.stream_id is 'The record.';
comment on column projections.parked.position is 'The fact''s place in the log.';
comment on column projections.parked.event_id is 'The fact.';
comment on column projections.parked.type is 'What happened.';
comment on column projections.parked.error is 'Why it could not be taken in.';
comment on column projections.parked.parked_at is 'When it was parked.';
