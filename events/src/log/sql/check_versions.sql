-- Of facts that are not the first of their streams: the lowest one whose stream has not the version
-- before it at a lower position, and where that version is, if anywhere.
select k.position, k.version, e.position as before
from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
    as k(organization_id, stream_id, version, position)
left join log.events as e
    on e.organization_id = k.organization_id and e.stream_id = k.stream_id
    and e.version = k.version - 1
where e.position is null or e.position >= k.position
order by k.position
limit 1
