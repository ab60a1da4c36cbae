-- For each condition, the first fact that it excludes: of one of its types (joined by commas), with
-- its tag, after its position. 0: there is none.
select coalesce((
    select t.position
    from log.tags as t
    where t.organization_id = k.organization_id and t.tag = k.tag and t.position > k.since
        and t.type = any(string_to_array(k.types, ','))
    order by t.position
    limit 1
), 0) as position
from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) with ordinality
    as k(organization_id, tag, types, since, n)
order by k.n
