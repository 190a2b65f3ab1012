// A site of many zones and flows, the same for the same numbers.
const CLASSES = ["external.web", "external.app", "external.app", "external.app", "external.db", "internal", "internal", "internal", "internal", "management"];
const KINDS = { "external.web": "waf", "external.app": "app-server", "external.db": "database", internal: "fachverfahren", management: "siem" };

export function large(zones, flows) {
  const name = (i) => `z${String(i).padStart(3, "0")}`;
  const of = (...classes) => [...Array(zones).keys()].filter((i) => classes.includes(CLASSES[i % 10]));
  const lines = ["zonec: 1", "site: { name: gross, title: Großer Standort, blueprint: dvs-2.0 }", "networks:", "  internet: { kind: internet }", "zones:"];
  for (let i = 0; i < zones; i += 1) {
    lines.push(`  ${name(i)}: { class: ${CLASSES[i % 10]}, addresses: [10.${10 + Math.floor(i / 250)}.${i % 250}.0/24] }`);
  }
  const legs = (list) => list.map((i) => `e${i}: ${name(i)}`).join(", ");
  lines.push("gateways:", `  pf-out: { interfaces: { net: internet, ${legs(of("external.web"))} } }`, `  pf-in: { interfaces: { ${legs(of("external.web", "external.app", "external.db"))} } }`,
    `  pf-int: { interfaces: { ${legs(of("external.app", "internal"))} } }`, `  pf-mgmt: { interfaces: { ${legs(of("internal", "management"))} } }`, "components:");
  for (let i = 0; i < zones; i += 1) {
    lines.push(`  c${i}: { kind: ${KINDS[CLASSES[i % 10]]}, at: { ${name(i)}: 10.${10 + Math.floor(i / 250)}.${i % 250}.10 } }`);
  }
  const pairs = [["external.web", "external.app"], ["external.app", "external.db"], ["internal", "external.app"], ["internal", "internal"], ["internal", "management"]];
  let dice = 12345;
  const roll = (bound) => { dice = (dice * 1103515245 + 12345) % 2147483648; return Math.floor(dice / 65536) % bound; };
  lines.push("flows:");
  for (let k = 0; k < flows; k += 1) {
    const [a, b] = pairs[k % pairs.length].map((cls) => of(cls));
    const from = a[roll(a.length)], to = b[roll(b.length)];
    if (from === to) { k -= 1; roll(2); continue; }
    lines.push(`  flow-${k}: { from: c${from}, to: c${to}, service: ${8000 + (k % 60)}/tcp, purpose: Austausch Nummer ${k} zwischen zwei Verfahren, owner: Team ${k % 40}, approved: { ref: CHG-${20000 + k}, by: ISB, on: 2026-02-01 } }`);
  }
  return `${lines.join("\n")}\n`;
}
