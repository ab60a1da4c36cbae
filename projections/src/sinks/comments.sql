-- Gives a view the comments of the table that it shows.
do $$
declare
    d record;
begin
    for d in
        select a.attname, pg_description.description
        from pg_description
        left join pg_attribute as a
            on a.attrelid = pg_description.objoid and a.attnum = pg_description.objsubid
            and a.attnum > 0
        where pg_description.objoid = '{schema}.{table}'::regclass
            and pg_description.classoid = 'pg_class'::regclass
            -- What rows are found by is not shown.
            and (a.attname is null or exists (
                select from pg_attribute as shown
                where shown.attrelid = '{place}.{table}'::regclass and shown.attname = a.attname
            ))
    loop
        if d.attname is null then
            execute format('comment on view {place}.{table} is %L', d.description);
        else
            execute format('comment on column {place}.{table}.%I is %L', d.attname, d.description);
        end if;
    end loop;
end
$$
