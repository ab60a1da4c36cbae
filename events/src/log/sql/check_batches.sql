-- The batches that end within bounds, in order. A copy takes no parameters: numbers stand here in
-- place of FIRST and LAST.
copy (
    select last_position, first_position, recorded_at, hash
    from log.batches
    where last_position >= 'FIRST'::bigint and last_position <= 'LAST'::bigint
    order by last_position
) to stdout (format binary)
