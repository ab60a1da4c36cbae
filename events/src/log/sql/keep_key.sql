-- A key that no append brings; the first one stays.
insert into log.person_keys (organization_id, person_id, master, wrapped)
values ($1, $2, $3, $4)
on conflict do nothing
