// The page /live: what happens in an organization, as it happens. One WebSocket carries everything
// (graphql-transport-ws); orders go on behind the last cursor after a cut, so none is missed.
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

const SHOWN = 20;
const WAIT_MAX = 10_000; // between two attempts to connect
const SILENCE_MAX = 25_000; // after that a connection is given up
const PING_EVERY = 10_000;
const SETTLED = 3_000; // a connection that lasted so long was a good one
const SALES_EVERY = 1_000;
const KEPT = "millrace-live";

const FIELDS = "id number status net currency customerName placedAt";
const ORDERS = `query($n: Int) { orders(first: $n) { position nodes { ${FIELDS} } } }`;
const CHANGES = `subscription($after: String) {
  ordersChanged(after: $after) { kind recordId cursor order { ${FIELDS} } } }`;
const SALES = `query($today: Date) {
  ordersAggregate(groupBy: [STATUS], filter: { businessDate: { eq: $today } }) {
    status currency count net { sum } } }`;
const ORGANIZATION = "{ organization { name slug timeZone } }";
const LAG = "subscription { projectionLag { projection behind seconds stopped } }";
const STATUS = `subscription {
  systemStatus { version facts connections subscriptions pushed } }`;

const by = (id) => document.getElementById(id);
let who; // the token and the slug; none: nobody is signed in
let organization;
let line; // the connection there is, or the next one
let attempts = 0;
let retry;
let cursor; // everything of the orders up to here is known; none: the list is to be read
let rows = []; // the orders shown, the latest first, each with its row

// ---- The connection

function connect() {
  drop();
  const address = new URL("graphql", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address, "graphql-transport-ws");
  const own = { socket, operations: new Map(), count: 0, heard: Date.now() };
  line = own;
  show("waiting", "Connecting …");
  socket.onopen = () => {
    const payload = { Authorization: `Bearer ${who.token}` };
    if (who.slug) payload["Millrace-Organization"] = who.slug;
    send(own, { type: "connection_init", payload });
  };
  own.pings = setInterval(() => keepAlive(own), PING_EVERY);
  socket.onmessage = ({ data }) => own === line && hear(own, JSON.parse(data));
  socket.onclose = ({ code, reason }) => own === line && lost(code, reason);
}

function drop() {
  const own = line;
  line = undefined;
  [retry, own?.pings, own?.settled].forEach(clearTimeout);
  own?.socket.close();
}

function send({ socket }, message) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

// A connection whose other end vanished (a laptop that slept, say) is not told of it.
function keepAlive(own) {
  if (Date.now() - own.heard > SILENCE_MAX) lost(1006);
  else send(own, { type: "ping" });
}

function hear(own, { type, id, payload }) {
  own.heard = Date.now();
  if (type === "ping") send(own, { type: "pong", payload });
  if (type === "connection_ack") welcome(own);
  const operation = own.operations.get(id);
  if (!operation) return;
  if (type !== "next") own.operations.delete(id);
  const errors = type === "error" ? payload : payload?.errors;
  if (errors) operation.refused(errors[0]);
  else if (type === "next") operation.next(payload.data);
  else operation.over?.();
}

// Begins an operation: what it is completed with early.
function begin(query, variables, next, refused, over) {
  const own = line;
  const id = String((own.count += 1));
  own.operations.set(id, { next, refused, over });
  send(own, { type: "subscribe", id, payload: { query, variables } });
  return () => own.operations.delete(id) && send(own, { type: "complete", id });
}

const ask = (query, variables) =>
  new Promise((next, refused) => begin(query, variables, next, refused));

// One that goes on: where it ends nevertheless, everything begins anew.
const watch = (query, variables, next) => begin(query, variables, next, failed, () => lost());

function lost(code, reason) {
  if (code === 4401 || code === 4403) {
    return leave(`The token was refused: ${reason || "it is not valid"}.`);
  }
  again(code === 1001 ? "The server stopped" : reason || "The connection was lost");
}

// The next attempt: the longer it lasts the later, and not of all pages at once.
function again(why) {
  drop();
  const most = Math.min(WAIT_MAX, 500 * 2 ** attempts);
  attempts += 1;
  let left = most / 2 + (Math.random() * most) / 2;
  show("waiting", why);
  const tick = () => {
    if (left <= 0) return connect();
    by("countdown").textContent = `Reconnecting in ${Math.ceil(left / 1000)} s`;
    const step = left % 1000 || 1000;
    left -= step;
    retry = setTimeout(tick, step);
  };
  tick();
}

// ---- What is watched

