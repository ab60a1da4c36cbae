-- What queries keep: the secret that cursors are signed with. Who reads the database could make
-- cursors up, and has no need to: they lead to nothing that he cannot read.
create schema queries;

create table queries.secrets (
    name text primary key,
    secret bytea not null check (length(secret) = 32)
);

-- Two random UUIDs have 244 random bits.
insert into queries.secrets (name, secret)
values ('cursors', sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

comment on schema queries is 'What queries keep.';
comment on table queries.secrets is 'Secrets of this log, made when it was.';
comment on column queries.secrets.name is 'What it is for.';
comment on column queries.secrets.secret is 'The secret: 32 bytes.';
