// Everything a page does beyond being read: the theme, filters of lists, and the search through all tests. Text gets
// into the page by textContent only, so nothing a test printed can become markup.
"use strict";

const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

function setUpTheme() {
  const button = $("#theme");
  const remembered = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const dark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const show = () => { button.textContent = dark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Use the ${button.textContent.toLowerCase()} theme`); };
  if (remembered()) document.documentElement.dataset.theme = remembered();
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    const next = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* private windows have no storage */ }
    show();
  });
}

// The state of a form lives in the address, so that a search can be linked to.
function restore(form) {
  const state = new URLSearchParams(location.hash.slice(1));
  for (const field of form.elements) if (field.name && state.has(field.name)) field.value = state.get(field.name);
}

function remember(form) {
  const state = new URLSearchParams();
  for (const field of form.elements) if (field.name && field.value && field.value !== "0") state.set(field.name, field.value);
  history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
}

function setUpFilter(form) {
  const rows = all("[data-row]").map((row) => ({ row, text: row.textContent.toLowerCase(), verdict: row.dataset.verdict }));
  const blocks = all("[data-block]").map((block) => ({ block, title: block.dataset.title.toLowerCase(), rows: rows.filter(({ row }) => block.contains(row)) }));
  const titles = new Map(blocks.flatMap(({ title, rows }) => rows.map((row) => [row, title])));
  const sections = all("main section");
  const apply = () => {
    const wanted = words(form.elements.q.value);
    const verdict = form.elements.verdict?.value ?? "";
    let shown = 0;
    for (const entry of rows) {
      const text = entry.text + " " + (titles.get(entry) ?? "");
      const fits = (!verdict || entry.verdict === verdict) && wanted.every((word) => text.includes(word));
      entry.row.hidden = !fits;
      shown += fits;
    }
    const narrowed = wanted.length > 0 || verdict !== "";
    for (const { block, rows } of blocks) {
      block.hidden = !rows.some(({ row }) => !row.hidden);
      block.open = narrowed && shown <= 400;
    }
    for (const section of sections) section.hidden = narrowed && !all("[data-row]", section).some((row) => !row.hidden);
    $("output", form).textContent = narrowed ? `${shown} of ${rows.length}` : "";
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { apply(); remember(form); });
  if (location.hash.includes("=")) restore(form);
  apply();
}

// A link to a test opens the list it is in.
function openTarget() {
  const target = /^#t\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView({ block: "center" });
}

const OUTCOMES = { p: ["passed", "passes"], P: ["xpassed", "passes"], f: ["failed", "fails"], e: ["error", "error"], c: ["crashed", "crashes"],
  t: ["timeout", "hangs"], s: ["skipped", "skipped"], x: ["xfailed", "fails as expected"], n: ["not_run", "not run"] };
const PAGE = 100;

// Called by data/tests.js with every test.
function showTests(data) {
  const form = $("#search");
  const fixed = new Set(data.changed?.fixed), broken = new Set(data.changed?.broken);
  const tests = [];
  for (const file of data.files) {
    const folder = file.name.split("/tests/")[0];
    file.tests.forEach((name, at) => {
      const failure = file.failures[at];
      const error = failure ? data.errors[failure[0]] : "";
      tests.push({ file, at, name, folder, error, since: failure ? data.since[failure[1]] : "", text: `${file.name}::${name} ${error}`.toLowerCase() });
    });
  }
  let found = [], shown = 0;
  const item = (test, platform) => {
    const [name, label] = OUTCOMES[test.file.outcomes[platform][test.at]];
    const line = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${test.file.page}#t${test.file.first + test.at}`;
    const code = document.createElement("code");
    code.textContent = `${test.file.name}::${test.name}`;
    link.append(code);
    const tag = document.createElement("span");
    tag.className = `tag ${name}`;
    tag.textContent = label;
    line.append(link, " ", tag);
    for (const text of [test.error, test.since].filter(Boolean)) {
      const more = document.createElement("span");
      more.className = "dim";
      more.textContent = text;
      line.append(more);
    }
    return line;
  };
  const more = () => {
    const platform = Number(form.elements.platform.value);
    $("#found").append(...found.slice(shown, shown + PAGE).map((test) => item(test, platform)));
    shown = Math.min(found.length, shown + PAGE);
    $("#more").hidden = shown >= found.length;
  };
  const apply = () => {
    const { q, outcome, changed, platform } = form.elements;
    const wanted = words(q.value), folder = form.elements.package.value, at = Number(platform.value);
    const letters = outcome.value === "bad" ? "fectsxn" : outcome.value;
    const moved = { fixed, broken }[changed.value];
    found = tests.filter((test) => (!letters || letters.includes(test.file.outcomes[at][test.at]))
      && (!folder || test.folder === folder)
      && (!moved || moved.has(test.file.first + test.at))
      && wanted.every((word) => test.text.includes(word)));
    shown = 0;
    $("#found").replaceChildren();
    more();
    $("#count").textContent = `${found.length.toLocaleString("en")} of ${tests.length.toLocaleString("en")} tests`;
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { apply(); remember(form); });
  $("#more").addEventListener("click", more);
  restore(form);
  apply();
}

setUpTheme();
all("form[data-filter]").forEach(setUpFilter);
openTarget();
addEventListener("hashchange", openTarget);