async function welcome(own) {
  try {
    ({ organization } = await ask(ORGANIZATION));
  } catch (error) {
    const code = error.extensions?.code;
    const unknown = ["NOT_FOUND", "ORGANIZATION_REQUIRED", "FORBIDDEN"].includes(code);
    if (unknown) return leave(sentence(error.message), "slug");
    return failed(error);
  }
  if (own !== line) return;
  own.settled = setTimeout(() => {
    attempts = 0;
    by("trouble").hidden = true;
  }, SETTLED);
  by("entrance").hidden = true;
  by("board").hidden = false;
  by("organization").textContent = organization.name;
  document.title = `${organization.name} · Millrace Live`;
  show("live", `Live since ${zoned(new Date(), TIME)}`);
  watch(LAG, {}, ({ projectionLag }) => showLag(projectionLag));
  watch(STATUS, {}, ({ systemStatus }) => showStatus(systemStatus));
  sell();
  follow().catch(failed);
}

// Reads the list, unless it is known, and follows it from there.
async function follow() {
  const own = line;
  if (!cursor) {
    const { orders } = await ask(ORDERS, { n: SHOWN });
    if (own !== line) return;
    cursor = orders.position;
    for (const { row } of rows) row.remove();
    rows = [];
    orders.nodes.forEach((order) => put(order));
    by("no-orders").hidden = rows.length > 0;
  }
  const stop = watch(CHANGES, { after: cursor }, ({ ordersChanged: change }) => {
    if (change.kind === "RELOAD") {
      stop();
      cursor = undefined;
      return follow().catch(failed);
    }
    cursor = change.cursor;
    if (change.kind === "LEFT") remove(change.recordId);
    else put(change.order, true);
    sellSoon();
  });
}

let selling;
let sold = 0;
let today;

// Sales are read again when an order changes, and when a day begins; at most once a second.
function sellSoon() {
  selling ??= setTimeout(sell, Math.max(0, sold + SALES_EVERY - Date.now()));
}

async function sell() {
  clearTimeout(selling);
  selling = undefined;
  if (!organization || !line) return;
  sold = Date.now();
  today = day();
  try {
    showSales((await ask(SALES, { today })).ordersAggregate);
  } catch (error) {
    failed(error);
  }
}

setInterval(() => {
  if (line && organization && today && day() !== today) sell();
}, SALES_EVERY);

function failed(error) {
  by("trouble").textContent = sentence(error.message ?? String(error));
  by("trouble").hidden = false;
  // A cursor of a log that was replaced leads nowhere: next time the list is read.
  cursor = undefined;
  again();
}

