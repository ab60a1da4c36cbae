// The whole life of npm's `graphql-sse`, in distinct connections mode: operations, errors, cuts.

import { deepStrictEqual as same, ok, strictEqual } from "node:assert";
import { createClient } from "graphql-sse";
import { before } from "./front.mjs";
import { ask, headers, tell, url } from "./millrace.mjs";
import { CANCEL, place, position, watcher } from "./orders.mjs";
import { pause, until } from "./wait.mjs";

// A client, and what happens to it.
function client(more = {}) {
  const told = [];
  const on = {
    connected: (isAgain) => told.push(isAgain ? "connected again" : "connected"),
    message: ({ event }) => told.push(event),
  };
  return { told, ...createClient({ url, headers, on, retryAttempts: 0, ...more }) };
}
async function all(of, request) {
  const answers = [];
  for await (const answer of of.iterate(request)) answers.push(answer);
  return answers;
}

// A query and a mutation: one answer, and it is complete.
const usual = client();
same(await all(usual, { query: "{ organization { slug } }" }), [
  { data: { organization: { slug: "acme" } } },
]);
same(usual.told, ["connected", "next", "complete"]);
const { id, number } = await place();
const variables = { input: { orderId: id, reason: "r" } };
const [{ data }] = await all(usual, { query: CANCEL, variables });
strictEqual(data.cancelOrder.recordId, id);

// Each subscription has a connection of its own, until it is left.
async function open() {
  const query = "subscription { systemStatus { connections subscriptions } }";
  for await (const { data } of usual.iterate({ query })) return data.systemStatus;
}
const { connections } = await open();
const start = await position();
const [one, two] = [watcher(start), watcher(start)];
const leave = usual.subscribe(one.request, one.sink);
const leaveToo = usual.subscribe(two.request, two.sink);
await until(open, (now) => now.connections === connections + 2);
const placed = `${(await place()).number} PLACED`;
await until(() => [one.heard, two.heard], (heard) => heard.every((h) => h[0] === placed));
leave();
await one.over;
await until(open, (now) => now.connections === connections + 1);
await place();
await until(() => two.heard, (heard) => heard.length === 2);
strictEqual(one.heard.length, 1);
leaveToo();
await until(open, (now) => now.connections === connections);

// What is refused is an answer with errors, and complete.
for (const [query, code] of [
  ["subscription { nothingChanged { kind } }", "INVALID_QUERY"],
  ["{ organization {", "INVALID_QUERY"],
  ['subscription { ordersChanged(after: "nonsense") { kind } }', "INVALID_INPUT"],
]) {
  const answers = await all(usual, { query });
  same(answers.map(({ errors }) => errors?.[0].extensions.code), [code], query);
}

// A cut: it connects again, says how far it has come, and hears what it missed, and no more.
const front = await before(url);
const retry = () => pause(100);
const cut = client({ url: `${front.url}/graphql`, retryAttempts: 100, retry });
const three = watcher(await position());
const leaveCut = cut.subscribe(three.request, three.sink);
const seen = [`${(await place()).number} PLACED`];
await until(() => three.heard, (heard) => heard.length === 1);
for (let round = 0; round < 3; round += 1) {
  front.cut();
  for (let count = 0; count < 3; count += 1) seen.push(`${(await place()).number} PLACED`);
  front.mend();
  await until(() => three.heard, (heard) => heard.length === seen.length);
}
await pause(300);
same(three.heard, seen);
strictEqual(cut.told.filter((what) => what === "connected again").length, 3);
leaveCut();
front.close();

// A token that nobody has: the status says so.
const stranger = client({ headers: { Authorization: "Bearer wrong" } });
const why = await all(stranger, { query: "{ organization { slug } }" }).catch((error) => error);
strictEqual(why.response?.status, 401, `${why}`);

// All of them over one connection is another mode, which there is not: it begins with a PUT.
const put = await fetch(url, { method: "PUT", headers });
strictEqual(put.status, 405);
ok((await ask("{ organization { slug } }")).data && number);
tell({ ok: true });
