// The whole life of npm's `graphql-ws`: connections, operations, pings, cuts. What it never does
// wrong is done in `codes.mjs`.

import { deepStrictEqual as same, match, ok, strictEqual } from "node:assert";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { before } from "./front.mjs";
import { ask, headers, socketUrl, tell } from "./millrace.mjs";
import { CANCEL, cancel, place, position, watcher } from "./orders.mjs";
import { pause, until } from "./wait.mjs";

// A client, and what happens to it.
function client(more = {}) {
  const told = [];
  const on = {
    opened: (socket) => socket.on("ping", () => told.push("pinged")),
    connected: (_, payload, wasRetry) => told.push(["connected", payload, Boolean(wasRetry)]),
    ping: (received) => told.push(received ? "asked" : "asks"),
    pong: (received) => told.push(received ? "answered" : "answers"),
    closed: ({ code, reason }) => told.push(["closed", code, reason]),
  };
  const settings = { url: socketUrl, webSocketImpl: WebSocket, connectionParams: headers };
  return { told, ...createClient({ ...settings, on, retryAttempts: 0, ...more }) };
}
const first = async (of, request) => {
  for await (const answer of of.iterate(request)) return answer;
};

// A lazy one connects with its first operation, and goes with its last; the other one at once.
const lazy = client();
await pause(300);
same(lazy.told, []);
const { data } = await first(lazy, { query: "{ organization { slug } }" });
same(data, { organization: { slug: "acme" } });
await until(() => lazy.told.length, (length) => length === 2);
same(lazy.told, [["connected", undefined, false], ["closed", 1000, "Normal Closure"]]);
const eager = client({ lazy: false, keepAlive: 200 });
await until(() => eager.told[0], Boolean);
same(eager.told[0], ["connected", undefined, false]);

// Each side asks whether the other is still there, and is answered.
await until(() => eager.told, (told) => told.filter((one) => one === "answered").length > 2);
await until(() => eager.told, (told) => told.includes("pinged"));
ok(!eager.told.flat().includes("closed"));

// Several operations on one socket: each hears its own, until it is completed.
const start = await position();
const [one, two] = [watcher(start), watcher(start)];
const leave = eager.subscribe(one.request, one.sink);
eager.subscribe(two.request, two.sink);
const order = await place();
const placed = `${order.number} PLACED`;
await until(() => [one.heard, two.heard], (heard) => heard.every((h) => h[0] === placed));
leave();
await one.over;
const input = { orderId: order.id, reason: "r" };
const answer = await first(eager, { query: CANCEL, variables: { input } });
strictEqual(answer.data.cancelOrder.recordId, order.id);
await until(() => two.heard, (heard) => heard.length === 2);
same([one.heard, two.heard], [[placed], [placed, `${order.number} CANCELLED`]]);
const both = `query ($id: ID!) { order(id: $id) { status } none: order(id: "x") { id } }`;
const partly = await first(eager, { query: both, variables: { id: order.id } });
strictEqual(partly.data.order.status, "CANCELLED");
strictEqual(partly.errors[0].extensions.code, "INVALID_INPUT");

// What is refused is an error of that operation alone.
for (const [query, code] of [
  ["subscription { nothingChanged { kind } }", "INVALID_QUERY"],
  ["{ organization {", "INVALID_QUERY"],
  ['subscription { ordersChanged(after: "nonsense") { kind } }', "INVALID_INPUT"],
]) {
  const refused = await first(eager, { query }).then(() => [], (errors) => errors);
  strictEqual(refused[0]?.extensions.code, code, query);
}
await cancel((await place()).id);
await until(() => two.heard, (heard) => heard.length === 4);
strictEqual(eager.told.filter(([what]) => what === "connected").length, 1);
await eager.dispose();
await two.over;
match(JSON.stringify(eager.told.at(-1)), /"closed",1000/);

// A cut: it connects again, says how far it has come, and hears what it missed, and no more.
const front = await before(socketUrl.replace("ws", "http"));
const cut = client({
  url: `${front.url.replace("http", "ws")}/graphql`,
  retryAttempts: 100,
  retryWait: () => pause(100),
  shouldRetry: () => true,
});
const three = watcher(await position());
cut.subscribe(three.request, three.sink);
const seen = [`${(await place()).number} PLACED`];
await until(() => three.heard, (heard) => heard.length === 1);
for (let round = 0; round < 3; round += 1) {
  front.cut();
  for (let count = 0; count < 3; count += 1) seen.push(`${(await place()).number} PLACED`);
  front.mend();
  await until(() => three.heard, (heard) => heard.length === seen.length);
}
seen.push(`${(await place()).number} PLACED`);
await until(() => three.heard, (heard) => heard.length >= seen.length);
await pause(300);
same(three.heard, seen);
strictEqual(cut.told.filter(([what, , again]) => what === "connected" && again).length, 3);
await cut.dispose();
front.close();

// A token that nobody has: told why, and with what code.
const stranger = client({ connectionParams: { Authorization: "Bearer wrong" } });
const why = await first(stranger, { query: "{ organization { slug } }" }).catch((error) => error);
same([why.code, why.reason], [4403, "this token is not valid"]);
ok((await ask("{ organization { slug } }")).data);
tell({ ok: true });