// ---- What is shown

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.?$/, ".")}`;
const whole = new Intl.NumberFormat();
const TIME = { timeStyle: "medium" };
const DAY_AND_TIME = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };

// In the organization's zone.
const zoned = (date, style, locale) =>
  new Intl.DateTimeFormat(locale, { timeZone: organization.timeZone, ...style }).format(date);

// A day as GraphQL has it, and Swedish.
const day = (date = new Date()) => zoned(date, { dateStyle: "short" }, "sv");

function moment(text) {
  const date = new Date(text);
  return zoned(date, day(date) === day() ? TIME : DAY_AND_TIME);
}

// Amounts come as texts, and are formatted as such: none is rounded on the way.
function money(amount, currency) {
  const options = { style: "currency", currency, currencyDisplay: "code" };
  return new Intl.NumberFormat(undefined, options).format(amount);
}

function make(name, text, className = "") {
  const element = document.createElement(name);
  element.textContent = text;
  element.className = className;
  return element;
}

function show(state, text) {
  document.body.dataset.state = state;
  by("pill").hidden = false;
  by("state").textContent = text;
  by("countdown").textContent = "";
}

function cells({ number, customerName, status, net, currency, placedAt }) {
  const badge = make("span", status.charAt(0) + status.slice(1).toLowerCase(), "badge");
  badge.dataset.status = status;
  const time = make("time", moment(placedAt));
  time.dateTime = placedAt;
  const all = [number, customerName, badge, money(net, currency), time];
  const names = ["order", "customer", "status", "net", "placed"];
  return all.map((content, at) => {
    const cell = make(at ? "td" : "th", "", names[at]);
    cell.setAttribute("role", at ? "cell" : "rowheader");
    cell.append(content);
    return cell;
  });
}

// The latest first, as the list has it.
function isBefore(a, b) {
  const later = Date.parse(a.placedAt) - Date.parse(b.placedAt);
  return later > 0 || (later === 0 && a.id > b.id);
}

// Shows an order as it is now, if it is one of the last.
function put(order, isNews = false) {
  const known = rows.findIndex(({ id }) => id === order.id);
  const old = known < 0 ? undefined : rows.splice(known, 1)[0];
  if (old && isNews && same(old, order)) isNews = false;
  const row = old?.row ?? make("tr", "");
  row.setAttribute("role", "row");
  row.replaceChildren(...cells(order));
  row.dataset.status = order.status;
  row.className = isNews ? (old ? "changed" : "fresh") : "";
  const at = rows.findIndex((other) => isBefore(order, other));
  if (at < 0) {
    rows.push({ ...order, row });
    by("orders").append(row);
  } else {
    by("orders").insertBefore(row, rows[at].row);
    rows.splice(at, 0, { ...order, row });
  }
  for (const { row } of rows.splice(SHOWN)) row.remove();
  by("no-orders").hidden = true;
  if (!isNews || !row.isConnected) return;
  const what = old ? order.status.toLowerCase() : money(order.net, order.currency);
  by("news").textContent = `Order ${order.number} of ${order.customerName}: ${what}`;
}

const same = (a, b) => ["status", "net", "number", "customerName"].every((f) => a[f] === b[f]);

// It is not in the list any more.
function remove(id) {
  const gone = rows.find((order) => order.id === id);
  gone?.row.classList.add("gone");
}

function showSales(groups) {
  const currencies = [...new Set(groups.map(({ currency }) => currency))].sort();
  const sums = currencies.map((currency) => {
    const of = (status) => groups.find((g) => g.currency === currency && g.status === status);
    const [placed, cancelled] = [of("PLACED"), of("CANCELLED")];
    const sum = make("p", "", "sum");
    const count = placed?.count ?? 0;
    const words = `${whole.format(count)} ${count === 1 ? "order" : "orders"}`;
    const off = cancelled ? `, ${whole.format(cancelled.count)} cancelled` : "";
    sum.append(make("strong", money(placed?.net.sum ?? "0", currency)));
    sum.append(make("span", words + off, "hint"));
    return sum;
  });
  const none = make("p", "Nothing sold yet today.", "hint");
  by("sales").replaceChildren(...(sums.length ? sums : [none]));
  const style = { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" };
  by("today").textContent = `${zoned(new Date(today), style)}, ${organization.timeZone}`;
}

function showLag(all) {
  const items = all.map(({ projection, behind, seconds, stopped }) => {
    const item = make("li", "");
    const late = seconds ? `, for ${whole.format(seconds)} s` : "";
    const facts = `${whole.format(behind)} ${behind === 1 ? "fact" : "facts"} behind${late}`;
    item.dataset.health = stopped ? "stopped" : behind ? "behind" : "current";
    item.append(make("span", projection.replaceAll("_", " ")));
    item.append(make("span", stopped ? `stopped: ${stopped}` : behind ? facts : "current", "value"));
    return item;
  });
  by("lag").replaceChildren(...items);
  const count = (health) => items.filter((item) => item.dataset.health === health).length;
  const [stopped, behind] = [count("stopped"), count("behind")];
  const parts = [stopped && `${stopped} stopped`, behind && `${behind} behind`].filter(Boolean);
  const text = parts.length ? `${parts.join(", ")} of ${all.length}` : `All ${all.length} current`;
  if (by("lag-summary").textContent !== text) by("lag-summary").textContent = text;
  by("lag-summary").dataset.health = stopped ? "stopped" : behind ? "behind" : "current";
}

function showStatus({ version, ...figures }) {
  for (const [name, value] of Object.entries(figures)) {
    if (by(name)) by(name).textContent = whole.format(value);
  }
  by("version").textContent = `Millrace ${version}`;
}

// ---- Coming and going

function enter(token, slug) {
  who = { token, slug };
  [cursor, organization, attempts] = [undefined, undefined, 0];
  by("refusal").hidden = true;
  by("leave").hidden = false;
  connect();
}

function leave(why, field = "token") {
  drop();
  sessionStorage.removeItem(KEPT);
  [who, organization, cursor, today] = [];
  for (const { row } of rows.splice(0)) row.remove();
  delete document.body.dataset.state;
  for (const id of ["board", "leave", "pill"]) by(id).hidden = true;
  by("organization").textContent = "";
  document.title = "Millrace Live";
  by("entrance").hidden = false;
  by("refusal").textContent = why ?? "";
  by("refusal").hidden = !why;
  by(field).focus();
}

by("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const [token, slug] = [by("token").value.trim(), by("slug").value.trim()];
  sessionStorage.setItem(KEPT, JSON.stringify({ token, slug }));
  enter(token, slug);
});
by("leave").addEventListener("click", () => {
  by("token").value = "";
  leave();
});
addEventListener("online", () => who && !line && connect());

const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
by("entrance").hidden = Boolean(kept);
if (kept) enter(kept.token, kept.slug);
else by("token").focus();
