-- Where the log ends, by its batches, and the first fact behind that: none should be. One
-- statement, so both are of one moment, whoever appends.
with head as (
    select last_position, hash
    from log.batches
    order by last_position desc
    limit 1
)
select
    (select last_position from head) as last_position,
    (select hash from head) as hash,
    (
        select position
        from log.events
        where position > coalesce(
            (select last_position from head), '-9223372036854775808'::bigint
        )
        order by position
        limit 1
    ) as behind
