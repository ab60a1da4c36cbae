-- What occurs from $1 to $2, if nobody noted it yet.
insert into log.spans (first_position, last_position, organizations, features, types)
select
    $1, $2, coalesce(array_agg(distinct k.organization_id), '{}'),
    coalesce(array_agg(distinct k.feature), '{}'), coalesce(array_agg(distinct k.type), '{}')
from (
    select organization_id, feature, type
    from log.events
    where position between $1 and $2
    group by organization_id, feature, type
) as k
on conflict do nothing
