-- Contacts.
create table contacts (
    organization_id uuid not null,
    contact_id uuid not null,
    customer_id uuid not null,
    name text,
    email text,
    phone text,
    address text,
    role text,
    status text not null,
    status_reason text,
    merged_into uuid,
    added_at timestamptz not null,
    version bigint not null,
    position bigint not null,
    changed_at timestamptz not null,
    search_code text collate "C",
    search_words tsvector,
    primary key (organization_id, contact_id)
);
create index on contacts (organization_id, added_at, contact_id);
create index on contacts (organization_id, customer_id, added_at, contact_id);
create index contacts_email on contacts (
    organization_id, lower(email collate "C"), contact_id);
create index on contacts (organization_id, name collate "C", contact_id);
create index on contacts (organization_id, status collate "C", added_at, contact_id);
create index on contacts (organization_id, changed_at, contact_id);
-- Statistics would keep samples of what belongs to persons, also of those who are erased.
alter table contacts
    alter column name set statistics 0,
    alter column email set statistics 0,
    alter column phone set statistics 0,
    alter column address set statistics 0,
    alter column search_words set statistics 0;
alter index contacts_email alter column 2 set statistics 0;
comment on table contacts is 'Contacts: persons at customers.';
comment on column contacts.organization_id is 'The tenant.';
comment on column contacts.contact_id is 'The contact.';
comment on column contacts.customer_id is 'The customer at whom the person is.';
comment on column contacts.name is 'The person''s name; null once it is merged or erased.';
comment on column contacts.email is 'The e-mail address.';
comment on column contacts.phone is 'The phone number.';
comment on column contacts.address is 'The postal address.';
comment on column contacts.role is 'What the person does there.';
comment on column contacts.status is 'active, merged or erased.';
comment on column contacts.status_reason is 'Why it is erased.';
comment on column contacts.merged_into is 'The contact that goes on for it, if it is merged.';
comment on column contacts.added_at is 'When it was added.';
comment on column contacts.version is 'Version of the record: facts in its stream.';
comment on column contacts.position is 'Position of the last fact in the row.';
comment on column contacts.changed_at is 'When that fact was recorded.';
comment on column contacts.search_code is 'Nothing: contacts have no code.';
comment on column contacts.search_words is 'The words of its texts, for searching.';

-- GIN never forgets a word that it had once, so the words of contacts are not in one: they are rows
-- of their own, and go with the contact.
create table contacts_words (
    organization_id uuid not null,
    word text collate "C" not null,
    contact_id uuid not null,
    primary key (organization_id, word, contact_id),
    unique (organization_id, contact_id, word)
);
alter table contacts_words alter column word set statistics 0;
create trigger note_words after insert on contacts referencing new table as added
for each statement execute function search.own_words('contact_id');
create trigger change_words after update on contacts referencing new table as added
for each statement execute function search.own_words('contact_id');
comment on table contacts_words is 'By which words each contact is found.';
comment on column contacts_words.organization_id is 'The tenant.';
comment on column contacts_words.word is 'The word, without capitals and accents.';
comment on column contacts_words.contact_id is 'The contact.';
