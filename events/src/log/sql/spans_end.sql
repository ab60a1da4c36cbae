-- How far spans have been made, without a gap.
select coalesce((
    select last_position
    from log.spans
    order by first_position desc
    limit 1
), 0) as position
