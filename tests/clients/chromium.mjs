// What the scripts that look at pages share: a Chromium, and everything that it complains of.

import { execFileSync } from "node:child_process";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const QUIET = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const WAIT = 20_000;

function found(name) {
  try {
    return execFileSync("which", [name], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return undefined;
  }
}

// Opens a tab, and gives it and what it complains of: errors, warnings, what a policy forbade.
export async function open({ width, height } = { width: 1280, height: 800 }) {
  const executablePath = process.env.CHROMIUM || NAMES.map(found).find(Boolean);
  if (!executablePath) {
    throw new Error("there is no Chromium: `make browser` installs it, or says what to install");
  }
  const browser = await chromium.launch({ executablePath, args: QUIET });
  const context = await browser.newContext({ viewport: { width, height }, locale: "en-GB" });
  context.setDefaultTimeout(WAIT);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(`${error}`));
  await page.exposeFunction("forbidden", (what) => complaints.push(`forbidden: ${what}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      window.forbidden(`${violatedDirective} ${blockedURI}`);
    });
  });
  return { browser, page, complaints };
}
