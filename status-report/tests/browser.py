"""Look at a site in headless Chromium: ``python status-report/tests/browser.py SITE``.

Needs the package `playwright` and a Chromium: its own (`playwright install chromium`) or one on the path. Opens every kind
of page from the disk, as a reader without a server would, and checks what only a browser can tell: that scripts run under
the page's security policy, search and filters find what they should, links lead somewhere, nothing is wider than a phone,
both themes keep their contrast, and pages appear within a second. With `axe-playwright-python` installed, accessibility
rules are checked too. `--screenshots DIR` keeps pictures.
"""

import argparse
import json
import pathlib
import shutil
import sys
import time

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sys.exit("status-report/tests/browser.py: the package `playwright` is not installed")

try:
    from axe_playwright_python.sync_playwright import Axe
except ImportError:
    Axe = None

PAGES = [
    "index", "files", "tests", "changes", "names", "ufuncs", "accuracy", "speed", "suites", "nights",
]  # fmt: skip
#: Milliseconds until a page is there, on a machine with nothing else to do.
PATIENCE = 1000

OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  const inside = (e) => e.closest('.scroll') !== null;
  return [...document.querySelectorAll('body *')]
    .filter(e => !inside(e) && !e.closest('.hidden, .skip, svg') && e.getBoundingClientRect().right > width + 1)
    .slice(0, 3).map(e => e.outerHTML.slice(0, 120));
}"""

CONTRAST = """() => {
  const light = (c) => { const v = c.match(/[\\d.]+/g).map(Number).slice(0, 3).map(x => x / 255)
    .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4); return 0.2126*v[0] + 0.7152*v[1] + 0.0722*v[2]; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!c.endsWith(', 0)') && c !== 'transparent') return c; } return 'rgb(255, 255, 255)'; };
  const bad = [];
  for (const e of document.querySelectorAll('main *, header *, footer *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || e.closest('svg, .hidden') || !e.offsetParent) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(e.outerHTML.slice(0, 100));
    if (bad.length > 2) break;
  }
  return bad;
}"""


class Check:
    def __init__(self, site, screenshots):
        self.site, self.screenshots, self.failures, self.done = site, screenshots, [], 0
        self.status = json.loads((site / "status.json").read_text(encoding="utf-8"))

    def that(self, holds, what, found=""):
        self.done += 1
        if not holds:
            self.failures.append(f"{what}: {found}" if found != "" else what)
            print(f"FAILED {self.failures[-1]}")

    def open(self, page, name):
        """Opens a page; what the browser complains about is a failure."""
        began = time.perf_counter()
        page.goto((self.site / name.partition("#")[0]).as_uri() + ("#" + name.partition("#")[2] if "#" in name else ""))
        page.wait_for_load_state("load")
        return (time.perf_counter() - began) * 1000

    def picture(self, page, name):
        if self.screenshots:
            page.screenshot(path=self.screenshots / f"{name}.png")

    def watch(self, page):
        page.on("console", lambda m: m.type in ("error", "warning") and self.that(False, f"console of {page.url}", m.text))
        page.on("pageerror", lambda e: self.that(False, f"script of {page.url}", str(e)))
        page.on("dialog", lambda d: (self.that(False, f"a dialog on {page.url}", d.message), d.dismiss()))
        page.on("request", lambda r: r.url.startswith(("file:", "data:")) or self.that(False, "a request left the site", r.url))


def every_page(check, page, slow):
    for name in PAGES:
        took = check.open(page, f"{name}.html")
        if name == "tests":
            page.wait_for_function("document.querySelector('#count').textContent !== ''")
            took = page.evaluate("performance.now()")
        check.that(took < PATIENCE * slow, f"{name}.html takes too long", f"{took:.0f} ms")
        print(f"{name + '.html':16} {took:5.0f} ms")
        check.that(page.locator("h1").count() == 1, f"{name}.html has one heading")
        check.that(page.locator("[aria-current=page]").count() == 1, f"{name}.html is marked in the menu")
        check.picture(page, f"{name}-wide-light")


def links(check, page):
    """Every link of every page leads to a page, and to a place on it."""
    anchors, wanted = {}, set()
    for file in sorted(check.site.rglob("*.html")):
        check.open(page, str(file.relative_to(check.site)))
        ids, hrefs = page.evaluate("""() => [[...document.querySelectorAll('[id]')].map(e => e.id),
            [...document.querySelectorAll('main a, nav a, footer a')].map(e => e.href)]""")
        anchors[file.as_uri()] = set(ids)
        wanted.update((href, file.name) for href in hrefs)
    for href, source in wanted:
        target, _, place = href.partition("#")
        if target.endswith(".html"):
            check.that(target in anchors, f"{source} links to a page that is not there", href)
            check.that(not place or place in anchors.get(target, ()), f"{source} links to a place that is not there", href)
        else:
            check.that(pathlib.Path(target.removeprefix("file://")).exists(), f"{source} links to nothing", href)


def search(check, page):
    total = check.status["baseline"]["tests"]
    packages = check.status["packages"]
    failing = [f for p in packages for f in p["files"] if f["not_passing"]]
    check.open(page, "tests.html")
    count = page.locator("#count")
    page.wait_for_function("document.querySelector('#count').textContent !== ''")
    check.that(count.inner_text() == f"{total:,} of {total:,} tests", "all tests are found without words", count.inner_text())
    check.that(page.locator("#found li").count() == min(100, total), "the first hundred are shown")
    if total > 100:
        page.click("#more")
        check.that(page.locator("#found li").count() == min(200, total), "more are shown when asked for")
    platform = check.status["platforms"][0]
    passing = platform["score"]["passing"]
    page.select_option("[name=outcome]", "pP")
    check.that(count.inner_text().startswith(f"{passing:,} of"), "as many pass as the score says", count.inner_text())
    page.select_option("[name=outcome]", "bad")
    check.that(count.inner_text().startswith(f"{total - passing:,} of"), "the others do not", count.inner_text())
    check.that("outcome=bad" in page.url, "the search is in the address", page.url)
    if failing:
        test = failing[0]["not_passing"][0]["tests"][0]["name"]
        page.fill("[name=q]", f"{failing[0]['file']}::{test}")
        page.wait_for_timeout(100)
        line = page.locator("#found li").first
        check.that(line.locator("code").inner_text().endswith(test), "a test is found by its name", line.inner_text())
        check.that("20" in line.inner_text(), "with the night since which it fails")
        line.locator("a").click()
        page.wait_for_load_state("load")
        target = page.locator(":target")
        check.that(target.count() == 1 and target.is_visible(), "its link opens the list it is in", page.url)
        page.go_back()
        page.wait_for_function("document.querySelector('#count').textContent !== ''")
        check.that(page.input_value("[name=outcome]") == "bad", "going back keeps the search", page.url)
    page.fill("[name=q]", "no test has such a name")
    check.that(count.inner_text().startswith("0 of"), "nothing is found where nothing is", count.inner_text())
    change = platform["change"]
    if change:
        page.fill("[name=q]", "")
        page.select_option("[name=outcome]", "")
        for kind in ("broken", "fixed"):
            page.select_option("[name=changed]", kind)
            check.that(count.inner_text().startswith(f"{len(change[kind]):,} of"), f"newly {kind} tests", count.inner_text())


def filters(check, page):
    for name, word in (("files", "fft"), ("ufuncs", "logaddexp"), ("names", "linspace"), ("accuracy", "exp"), ("speed", "1,000")):
        check.open(page, f"{name}.html")
        rows = page.locator("[data-row]")
        if rows.count() == 0:
            continue
        visible = "() => [...document.querySelectorAll('[data-row]')].filter(r => !r.hidden).map(r => r.textContent + (r.closest('[data-block]')?.dataset.title ?? ''))"
        page.fill("[name=q]", word)
        shown = page.evaluate(visible)
        check.that(all(word in text.lower() for text in shown), f"{name}.html shows what was asked for")
        check.that(len(shown) < rows.count() or name == "speed", f"{name}.html hides the rest")
        page.fill("[name=q]", "")
        check.that(len(page.evaluate(visible)) == rows.count(), f"{name}.html shows all again")
    if check.status["survey"]:
        check.open(page, "names.html")
        page.select_option("[name=verdict]", "differs")
        differs = sum(n["verdict"] == "differs" for n in check.status["survey"]["results"]["names"])
        shown = page.locator("[data-row]:visible").count()
        check.that(shown == differs, "names are shown by verdict", f"{shown} of {differs}")


def narrow(check, browser):
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme, device_scale_factor=2)
        check.watch(page)
        for name in PAGES + [f"files/{p.stem}" for p in sorted((check.site / "files").glob("*.html"))[:5]]:
            check.open(page, f"{name}.html")
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            check.that(wide <= 0, f"{name}.html is {wide} px wider than a phone", page.evaluate(OVERFLOW))
            bad = page.evaluate(CONTRAST)
            check.that(not bad, f"{name}.html, {scheme}: contrast below 4.5", bad)
            check.picture(page, f"{name.replace('/', '-')}-narrow-{scheme}")
        page.close()


def theme(check, browser):
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    check.open(page, "index.html")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    dark = page.evaluate(ground)
    check.that(light != dark, "the button changes the theme")
    check.open(page, "nights.html")
    check.that(page.evaluate(ground) == dark, "the next page remembers it")
    context.close()


def without_scripts(check, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    check.open(page, "tests.html")
    check.that(page.locator("noscript a").count() == 1, "without scripts the search says where else to look")
    page.click("noscript a")
    page.click("main table a >> nth=0")
    check.that("/files/" in page.url and page.locator("h1").count() == 1, "files are reached by links alone", page.url)
    context.close()


def keyboard(check, page):
    check.open(page, "index.html")
    page.keyboard.press("Tab")
    check.that(page.evaluate("document.activeElement.className") == "skip", "the first stop skips the menu")
    page.keyboard.press("Enter")
    check.that(page.url.endswith("#main"), "and leads to the content", page.url)


def accessibility(check, page):
    if Axe is None:
        print("axe-playwright-python is not installed: accessibility rules are not checked")
        return
    first = next((f"files/{p.stem}" for p in sorted((check.site / "files").glob("*.html"))), "files")
    for name in [*PAGES, first]:
        check.open(page, f"{name}.html")
        page.evaluate("document.querySelector('meta[http-equiv]')?.remove()")
        for found in Axe().run(page, options={"preload": False}).response["violations"]:
            where = found["nodes"][0]["html"][:120]
            check.that(False, f"{name}.html: {found['id']}", f"{found['help']}; {where}")
        check.done += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("site", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    parser.add_argument("--slow", type=float, default=1.0, help="this times the patience, on a busy machine")
    options = parser.parse_args()
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    check = Check(options.site.resolve(), options.screenshots)
    with sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="light")
        check.watch(page)
        every_page(check, page, options.slow)
        search(check, page)
        filters(check, page)
        keyboard(check, page)
        links(check, page)
        accessibility(check, page)
        narrow(check, browser)
        theme(check, browser)
        without_scripts(check, browser)
        browser.close()
    size = sum(file.stat().st_size for file in check.site.rglob("*") if file.is_file())
    check.that(size < 20_000_000, "the site is too large", f"{size:,} bytes")
    print(f"{check.done - len(check.failures)} checks hold, {len(check.failures)} do not; the site has {size:,} bytes")
    return 1 if check.failures else 0


if __name__ == "__main__":
    sys.exit(main())
