-- Keys that another master key than $1 wraps.
select organization_id, person_id, master, wrapped
from log.person_keys
where wrapped is not null and master <> $1
order by organization_id, person_id
limit $2
