// A site of 500 zones and 5,000 flows. Times are printed, never judged: docs/performance.md has figures.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { large } from "./large.mjs";
import { browser as launch, open, report, shot, written } from "./support.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => browser.close());

test("is small enough to send, and filters", async () => {
  const out = report(written("large", large(500, 5000)));
  const size = statSync(join(out, "report/index.html")).size;
  assert.ok(size < 8e6, `${size} bytes`);
  const { page, context, complaints } = await open(browser, out);
  await page.waitForFunction(() => document.documentElement.classList.contains("js"));
  const took = await page.evaluate(async () => {
    const settled = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    const q = document.getElementById("q"), from = document.getElementById("from");
    const times = {};
    const time = async (name, act) => { await settled(); const start = performance.now(); act(); document.body.getBoundingClientRect(); await settled(); times[name] = Math.round(performance.now() - start); };
    document.getElementById("flows").scrollIntoView({ behavior: "instant" });
    await settled();
    await time("select", () => { from.value = from.options[3].value; from.dispatchEvent(new Event("input")); });
    await time("all", () => { from.value = ""; from.dispatchEvent(new Event("input")); });
    q.value = "8017";
    q.dispatchEvent(new Event("input"));
    await new Promise((done) => setTimeout(done, 130));
    times.found = document.querySelectorAll("table.flows tbody tr:not([hidden])").length;
    return times;
  });
  console.log(`large site: ${size} bytes, ${JSON.stringify(took)}`);
  assert.ok(took.found > 0 && took.found < 5000);
  assert.deepEqual(complaints, []);
  await shot(page, "large");
  await page.evaluate(() => document.getElementById("diagram").scrollIntoView({ behavior: "instant" }));
  await shot(page, "large-diagram");
  await page.evaluate(() => document.getElementById("matrix").scrollIntoView({ behavior: "instant" }));
  await shot(page, "large-matrix");
  await context.close();
});
