-- Takes away the keys of persons whom a batch erases, if this transaction wrote the batch that ends
-- at $1.
update log.person_keys as k
set wrapped = null, erased_at = clock_timestamp()
from unnest($2::uuid[], $3::uuid[]) as p(organization_id, person_id)
where k.organization_id = p.organization_id and k.person_id = p.person_id
    and k.wrapped is not null
    and exists (
        select 1
        from log.batches
        where last_position = $1 and xmin = pg_current_xact_id()::xid
    )
