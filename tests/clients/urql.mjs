// urql with graphcache over the gateway. What it is told of this schema, introspection tells:
// connections are paged, and what has no `id` is a value, kept with what it stands in.

import { deepStrictEqual as same, ok, strictEqual } from "node:assert";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { getIntrospectionQuery } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { ask, headers, socketUrl, tell, url } from "./millrace.mjs";

const { data: schema } = await ask(getIntrospectionQuery());
const objects = schema.__schema.types.filter((type) => type.kind === "OBJECT");
const warnings = [];
for (const level of ["warn", "error"]) {
  console[level] = (...words) => warnings.push(words.join(" ").split("\n")[0]);
}

// Types that graphcache would ask about, and which of the schema's are that way.
const roots = ["queryType", "mutationType", "subscriptionType"].map((r) => schema.__schema[r].name);
const isKeyless = ({ name, fields }) =>
  !fields.some((field) => field.name === "id") &&
  !/^__|PageInfo|(Connection|Edge|Payload)$/.test(name);
const values = objects.filter((type) => isKeyless(type) && !roots.includes(type.name));
const keys = Object.fromEntries(values.map(({ name }) => [name, () => null]));

function named(type) {
  return type.ofType ? named(type.ofType) : type.name;
}
const paged = objects.map(({ name, fields }) => [
  name,
  fields.filter((field) => /Connection$/.test(named(field.type))),
]);
const resolvers = Object.fromEntries(
  paged.map(([name, fields]) => [
    name,
    Object.fromEntries(fields.map((field) => [field.name, relayPagination()])),
  ]),
);

let asked = 0;
const socket = createClient({
  url: socketUrl,
  connectionParams: headers,
  webSocketImpl: WebSocket,
});
const client = new Client({
  url,
  fetchOptions: { headers },
  fetch: (...request) => ((asked += 1), fetch(...request)),
  preferGetMethod: false,
  exchanges: [
    cacheExchange({ schema, keys, resolvers }),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe(request, sink) }),
      }),
    }),
  ],
});

async function query(document, variables, requestPolicy = "cache-first") {
  const { data, error } = await client.query(document, variables, { requestPolicy });
  ok(!error, `${document}: ${error}`);
  return data;
}

// Clients ask for the type of everything.
function untyped(data) {
  const text = JSON.stringify(data, (key, value) => (key === "__typename" ? undefined : value));
  return JSON.parse(text);
}

const cached = (document, variables) => query(document, variables, "cache-only");

// Asks twice: what comes from the cache is what came from the gateway, and what it says itself.
async function known(document, variables = {}) {
  const first = await query(document, variables);
  const before = asked;
  const again = await query(document, variables);
  strictEqual(asked, before, `${document} is asked for again`);
  same(again, first);
  const { data } = await ask(document, variables);
  same(untyped(first), untyped(data));
  return first;
}

const ORDERS = `query ($first: Int, $after: String) {
  orders(first: $first, after: $after) {
    edges {
      cursor
      node { id number status lines { id sku name quantity net } customer { id name } }
    }
    nodes { id number }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

// A list, and the next page joined to it.
const { orders } = await known(ORDERS, { first: 2 });
const after = orders.pageInfo.endCursor;
const more = (await query(ORDERS, { first: 2, after })).orders;
strictEqual(more.edges.length, 4);
const { data: raw } = await ask(ORDERS, { first: 4 });
same(more.edges.map(({ node }) => node.id), raw.orders.edges.map(({ node }) => node.id));
same(more.nodes.map(({ id }) => id), raw.orders.nodes.map(({ id }) => id));
strictEqual(more.pageInfo.endCursor, raw.orders.pageInfo.endCursor);

// Everything of a record, and of what stands in it.
const order = more.nodes[0].id;
const ORDER = `query ($id: ID!) { order(id: $id) {
  id number status net currency version lines { id line sku quantity unitPrice net warehouseId }
  customer { id name status credit { id limit exposure available version } }
  history(first: 5) {
    edges { cursor node { id version factType changes { field before after } causedBy { factId } } }
    pageInfo { hasNextPage endCursor }
  }
} }`;
const whole = (await known(ORDER, { id: order })).order;
const NODE = `query ($id: ID!) { node(id: $id) {
  __typename id ... on Order { number status net } ... on Customer { name status }
} }`;
same((await known(NODE, { id: order })).node.number, whole.number);

// A filter, an order and a count; lists without cursors, and values.
await known(
  `query ($filter: OrdersFilter) {
    orders(filter: $filter, sort: [{ field: NET, direction: DESC }], first: 3) {
      totalCount nodes { id net }
    }
  }`,
  { filter: { status: { in: ["PLACED"] } } },
);
await known("{ ordersAggregate(groupBy: [STATUS]) { status count net { sum max } } }");
await known("{ salesByMonth { id month currency orders net } }");
await known("{ salesByCustomer { id net customer { id name } } }");
await known(`{ salesByProduct { id quantity product {
  id sku listPrice { amount currency } stock { id onHand }
} } }`);
await known("{ parkedFacts { id eventId error } organization { id slug name } }");

// What failed is null, beside what did not.
const { data: part, error } = await client.query(
  '{ organization { id } order(id: "x") { id } }',
  {},
);
strictEqual(error.graphQLErrors[0].extensions.code, "INVALID_INPUT");
strictEqual(part.order, null);
ok(part.organization.id);

// A mutation's record takes the place of the one that was kept, wherever it is shown.
const customer = whole.customer.id;
const hold = `mutation ($input: HoldCustomerInput!) {
  holdCustomer(input: $input) {
    recordId position repeated customer { id status statusReason version }
  }
}`;
const held = await client.mutation(hold, { input: { customerId: customer, reason: "late" } });
ok(!held.error, `${held.error}`);
strictEqual((await cached(ORDER, { id: order })).order.customer.status, "ON_HOLD");
strictEqual((await cached(NODE, { id: order })).node.id, order);
const refused = await client.mutation(hold, { input: { customerId: customer, reason: "late" } });
strictEqual(refused.error.graphQLErrors[0].extensions.code, "WRONG_STATE");

// What a subscription tells takes its place too. Nothing says when it stands: cancel until it does.
const changed = new Promise((resolve) => {
  const document = "subscription { ordersChanged { kind cursor order { id status version } } }";
  const { unsubscribe } = client.subscription(document, {}).subscribe(({ data, error }) => {
    ok(!error, `${error}`);
    unsubscribe();
    resolve(data.ordersChanged.order);
  });
});
const cancel = `mutation ($input: CancelOrderInput!) { cancelOrder(input: $input) { recordId } }`;
await new Promise((resolve) => setTimeout(resolve, 500));
await ask(cancel, { input: { orderId: order, reason: "r" } });
strictEqual((await changed).id, order);
strictEqual((await cached(ORDER, { id: order })).order.status, "CANCELLED");

await socket.dispose();
tell({ warnings, values: values.map(({ name }) => name).sort() });
