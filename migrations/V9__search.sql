-- What queries search in: views of the read models that also show what rows are found by. Not for
-- BI tools: names and columns may change.
create schema search;
comment on schema search is 'What queries search in; BI tools use the schema read.';

-- Notes words of rows that were written which the table beside theirs does not have yet. Nobody
-- waits for anybody: two who note one word at the same time note it twice, and whoever reads takes
-- it once. Words with digits (class c) are left out: they are no language, and there are as many
-- as rows.
create function search.note_words() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
    execute format(
        'insert into %1$I.%2$I (organization_id, word) '
        'select a.organization_id, a.word from ('
            'select distinct a.organization_id, substr(a.lexeme, 8) collate "C" as word from ('
                'select distinct a.organization_id, w.lexeme '
                'from added as a, unnest(tsvector_to_array(a.search_words)) as w (lexeme)'
            ') as a where substr(a.lexeme, 7, 1) <> ''c'''
        ') as a where not exists ('
            'select from %1$I.%2$I as k '
            'where k.organization_id = a.organization_id and k.word = a.word'
        ')',
        tg_table_schema, tg_table_name || '_words'
    );
    return null;
end
$$;

-- Keeps the words of each row as rows of the table beside theirs, which go with it. The argument
-- names the column of the record's id.
create function search.own_words() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        execute format(
            'delete from %1$I.%2$I as k using added as a '
            'where k.organization_id = a.organization_id and k.%3$I = a.%3$I',
            tg_table_schema, tg_table_name || '_words', tg_argv[0]
        );
    end if;
    execute format(
        'insert into %1$I.%2$I (organization_id, word, %3$I) '
        'select distinct a.organization_id, substr(w.lexeme, 8), a.%3$I '
        'from added as a, unnest(tsvector_to_array(a.search_words)) as w (lexeme) '
        'on conflict do nothing',
        tg_table_schema, tg_table_name || '_words', tg_argv[0]
    );
    return null;
end
$$;
revoke execute on function search.note_words() from public;
revoke execute on function search.own_words() from public;
comment on function search.note_words() is 'Notes the words that rows bring.';
comment on function search.own_words() is 'Keeps the words of rows beside them.';
