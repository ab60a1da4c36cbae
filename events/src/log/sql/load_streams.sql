-- Several streams at once, each after a version, each in order.
select e.position, e.organization_id, e.feature, e.stream_id, e.version, e.event_id, e.type,
    e.schema_version, e.data, e.meta, e.recorded_at
from unnest($1::uuid[], $2::uuid[], $3::bigint[]) with ordinality
    as k(organization_id, stream_id, after, n)
cross join lateral (
    select *
    from log.events as e
    where e.organization_id = k.organization_id and e.stream_id = k.stream_id
        and e.version > k.after
    order by e.version
) as e
order by k.n, e.version
