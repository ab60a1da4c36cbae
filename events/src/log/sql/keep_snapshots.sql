-- Snapshots in the places of those before them; none of what the log does not have.
insert into log.snapshots (
    organization_id, stream_id, state, state_version, version, event_id, recorded_at, data
)
select k.organization_id, k.stream_id, k.state, k.state_version, k.version, k.event_id,
    e.recorded_at, k.data
from unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::bigint[], $6::uuid[], $7::bytea[]
) with ordinality
    as k(organization_id, stream_id, state, state_version, version, event_id, data, n)
cross join lateral (
    select e.recorded_at from log.events as e
    where e.organization_id = k.organization_id and e.stream_id = k.stream_id
        and e.version = k.version and e.event_id = k.event_id
    limit 1
) as e
order by k.n
on conflict (organization_id, stream_id, state) do update set
    state_version = excluded.state_version,
    version = excluded.version,
    event_id = excluded.event_id,
    recorded_at = excluded.recorded_at,
    data = excluded.data,
    taken_at = now()
