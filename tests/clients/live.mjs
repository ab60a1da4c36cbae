// The page /live in Chromium, while another client orders and cancels, and connections are cut.

import { deepStrictEqual as same, match, ok, strictEqual } from "node:assert";
import { open } from "./chromium.mjs";
import { before } from "./front.mjs";
import { ask, tell } from "./millrace.mjs";
import { cancel, place } from "./orders.mjs";
import { until } from "./wait.mjs";

const { MILLRACE_URL, MILLRACE_TOKEN } = process.env;

const { browser, page, complaints } = await open();
const front = await before(MILLRACE_URL);
const sent = []; // what the page says on its WebSockets, one list for each
page.on("websocket", (socket) => {
  const said = [];
  sent.push(said);
  socket.on("framesent", ({ payload }) => said.push(JSON.parse(payload)));
});

const { data } = await ask("{ orders(first: 1) { nodes { placedAt } } }");
// What the clock of the test says.
const now = Date.parse(data.orders.nodes[0].placedAt);
await page.clock.setFixedTime(now);
// The orders that the page shows, and those that there are.
const shown = () =>
  page.$$eval("#orders tr", (rows) =>
    rows.map((row) => [row.querySelector(".order").textContent, row.dataset.status]),
  );
async function listed() {
  const { orders } = (await ask("{ orders(first: 20) { nodes { number status } } }")).data;
  return orders.nodes.map(({ number, status }) => [number, status]);
}
async function isRight() {
  const expected = JSON.stringify(await listed());
  await until(shown, (seen) => JSON.stringify(seen) === expected);
}
const text = (selector) => page.textContent(selector);
const state = (wanted) => page.waitForSelector(`body[data-state="${wanted}"]`);
const kept = () => page.evaluate(() => sessionStorage.length + localStorage.length);

// Whoever has no token, or names no organization, is told so, and nothing is kept.
async function enter(token, slug) {
  await page.fill("#token", token);
  await page.fill("#slug", slug);
  await page.press("#slug", "Enter");
}
await page.goto(`${front.url}/live`);
await enter("wrong", "acme");
strictEqual(
  await until(() => text("#refusal"), Boolean),
  "The token was refused: this token is not valid.",
);
ok(await page.isHidden("#board"));
strictEqual(await kept(), 0);
await enter(MILLRACE_TOKEN, "nobody");
match(await until(() => text("#refusal"), (told) => /organization/.test(told)), /`nobody`/);
strictEqual(await kept(), 0);
await enter(MILLRACE_TOKEN, "acme");
await state("live");
ok(await page.isHidden("#entrance"));
strictEqual(await text("#organization"), "acme");
await isRight();
strictEqual(await page.$$eval("#orders .fresh", (rows) => rows.length), 0);

// An order arrives, and is cancelled.
const first = await place();
const row = page.locator("#orders tr", { hasText: first.number });
await row.waitFor();
strictEqual(await row.getAttribute("class"), "fresh");
await isRight();
match(await text("#news"), new RegExp(`^Order ${first.number} of .+: EUR.2.50$`));
const sums = () => text("#sales");
await until(sums, (sum) => /^EUR.38\.756 orders$/.test(sum));
await cancel(first.id);
await page.waitForSelector("#orders .changed");
strictEqual(await row.getAttribute("data-status"), "CANCELLED");
await isRight();
await until(sums, (sum) => /^EUR.36\.255 orders, 1 cancelled$/.test(sum));

// What the program tells of itself.
strictEqual(await text("#connections"), "1");
strictEqual(await text("#subscriptions"), "3");
await until(() => text("#lag-summary"), (told) => /^All \d+ current$/.test(told));
ok((await page.$$("#lag li")).length > 10);

// What happens while the connection is cut is there once it is back, without the list's being read.
async function away(happens) {
  front.cut();
  await state("waiting");
  await until(() => text("#countdown"), (told) => /^Reconnecting in \d+ s$/.test(told));
  await happens();
  front.mend();
  await state("live");
  await isRight();
  return sent.at(-1).map(({ payload }) => payload?.query ?? "");
}
await page.evaluate(() => (window.isTheSame = true));
const missed = [];
const asked = await away(async () => {
  for (let count = 0; count < 3; count += 1) missed.push(await place());
  await cancel(missed[0].id);
});
ok(!asked.some((query) => query.includes("orders(")), "it goes on where it was");
ok(asked.some((query) => query.includes("ordersChanged(after: $after)")));
for (const { number } of missed) await page.waitForSelector(`#orders tr:has-text("${number}")`);
// More than is told one by one: the list is read again.
const again = await away(async () => {
  for (let count = 0; count < 12; count += 1) await place();
});
ok(again.length > 0);
await until(
  () => sent.at(-1).map(({ payload }) => payload?.query ?? ""),
  (queries) => queries.some((query) => query.includes("orders(first: $n)")),
);
for (let count = 0; count < 8; count += 1) await place();
await isRight();
strictEqual((await shown()).length, 20);
ok(await page.evaluate(() => window.isTheSame), "it was never loaded again");

// A narrow screen shows all of it, too.
await page.setViewportSize({ width: 390, height: 844 });
ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));

// A day begins without sales.
await until(sums, (sum) => /27 orders, 2 cancelled$/.test(sum));
await page.clock.setFixedTime(now + 86_400_000);
await until(sums, (sum) => sum === "Nothing sold yet today.");

// Who loads the page again is still there; who signs out leaves nothing.
await page.reload();
await state("live");
await isRight();
await page.click("#leave");
ok(await page.isVisible("#entrance"));
strictEqual(await kept(), 0);
strictEqual(await page.$$eval("#orders tr", (rows) => rows.length), 0);

await browser.close();
front.close();
// That the connection was cut is the one thing that Chromium tells by itself.
const ofCuts = /^WebSocket connection to 'ws:[^']*' failed/;
tell({ complaints: complaints.filter((complaint) => !ofCuts.test(complaint)) });
