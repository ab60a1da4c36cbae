-- Keys that another master key than $1 wraps, in order of persons; behind one, unless that is null.
select organization_id, person_id, master, wrapped
from log.person_keys
where wrapped is not null and master <> $1
    and ($2::uuid is null or (organization_id, person_id) > ($2::uuid, $3::uuid))
order by organization_id, person_id
limit $4
