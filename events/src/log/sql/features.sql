-- The feature of each stream of an organization that is named and exists: that of its first fact.
select e.stream_id, e.feature
from unnest($2::uuid[]) as k(stream_id)
join log.events as e
    on e.organization_id = $1 and e.stream_id = k.stream_id and e.version = 1
