-- The facts that have these ids: the outcomes of earlier appends under the same keys.
select e.event_id, e.position, e.organization_id, e.stream_id, e.version, e.meta, e.recorded_at
from unnest($1::uuid[]) as k(event_id)
join log.events as e on e.event_id = k.event_id
