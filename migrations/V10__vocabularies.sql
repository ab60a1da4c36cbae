-- Makes the vocabulary of a feature's rows: a table beside theirs with the words that occur, to
-- complete and to correct what somebody types. A word that is not used any more stays, and finds
-- nothing. To be called where the tables of a build are made.
create function search.keep_vocabulary(place text, feature text) returns void language plpgsql
set search_path = pg_catalog, pg_temp as $$
declare
    words constant text := format('%I.%I', place, feature || '_words');
begin
    execute format(
        'create table %s ('
            'organization_id uuid not null, '
            'word text collate "C" not null, '
            'noted bigint generated always as identity, '
            'primary key (organization_id, word, noted)'
        ')',
        words
    );
    execute format(
        'create trigger note_words after insert on %1$I.%2$I referencing new table as added '
        'for each statement execute function search.note_words(); '
        'create trigger change_words after update on %1$I.%2$I referencing new table as added '
        'for each statement execute function search.note_words()',
        place, feature
    );
    execute format(
        'comment on table %1$s is %2$L; '
        'comment on column %1$s.organization_id is %3$L; '
        'comment on column %1$s.word is %4$L; '
        'comment on column %1$s.noted is %5$L',
        words,
        format('The words that occur in %s.', replace(feature, '_', ' ')),
        'The tenant.',
        'The word, without capitals and accents.',
        'Tells rows of one word apart: two may note it at once.'
    );
end
$$;
revoke execute on function search.keep_vocabulary(text, text) from public;
comment on function search.keep_vocabulary(text, text) is
    'Makes the vocabulary of a feature''s rows.';
