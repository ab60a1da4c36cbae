// GraphiQL in Chromium: its examples, run as a person runs them.

import { match, ok } from "node:assert";
import { open } from "./chromium.mjs";
import { ask, tell } from "./millrace.mjs";
import { cancel } from "./orders.mjs";
import { pause, until } from "./wait.mjs";

const { MILLRACE_URL, MILLRACE_TOKEN } = process.env;
const { browser, page, complaints } = await open({ width: 1280, height: 2400 });
await page.goto(`${MILLRACE_URL}/graphiql`);

// Puts the cursor into an operation, and runs it.
async function run(operation) {
  const lines = page.locator(".graphiql-query-editor .CodeMirror-line", { hasText: operation });
  await lines.last().click();
  await page.keyboard.press("Control+Enter");
}
const result = () => page.locator(".result-window .CodeMirror-code").innerText();

// Without a token it tells what to do; with one it shows what there is.
await run("query Orders {");
await until(result, (seen) => /UNAUTHENTICATED/.test(seen));
await page.click('section[aria-label="Headers"] .graphiql-editor:not(.hidden) .CodeMirror');
await page.keyboard.press("Control+A");
await page.keyboard.insertText(JSON.stringify({ Authorization: `Bearer ${MILLRACE_TOKEN}` }));
await run("query Orders {");
const { orders } = (await ask("{ orders(first: 1) { nodes { id number } } }")).data;
const [{ id, number }] = orders.nodes;
await until(result, (seen) => seen.includes(number));
match(await result(), /"customerName"|"customer"/);

// A subscription runs on, and shows what happens.
await run("subscription OrdersChanged {");
await page.waitForSelector('button[aria-label^="Stop query"]');
await pause(500);
await cancel(id);
await until(result, (seen) => seen.includes("CANCELLED") && seen.includes(number));

// The token does not stay on the disk.
const stored = await page.evaluate(() => JSON.stringify(localStorage));
ok(!stored.includes(MILLRACE_TOKEN));
await browser.close();
tell({ complaints });
