-- The tags of a batch's facts, if this transaction wrote the batch that ends at $1.
insert into log.tags (organization_id, tag, position, type)
select t.organization_id, t.tag, t.position, t.type
from unnest($2::uuid[], $3::text[], $4::bigint[], $5::text[]) as t(
    organization_id, tag, position, type
)
where exists (
    select 1
    from log.batches
    where last_position = $1 and xmin = pg_current_xact_id()::xid
)
