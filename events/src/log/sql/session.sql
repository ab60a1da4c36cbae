-- This session: process ids come again, and so it is named with its beginning.
select pid, backend_start
from pg_stat_activity
where pid = pg_backend_pid()
