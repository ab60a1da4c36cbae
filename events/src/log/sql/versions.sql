-- The version of each stream named, in order; 0 for one that does not exist.
select coalesce((
    select e.version
    from log.events as e
    where e.organization_id = k.organization_id and e.stream_id = k.stream_id
    order by e.version desc
    limit 1
), 0) as version
from unnest($1::uuid[], $2::uuid[]) with ordinality as k(organization_id, stream_id, n)
order by k.n
