-- Sums over documents by month.
create table sales_by_month (
    organization_id uuid not null,
    month date not null,
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
    primary key (organization_id, month, currency)
);
comment on table sales_by_month is 'What is sold and credited in each month, by currency.';
comment on column sales_by_month.organization_id is 'The tenant.';
comment on column sales_by_month.month is
    'The first day of the month that the documents count for (of their business date).';
comment on column sales_by_month.currency is 'The currency of the amounts (ISO 4217).';
comment on column sales_by_month.orders is 'Orders placed, without those cancelled.';
comment on column sales_by_month.lines is
    'Lines of these orders; also of those cancelled by the first programs, which kept no lines.';
comment on column sales_by_month.gross is 'What these orders come to before rounding.';
comment on column sales_by_month.net is 'What the buyers owe for them.';
comment on column sales_by_month.credit_notes is 'Credit notes posted.';
comment on column sales_by_month.credit_lines is 'Lines of these credit notes.';
comment on column sales_by_month.credits is
    'What these credit notes give back before rounding: above zero.';
comment on column sales_by_month.credits_net is
    'What the customers owe less for them: above zero.';
comment on column sales_by_month.position is 'Position of the last fact in the row.';
