-- The facts within bounds, in order; behind the first two the columns that are digested, in the
-- digest's order. A copy takes no parameters: numbers stand here in place of FIRST and LAST.
copy (
    select position, recorded_at, organization_id, feature, stream_id, version, event_id, type,
        schema_version, data, meta
    from log.events
    where position >= 'FIRST'::bigint and position <= 'LAST'::bigint
    order by position
) to stdout (format binary)
