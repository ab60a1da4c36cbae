-- A batch: its facts at contiguous positions from $1 and its row, if the last fact of the log is
-- still $2 (null: there is none) and, with $14, the last batch is of this session: planned behind
-- another, it rests on every fact of that one, and the last of them alone may have come in by
-- other hands. Otherwise nothing is written, and no row comes back; nor without the tail lock, as
-- where the transaction was not begun that this was sent behind.
with tail as materialized (
    select
        coalesce(b.hash, ''::bytea) as hash,
        greatest(clock_timestamp(), b.recorded_at) as recorded_at
    from (values (1)) as always(one)
    left join lateral (
        select hash, recorded_at
        from log.batches
        order by last_position desc
        limit 1
    ) as b on true
    where current_setting('millrace.locked', true) = 'yes' and (
        select event_id
        from log.events
        order by position desc
        limit 1
    ) is not distinct from $2
        and (not $14 or current_setting('millrace.tail', true) = ($1::bigint - 1)::text)
), facts as (
    insert into log.events (
        position, recorded_at, organization_id, feature, stream_id, version, event_id, type,
        schema_version, data, meta
    )
    select $1 + f.n - 1, tail.recorded_at, f.organization_id, f.feature, f.stream_id, f.version,
        f.event_id, f.type, f.schema_version, f.data, f.meta
    from tail
    cross join unnest(
        $5::uuid[], $6::text[], $7::uuid[], $8::bigint[], $9::uuid[], $10::text[],
        $11::smallint[], $12::bytea[], $13::bytea[]
    ) with ordinality as f(
        organization_id, feature, stream_id, version, event_id, type, schema_version, data, meta,
        n
    )
)
insert into log.batches (first_position, last_position, recorded_at, hash)
select $1, $3, recorded_at, sha256(
    hash || int8send($1) || int8send((extract(epoch from recorded_at) * 1000000)::bigint) || $4
)
from tail
returning recorded_at, set_config('millrace.tail', last_position::text, false)
