-- Whether a time lies before the database's clock, and whether nobody holds the tail lock: tried
-- for, not waited for, so that no batch has to wait for whoever asks.
select clock_timestamp() > $3 as passed, pg_try_advisory_xact_lock_shared($1, $2) as quiet
