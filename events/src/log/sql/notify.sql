-- Wakes the followers of other processes.
select pg_notify($1, $2)
