-- Keys wrapped anew, unless they were changed or taken away meanwhile.
update log.person_keys as k
set master = n.master, wrapped = n.wrapped
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[]) as n(
    organization_id, person_id, master_before, master, wrapped
)
where k.organization_id = n.organization_id and k.person_id = n.person_id
    and k.master = n.master_before and k.wrapped is not null
