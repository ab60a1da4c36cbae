// Every code that a WebSocket is closed with, as whoever brings it about sees it: npm's `ws`, which
// says anything. One line of JSON for each: what was done, the code, the reason.

import { strictEqual } from "node:assert";
import WebSocket from "ws";
import { headers, socketUrl, tell } from "./millrace.mjs";

const INIT = { type: "connection_init", payload: headers };
const query = "subscription { ordersChanged { kind } }";
const SUBSCRIBE = { type: "subscribe", id: "1", payload: { query } };
const WAIT = 10_000;

// Says these on a socket, one after another, and waits until it is closed.
function closing(what, messages, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(socketUrl, "graphql-transport-ws", options);
    const late = setTimeout(() => reject(new Error(`${what}: it is not closed`)), WAIT);
    socket.on("open", () => {
      for (const message of messages) {
        const isRaw = typeof message === "string" || Buffer.isBuffer(message);
        socket.send(isRaw ? message : JSON.stringify(message));
      }
    });
    socket.on("error", reject);
    socket.on("close", (code, reason) => {
      clearTimeout(late);
      resolve(tell({ what, code, reason: `${reason}` }));
    });
  });
}

await closing("no JSON", [INIT, "{"]);
await closing("no message", [INIT, "[]"]);
await closing("no such type", [INIT, { type: "nonsense" }]);
await closing("bytes", [INIT, Buffer.from([0xff, 0x00])]);
await closing("no id", [INIT, { ...SUBSCRIBE, id: undefined }]);
await closing("no query", [INIT, { ...SUBSCRIBE, payload: {} }]);
await closing("subscribes before it is known", [SUBSCRIBE]);
await closing("wrong token", [{ type: "connection_init", payload: { Authorization: "Bearer x" } }]);
await closing("no token", [{ type: "connection_init" }]);
await closing("says nothing", []);
await closing("the same id twice", [INIT, SUBSCRIBE, SUBSCRIBE]);
await closing("init twice", [INIT, INIT]);
await closing("does not answer pings", [INIT, SUBSCRIBE], { autoPong: false });

// Another sub-protocol, or none, is refused before there is a socket.
for (const protocols of [[], ["graphql-ws"]]) {
  const socket = new WebSocket(socketUrl, protocols);
  socket.on("error", () => {});
  const response = await new Promise((resolve) => {
    socket.on("unexpected-response", (_, response) => resolve(response));
  });
  const wire = response.socket;
  strictEqual(response.statusCode, 400);
  let body = "";
  for await (const part of response) body += part;
  wire.destroy();
  tell({ what: `offers [${protocols}]`, code: 400, reason: JSON.parse(body).errors[0].message });
}
