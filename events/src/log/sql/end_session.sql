-- Ends another session of ours whose connection was given up: it may hold the tail lock, and wait
-- for the rest of a message that never comes.
select pg_terminate_backend(pid)
from pg_stat_activity
where pid = $1 and backend_start = $2
