-- The key of every person of whom facts speak, wrapped by a master key that is not in the database.
-- Erasing a person takes the key away: the facts stay, and nobody reads the person in them.
create table log.person_keys (
    organization_id uuid not null,
    person_id uuid not null,
    master text not null,
    wrapped bytea,
    erased_at timestamptz,
    primary key (organization_id, person_id),
    check ((wrapped is null) = (erased_at is not null))
);
-- Rotation looks for those that an old master key wraps.
create index person_keys_master on log.person_keys (master) where wrapped is not null;

comment on table log.person_keys is 'Persons'' keys, wrapped by a master key; null once erased.';
comment on column log.person_keys.organization_id is 'The tenant.';
comment on column log.person_keys.person_id is 'The person.';
comment on column log.person_keys.master is 'Which master key wraps it.';
comment on column log.person_keys.wrapped is 'The key, encrypted; null: the person is erased.';
comment on column log.person_keys.erased_at is 'When the person was erased.';
