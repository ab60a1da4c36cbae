-- Credit notes and their lines.
create table credit_notes (
    organization_id uuid not null,
    credit_note_id uuid not null,
    series text not null,
    number text not null,
    customer_id uuid not null,
    customer_name text not null,
    order_id uuid,
    reference text,
    reason text,
    status text not null,
    posted_at timestamptz not null,
    business_date date not null,
    currency text not null,
    rounding_place text not null,
    rounding_how text not null,
    gross numeric not null,
    net numeric not null,
    line_count integer not null,
    version bigint not null,
    position bigint not null,
    changed_at timestamptz not null,
    search_code text collate "C",
    search_words tsvector,
    primary key (organization_id, credit_note_id)
);
create index on credit_notes (organization_id, posted_at, credit_note_id);
create index on credit_notes (organization_id, customer_id, posted_at, credit_note_id);
create index on credit_notes (organization_id, order_id, posted_at, credit_note_id)
    where order_id is not null;
create index on credit_notes (organization_id, position);
create index on credit_notes (organization_id, number collate "C", credit_note_id);
create index on credit_notes (organization_id, business_date, credit_note_id);
create index on credit_notes (organization_id, net, credit_note_id);
create index on credit_notes (organization_id, changed_at, credit_note_id);
create index on credit_notes (organization_id, search_code);
create index credit_notes_by_words on credit_notes using gin (search_words)
    with (gin_pending_list_limit = 256);
create index few_credit_notes_by_words on credit_notes using gin (search_words)
    with (gin_pending_list_limit = 256) where get_byte(uuid_send(credit_note_id), 15) < 32;
comment on table credit_notes is 'Credit notes. Amounts are what is given back: not below zero.';
comment on column credit_notes.organization_id is 'The tenant.';
comment on column credit_notes.credit_note_id is 'The credit note.';
comment on column credit_notes.series is 'The series that the number is unique in.';
comment on column credit_notes.number is 'Its number within the series.';
comment on column credit_notes.customer_id is 'Who gets the credit.';
comment on column credit_notes.customer_name is 'The customer''s name as it was.';
comment on column credit_notes.order_id is 'The order that it credits, if it refers to one.';
comment on column credit_notes.reference is 'The customer''s own reference.';
comment on column credit_notes.reason is 'Why it was given, if that was said.';
comment on column credit_notes.status is 'posted.';
comment on column credit_notes.posted_at is 'When it was posted.';
comment on column credit_notes.business_date is
    'The day it counts for, in the organization''s zone.';
comment on column credit_notes.currency is 'The currency of the amounts (ISO 4217).';
comment on column credit_notes.rounding_place is 'Where it rounds: line or total.';
comment on column credit_notes.rounding_how is 'How it rounds: half_up or half_even.';
comment on column credit_notes.gross is 'The sum of the lines before rounding.';
comment on column credit_notes.net is 'What the customer owes less.';
comment on column credit_notes.line_count is 'How many lines it has.';
comment on column credit_notes.version is 'Version of the record: facts in its stream.';
comment on column credit_notes.position is 'Position of the last fact in the row.';
comment on column credit_notes.changed_at is 'When that fact was recorded.';
comment on column credit_notes.search_code is
    'Its number in small letters and digits alone, for searching.';
comment on column credit_notes.search_words is 'The words of its texts, for searching.';

select search.keep_vocabulary(current_schema(), 'credit_notes');

create table credit_note_lines (
    organization_id uuid not null,
    credit_note_id uuid not null,
    line integer not null,
    product_id uuid not null,
    sku text not null,
    name text not null,
    unit text not null,
    quantity numeric not null,
    unit_price numeric not null,
    price_source text not null,
    gross numeric not null,
    net numeric not null,
    currency text not null,
    position bigint not null,
    primary key (organization_id, credit_note_id, line)
);
create index on credit_note_lines (organization_id, product_id);
comment on table credit_note_lines is 'Lines of credit notes.';
comment on column credit_note_lines.organization_id is 'The tenant.';
comment on column credit_note_lines.credit_note_id is 'The credit note.';
comment on column credit_note_lines.line is 'Its number within the credit note, from 1.';
comment on column credit_note_lines.product_id is 'The product.';
comment on column credit_note_lines.sku is 'Its SKU as it was.';
comment on column credit_note_lines.name is 'Its name as it was.';
comment on column credit_note_lines.unit is 'The unit of quantity and price.';
comment on column credit_note_lines.quantity is 'How many are credited.';
comment on column credit_note_lines.unit_price is 'What is given back for one unit.';
comment on column credit_note_lines.price_source is 'list or stated.';
comment on column credit_note_lines.gross is 'Quantity times unit price.';
comment on column credit_note_lines.net is
    'What the line gives back: rounded, if the credit note rounds by line.';
comment on column credit_note_lines.currency is 'The currency of the amounts (ISO 4217).';
comment on column credit_note_lines.position is 'Position of the fact that posted it.';
