-- The tail lock: held to the end of the transaction, so batches commit in order of position.
select pg_advisory_xact_lock($1, $2)
