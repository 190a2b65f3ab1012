// The report of the examples: filters, keys, small and dark screens, print, accessibility, policy.
import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser as launch, open, report, shot, visible } from "./support.mjs";

const EXAMPLES = ["examples/kommune-musterau", "examples/amt-fehlerstedt", "examples/landesrz-seenland"];
let browser, outs;

before(async () => {
  browser = await launch();
  outs = Object.fromEntries(EXAMPLES.flatMap((site) => ["de", "en"].map((lang) => [`${site} ${lang}`, report(site, lang)])));
});
after(async () => browser.close());

const name = (key) => key.replace("examples/", "").replace(" ", "-");

test("no complaint, no serious finding of axe, light and dark, wide and narrow", async () => {
  const looks = [
    ["examples/kommune-musterau de", [1400, "light"], [1400, "dark"], [420, "light"], [420, "dark"]],
    ["examples/kommune-musterau en", [1400, "light"]],
    ["examples/amt-fehlerstedt de", [1400, "dark"], [420, "light"]],
    ["examples/landesrz-seenland en", [1400, "light"], [420, "dark"]],
  ];
  for (const [key, ...views] of looks) {
    const out = outs[key];
    for (const [width, scheme] of views) {
      const { page, context, complaints } = await open(browser, out, { viewport: { width, height: 900 }, colorScheme: scheme });
      await shot(page, `${name(key)}-${width}-${scheme}`);
      for (const part of ["findings", "deviations", "matrix", "diagram", "flows", "standards", "rules", "scope"]) {
        await page.evaluate((id) => document.getElementById(id).scrollIntoView({ behavior: "instant" }), part);
        await shot(page, `${name(key)}-${width}-${scheme}-${part}`);
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${key} at ${width}: ${wide} px too wide`);
      // What the browser has not laid out yet stands at no place that axe could measure.
      await page.evaluate(() => {
        for (const part of document.querySelectorAll("*")) {
          if (getComputedStyle(part).contentVisibility === "auto") part.style.contentVisibility = "visible";
        }
      });
      const axe = await new AxeBuilder({ page }).analyze();
      const serious = axe.violations.filter((found) => ["serious", "critical"].includes(found.impact));
      const told = serious.map((found) => `${found.id}: ${found.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(" | ")}`);
      assert.deepEqual(told, [], `${key} ${width} ${scheme}`);
      assert.deepEqual(complaints, [], key);
      await context.close();
    }
  }
});

test("search, filters and their reset", async () => {
  const { page, context } = await open(browser, outs["examples/kommune-musterau de"]);
  const all = await visible(page).count();
  assert.ok(all > 20);
  await page.fill("#q", "smtp internet");
  await page.waitForFunction((n) => document.querySelectorAll("table.flows tbody tr:not([hidden])").length < n, all);
  const texts = await visible(page).allTextContents();
  assert.ok(texts.length > 0 && texts.every((text) => /smtp/i.test(text) && /internet/i.test(text)), texts.join("\n"));
  assert.match(await page.textContent("#count"), new RegExp(`^${texts.length} von ${all} `));
  // What is not found is dimmed in the diagram.
  assert.ok((await page.locator(".zd-flow.dim").count()) > 0);
  await page.click("#filter button[type=reset]");
  await page.waitForFunction((n) => document.querySelectorAll("table.flows tbody tr:not([hidden])").length === n, all);
  assert.equal(await page.locator(".zd-flow.dim").count(), 0);
  await page.fill("#q", "there-is-no-such-thing");
  await page.waitForFunction(() => document.querySelectorAll("table.flows tbody tr:not([hidden])").length === 0);
  await context.close();
});

test("every cell of the matrix filters to its number of flows", async () => {
  const { page, context } = await open(browser, outs["examples/landesrz-seenland en"]);
  const cells = page.locator(".matrix a");
  const count = await cells.count();
  assert.ok(count > 5);
  for (let i = 0; i < count; i += 1) {
    const cell = cells.nth(i);
    const wanted = Number(await cell.getAttribute("data-count"));
    await cell.click();
    assert.equal(await visible(page).count(), wanted, await cell.getAttribute("aria-label"));
    assert.equal(await page.evaluate(() => document.activeElement.id), "from");
  }
  await context.close();
});

test("keys alone: skip link, matrix, sorting", async () => {
  const { page, context } = await open(browser, outs["examples/kommune-musterau en"]);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "content");
  const all = await visible(page).count();
  await page.locator(".matrix a").first().focus();
  await page.keyboard.press("Enter");
  assert.ok((await visible(page).count()) < all);
  await page.locator("#filter button[type=reset]").focus();
  await page.keyboard.press("Space");
  const names = () => page.locator("table.flows tbody tr th .fid").allTextContents();
  const before = await names();
  await page.locator("table.flows thead [role=button]").first().focus();
  await page.keyboard.press("Enter");
  assert.deepEqual(await names(), [...before].reverse());
  assert.equal(await page.getAttribute("table.flows thead th", "aria-sort"), "descending");
  await context.close();
});

test("a flow of the diagram shows its rows", async () => {
  const { page, context } = await open(browser, outs["examples/kommune-musterau de"]);
  const line = page.locator(".zd-flow").first();
  const ids = (await line.getAttribute("data-flow")).split(" ");
  await line.dispatchEvent("click");
  await page.waitForFunction((n) => document.querySelectorAll("table.flows tbody tr:not([hidden])").length === n, ids.length);
  assert.deepEqual(await visible(page).evaluateAll((rows) => rows.map((row) => row.dataset.name).sort()), [...ids].sort());
  await context.close();
});

test("readable without script", async () => {
  const { page, context, complaints } = await open(browser, outs["examples/amt-fehlerstedt de"], { javaScriptEnabled: false });
  assert.equal(await page.locator("#filter").isVisible(), false);
  const href = await page.locator(".matrix a").first().getAttribute("href");
  assert.equal(await page.locator(`tr${href}`).count(), 1, "a cell links to its first row");
  assert.ok(await page.locator(".finding").first().isVisible());
  assert.match(await page.textContent(".vt"), /Nicht freigegeben/);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("every link inside the page leads somewhere, and no id is used twice", async () => {
  for (const [key, out] of Object.entries(outs)) {
    const { page, context } = await open(browser, out);
    const faults = await page.evaluate(() => {
      const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
      const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
      const lost = [...document.querySelectorAll("a[href^='#']")].map((a) => a.getAttribute("href").slice(1)).filter((id) => !document.getElementById(id));
      return { twice: [...new Set(twice)], lost: [...new Set(lost)] };
    });
    assert.deepEqual(faults, { twice: [], lost: [] }, key);
    await context.close();
  }
});

test("prints to PDF with all flows", async () => {
  const { page, context } = await open(browser, outs["examples/kommune-musterau de"]);
  await page.emulateMedia({ media: "print" });
  await shot(page, "print", { fullPage: true });
  const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true, path: process.env.ZONEC_SHOTS ? `${process.env.ZONEC_SHOTS}/print.pdf` : undefined });
  const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
  assert.ok(pages >= 6 && pages <= 60, `${pages} pages`);
  await context.close();
});
