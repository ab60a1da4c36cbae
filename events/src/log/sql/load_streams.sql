-- Several streams at once, each from its start, each in order.
select e.position, e.organization_id, e.feature, e.stream_id, e.version, e.event_id, e.type,
    e.schema_version, e.data, e.meta, e.recorded_at
from unnest($1::uuid[], $2::uuid[]) with ordinality as k(organization_id, stream_id, n)
cross join lateral (
    select *
    from log.events as e
    where e.organization_id = k.organization_id and e.stream_id = k.stream_id
    order by e.version
) as e
order by k.n, e.version
