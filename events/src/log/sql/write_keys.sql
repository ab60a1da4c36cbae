-- The keys of persons of whom a batch is the first to speak, if this transaction wrote the batch
-- that ends at $1. Whoever has one, or is erased, has it for ever: then the batch is refused.
insert into log.person_keys (organization_id, person_id, master, wrapped)
select k.organization_id, k.person_id, k.master, k.wrapped
from unnest($2::uuid[], $3::uuid[], $4::text[], $5::bytea[]) as k(
    organization_id, person_id, master, wrapped
)
where exists (
    select 1
    from log.batches
    where last_position = $1 and xmin = pg_current_xact_id()::xid
)
