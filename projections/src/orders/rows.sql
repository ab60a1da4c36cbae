-- Orders and their lines.
create table orders (
    organization_id uuid not null,
    order_id uuid not null,
    series text not null,
    number text not null,
    customer_id uuid not null,
    customer_name text not null,
    reference text,
    status text not null,
    placed_at timestamptz not null,
    business_date date not null,
    currency text not null,
    rounding_place text not null,
    rounding_how text not null,
    gross numeric not null,
    net numeric not null,
    line_count integer not null,
    credit_override text,
    cancel_reason text,
    credited numeric not null,
    version bigint not null,
    position bigint not null,
    changed_at timestamptz not null,
    search_code text collate "C",
    search_words tsvector,
    primary key (organization_id, order_id)
);
create index on orders (organization_id, placed_at, order_id);
create index on orders (organization_id, customer_id, placed_at, order_id);
create index on orders (organization_id, position);
create index on orders (organization_id, number collate "C", order_id);
create index on orders (organization_id, reference collate "C", order_id);
create index on orders (organization_id, status collate "C", placed_at, order_id);
create index on orders (organization_id, business_date, order_id);
create index on orders (organization_id, net, order_id);
create index on orders (organization_id, changed_at, order_id);
create index on orders (organization_id, search_code);
create index orders_by_words on orders using gin (search_words)
    with (gin_pending_list_limit = 256);
comment on table orders is 'Orders.';
comment on column orders.organization_id is 'The tenant.';
comment on column orders.order_id is 'The order.';
comment on column orders.series is 'The series that the number is unique in.';
comment on column orders.number is 'Its number within the series.';
comment on column orders.customer_id is 'Who buys.';
comment on column orders.customer_name is 'The customer''s name as it was.';
comment on column orders.reference is 'The buyer''s own reference.';
comment on column orders.status is 'placed or cancelled.';
comment on column orders.placed_at is 'When it was placed.';
comment on column orders.business_date is 'The day it counts for, in the organization''s zone.';
comment on column orders.currency is 'The currency of the amounts (ISO 4217).';
comment on column orders.rounding_place is 'Where it rounds: line or total.';
comment on column orders.rounding_how is 'How it rounds: half_up or half_even.';
comment on column orders.gross is 'The sum of the lines before rounding.';
comment on column orders.net is 'What the buyer owes.';
comment on column orders.line_count is 'How many lines it has.';
comment on column orders.credit_override is 'Why the credit limit was overridden, if it was.';
comment on column orders.cancel_reason is 'Why it was cancelled, if it was.';
comment on column orders.credited is 'What credit notes gave back of its net.';
comment on column orders.version is 'Version of the record: facts in its stream.';
comment on column orders.position is 'Position of the last fact in the row.';
comment on column orders.changed_at is 'When that fact was recorded.';
comment on column orders.search_code is
    'Its number in small letters and digits alone, for searching.';
comment on column orders.search_words is 'The words of its texts, for searching.';

select search.keep_vocabulary(current_schema(), 'orders');

create table order_lines (
    organization_id uuid not null,
    order_id uuid not null,
    line integer not null,
    product_id uuid not null,
    sku text not null,
    name text not null,
    unit text not null,
    warehouse_id uuid not null,
    quantity numeric not null,
    unit_price numeric not null,
    price_source text not null,
    gross numeric not null,
    net numeric not null,
    currency text not null,
    position bigint not null,
    primary key (organization_id, order_id, line)
);
create index on order_lines (organization_id, product_id);
comment on table order_lines is 'Lines of orders.';
comment on column order_lines.organization_id is 'The tenant.';
comment on column order_lines.order_id is 'The order.';
comment on column order_lines.line is 'Its number within the order, from 1.';
comment on column order_lines.product_id is 'The product.';
comment on column order_lines.sku is 'Its SKU as it was.';
comment on column order_lines.name is 'Its name as it was.';
comment on column order_lines.unit is 'The unit of quantity and price.';
comment on column order_lines.warehouse_id is 'Where the goods come from.';
comment on column order_lines.quantity is 'How many.';
comment on column order_lines.unit_price is 'The price of one unit.';
comment on column order_lines.price_source is 'list or stated.';
comment on column order_lines.gross is 'Quantity times unit price.';
comment on column order_lines.net is 'What the line costs: rounded, if the order rounds by line.';
comment on column order_lines.currency is 'The currency of the amounts (ISO 4217).';
comment on column order_lines.position is 'Position of the fact that placed it.';
