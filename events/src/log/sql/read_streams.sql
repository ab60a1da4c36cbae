-- Of several streams at once the facts after a version of each, up to another version of each and
-- up to a position: at most so many of each, each stream in order.
select e.position, e.organization_id, e.feature, e.stream_id, e.version, e.event_id, e.type,
    e.schema_version, e.data, e.meta, e.recorded_at, k.n
from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) with ordinality
    as k(organization_id, stream_id, after, until, n)
cross join lateral (
    select *
    from log.events as e
    where e.organization_id = k.organization_id and e.stream_id = k.stream_id
        and e.version > k.after and e.version <= k.until and e.position <= $5
    order by e.version
    limit $6
) as e
order by k.n, e.version
