-- The keys of these persons.
select k.organization_id, k.person_id, k.master, k.wrapped
from unnest($1::uuid[], $2::uuid[]) as p(organization_id, person_id)
join log.person_keys as k
    on k.organization_id = p.organization_id and k.person_id = p.person_id
