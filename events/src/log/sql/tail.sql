-- Where the next batch continues: position and hash of the last, and a time that never decreases.
select
    coalesce(b.last_position, 0) as position,
    coalesce(b.hash, ''::bytea) as hash,
    greatest(clock_timestamp(), b.recorded_at) as recorded_at
from (values (1)) as always(one)
left join lateral (
    select last_position, hash, recorded_at
    from log.batches
    order by last_position desc
    limit 1
) as b on true
