// What the tests share: reports of sites, and a page that remembers every complaint of the browser.
import { chromium } from "playwright-core";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const zonec = process.env.ZONEC ?? join(root, "target/debug/zonec");
const shots = process.env.ZONEC_SHOTS;
const folder = mkdtempSync(join(tmpdir(), "zonec-browser-"));

/** Runs `zonec report` and gives the folder. Exit status 1 is a site that is not released. */
export function report(site, lang = "de") {
  const out = join(folder, `${site.replaceAll("/", "-")}-${lang}`);
  try {
    execFileSync(zonec, ["report", site, "--as-of", "2026-11-24", "--lang", lang, "-q", "-o", out], { cwd: root });
  } catch (error) {
    if (error.status !== 1) throw error;
  }
  return out;
}

/** Writes a site of one text and gives its path. */
export function written(name, text) {
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, text);
  return path;
}

export async function browser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/** Opens a report; `complaints` collects console errors, failed loads and violations of the policy. */
export async function open(browser, out, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => { if (message.type() !== "log") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => { if (!request.url().startsWith("file:") && !request.url().startsWith("data:")) complaints.push(request.url()); });
  await page.goto(pathToFileURL(join(out, "report/index.html")).href);
  return { page, context, complaints };
}

/** Keeps a picture when `ZONEC_SHOTS` names a folder for it. */
export async function shot(target, name, options = {}) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await target.screenshot({ path: join(shots, `${name}.png`), ...options });
}

/** Rows of the flow table that can be seen. */
export function visible(page) {
  return page.locator("table.flows tbody tr:not([hidden])");
}
