-- The tail lock: held to the end of the transaction, so batches commit in order of position. The
-- mark goes with it: without a transaction it is gone with this statement, as the lock is.
select pg_advisory_xact_lock($1, $2), set_config('millrace.locked', 'yes', true)
