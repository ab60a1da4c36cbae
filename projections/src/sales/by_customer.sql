-- Sums over documents by customer.
create table sales_by_customer (
    organization_id uuid not null,
    customer_id uuid not null,
    currency text not null,
    orders bigint not null,
    lines bigint not null,
    gross numeric not null,
    net numeric not null,
    credit_notes bigint not null,
    credit_lines bigint not null,
    credits numeric not null,
    credits_net numeric not null,
    position bigint not null,
    primary key (organization_id, customer_id, currency)
);
comment on table sales_by_customer is 'What is sold and credited to each customer, by currency.';
comment on column sales_by_customer.organization_id is 'The tenant.';
comment on column sales_by_customer.customer_id is 'Who buys.';
comment on column sales_by_customer.currency is 'The currency of the amounts (ISO 4217).';
comment on column sales_by_customer.orders is 'Orders placed, without those cancelled.';
comment on column sales_by_customer.lines is
    'Lines of these orders; also of those cancelled by the first programs, which kept no lines.';
comment on column sales_by_customer.gross is 'What these orders come to before rounding.';
comment on column sales_by_customer.net is 'What the buyers owe for them.';
comment on column sales_by_customer.credit_notes is 'Credit notes posted.';
comment on column sales_by_customer.credit_lines is 'Lines of these credit notes.';
comment on column sales_by_customer.credits is
    'What these credit notes give back before rounding: above zero.';
comment on column sales_by_customer.credits_net is
    'What the customers owe less for them: above zero.';
comment on column sales_by_customer.position is 'Position of the last fact in the row.';
