-- What facts are tagged with: an index that appends make with them, for conditions across streams
-- and for reading by tag. It says nothing that the facts do not: whoever lost it makes it again.
create table log.tags (
    organization_id uuid not null,
    tag text not null,
    position bigint not null,
    type text not null,
    primary key (organization_id, tag, position)
);

comment on table log.tags is 'Facts by what they are tagged with, such as customer:<id>.';
comment on column log.tags.organization_id is 'The tenant.';
comment on column log.tags.tag is 'The tag: what it is, and which.';
comment on column log.tags.position is 'The fact.';
comment on column log.tags.type is 'The fact''s type.';

-- Which organizations, features and types occur in a range of positions, so that reading a few of
-- them skips what has none. Made in the background, and again if it is lost.
create table log.spans (
    first_position bigint primary key,
    last_position bigint not null,
    organizations uuid[] not null,
    features text[] not null,
    types text[] not null
);

comment on table log.spans is 'What occurs in which range of positions, for reading by filters.';
comment on column log.spans.first_position is 'Where the range begins.';
comment on column log.spans.last_position is 'Where it ends.';
comment on column log.spans.organizations is 'The organizations whose facts are in it.';
comment on column log.spans.features is 'The features whose facts are in it.';
comment on column log.spans.types is 'The types of the facts in it.';
