-- The facts at these positions, in their order.
select e.position, e.organization_id, e.feature, e.stream_id, e.version, e.event_id, e.type,
    e.schema_version, e.data, e.meta, e.recorded_at
from unnest($1::bigint[]) with ordinality as k(position, n)
join log.events as e on e.position = k.position
order by k.n
