-- Several streams at once, each in order: those without a version to begin after from a snapshot
-- on, if there is one that serves: of this kind of state, and of this very stream. Its row has
-- position 0 and the last version that is in it; the facts after it follow.
select e.position, e.organization_id, e.feature, e.stream_id, e.version, e.event_id, e.type,
    e.schema_version, e.data, e.meta, e.recorded_at
from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::integer[]) with ordinality
    as k(organization_id, stream_id, after, state, state_version, n)
left join lateral (
    select s.version, s.event_id, s.data, s.taken_at
    from log.snapshots as s
    where k.after = 0 and s.organization_id = k.organization_id and s.stream_id = k.stream_id
        and s.state = k.state and s.state_version = k.state_version
        and exists (
            select from log.events as e
            where e.organization_id = s.organization_id and e.stream_id = s.stream_id
                and e.version = s.version and e.event_id = s.event_id
                and e.recorded_at = s.recorded_at
        )
    limit 1
) as s on true
cross join lateral (
    select 0::bigint as position, k.organization_id, '' as feature, k.stream_id, s.version,
        s.event_id, '' as type, 0::smallint as schema_version, s.data, ''::bytea as meta,
        s.taken_at as recorded_at
    where s.version is not null
    union all
    select e.position, e.organization_id, e.feature, e.stream_id, e.version, e.event_id, e.type,
        e.schema_version, e.data, e.meta, e.recorded_at
    from log.events as e
    where e.organization_id = k.organization_id and e.stream_id = k.stream_id
        and e.version > coalesce(s.version, k.after)
) as e
order by k.n, e.version
