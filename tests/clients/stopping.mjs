// What clients make of a gateway that stops: they go on with the other one, and miss nothing.

import { deepStrictEqual as same, strictEqual } from "node:assert";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import WebSocket from "ws";
import { before } from "./front.mjs";
import { headers, tell } from "./millrace.mjs";
import { place, position, watcher } from "./orders.mjs";
import { pause, until } from "./wait.mjs";

const { MILLRACE_STOPPING, MILLRACE_STOPPING_PID, MILLRACE_URL } = process.env;
const front = await before(MILLRACE_STOPPING);
const url = `${front.url}/graphql`;
const again = { retryAttempts: 100 };
const closed = [];
const on = { closed: ({ code, reason }) => closed.push([code, reason]) };
const socket = createWs({
  ...again,
  url: url.replace("http", "ws"),
  webSocketImpl: WebSocket,
  connectionParams: headers,
  retryWait: () => pause(100),
  on,
});
const stream = createSse({ ...again, url, headers, retry: () => pause(100) });

const start = await position();
const [overSocket, overStream] = [watcher(start), watcher(start)];
socket.subscribe(overSocket.request, overSocket.sink);
const leave = stream.subscribe(overStream.request, overStream.sink);
const seen = [`${(await place()).number} PLACED`];
const both = () => [overSocket.heard, overStream.heard];
await until(both, (heard) => heard.every(({ length }) => length === 1));

// It stops; what comes from now on goes to the other one.
front.lead(MILLRACE_URL);
process.kill(Number(MILLRACE_STOPPING_PID), "SIGTERM");
for (let count = 0; count < 5; count += 1) seen.push(`${(await place()).number} PLACED`);
await until(() => closed, ({ length }) => length === 1);
same(closed, [[1001, "Going away"]]);
await until(both, (heard) => heard.every(({ length }) => length >= seen.length));
seen.push(`${(await place()).number} PLACED`);
await until(both, (heard) => heard.every(({ length }) => length >= seen.length));
await pause(300);
same(both(), [seen, seen]);
strictEqual(closed.length, 1);

leave();
await socket.dispose();
front.close();
tell({ ok: true });
