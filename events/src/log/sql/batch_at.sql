-- The last batch that ends at or before a position, and the one after it.
select
    b.last_position, b.recorded_at, n.last_position as next_position,
    n.recorded_at as next_recorded_at
from (values (1)) as always(one)
left join lateral (
    select last_position, recorded_at
    from log.batches
    where last_position <= $1
    order by last_position desc
    limit 1
) as b on true
left join lateral (
    select last_position, recorded_at
    from log.batches
    where last_position > $1
    order by last_position
    limit 1
) as n on true
