-- The last position; 0 for an empty log.
select coalesce((select last_position from log.batches order by last_position desc limit 1), 0)
    as position
