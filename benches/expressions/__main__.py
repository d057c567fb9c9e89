"""Compare array expressions across systems: ``python benches/expressions --help``.

Every system runs in a process of its own, one request at a time and in turn, so that all see the same machine. A ratio
is numpy's time over the other's in the same round: above 1 is faster than numpy. Rounds give the spread.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from cases import cases  # noqa: E402
from plot import svg  # noqa: E402


class System:
    """A worker process."""

    def __init__(self, name, command, threads):
        self.name = name
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(threads),
            "MICRONUMPY_NUM_THREADS": str(threads),
            "NUMBA_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": str(threads),
            "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=" + ("false" if threads == 1 else "true"),
        }
        cores = sorted(os.sched_getaffinity(0))[:threads]
        self.process = subprocess.Popen(
            [*command, os.path.join(HERE, "worker.py"), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if name != "fuse" else None,
            text=True,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        self.version = self.answer().get("version")

    def answer(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"unsupported": "not installed, or it stopped"}

    def ask(self, **request):
        if self.process.poll() is not None:
            return {"unsupported": "not installed, or it stopped"}
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"unsupported": "it stopped"}
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def agree(a, b, size, dtype):
    tolerance = (1e-9 if dtype == "float64" else 1e-2) * max(1, size)
    return all(x == y or abs(x - y) <= tolerance for x, y in zip(a, b))


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else float("nan")


def run(options):
    import types

    names = [case.name for case in cases(types.SimpleNamespace())]
    kinds = {case.name: case.kind for case in cases(types.SimpleNamespace())}
    chosen = [n for n in names if not options.cases or n in options.cases]
    rows = []
    versions = {}
    for threads in options.threads:
        systems = [
            System(name, [options.micronumpy] if name in ("micronumpy", "fuse") else [options.python], threads)
            for name in options.systems
        ]
        for s in systems:
            versions[s.name] = s.version
        base = next(s for s in systems if s.name == "numpy")
        total, done, began = len(options.sizes) * len(options.dtypes) * len(chosen), 0, time.time()
        for size in options.sizes:
            for dtype in options.dtypes:
                for name in chosen:
                    done += 1
                    if sys.stderr.isatty():
                        left = (time.time() - began) / done * (total - done)
                        print(f"\r{threads} threads, {done}/{total}, {left:.0f} s left ", end="", file=sys.stderr)
                    times = {s.name: [] for s in systems}
                    answers = {}
                    for _ in range(options.rounds):
                        for s in systems:
                            if "unsupported" in answers.get(s.name, {}):
                                continue
                            answer = s.ask(case=name, size=size, dtype=dtype)
                            answers.setdefault(s.name, answer)
                            if "seconds" in answer:
                                times[s.name].append(answer["seconds"])
                    for s in systems:
                        row = {"system": s.name, "case": name, "kind": kinds[name], "size": size, "dtype": dtype}
                        row["threads"] = threads
                        if not times[s.name]:
                            row["unsupported"] = answers[s.name].get("unsupported", "")
                        else:
                            ratios = sorted(b / o for b, o in zip(times[base.name], times[s.name]))
                            row["seconds"] = statistics.median(times[s.name])
                            row["ratio"] = statistics.median(ratios)
                            row["spread"] = [ratios[0], ratios[-1]]
                            row["first"] = answers[s.name]["first"]
                            check = answers[s.name]["check"]
                            row["agrees"] = agree(check, answers[base.name]["check"], size, dtype)
                        rows.append(row)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        for s in systems:
            s.close()
    return {"versions": versions, "rows": rows}


def table(report):
    """Ratios as text: a block per (threads, dtype, size), a line per case, geometric means last."""
    lines = []
    rows = report["rows"]
    systems = list(dict.fromkeys(r["system"] for r in rows))
    others = [s for s in systems if s != "numpy"]
    for key in dict.fromkeys((r["threads"], r["dtype"], r["size"]) for r in rows):
        block = [r for r in rows if (r["threads"], r["dtype"], r["size"]) == key]
        lines.append("")
        lines.append(f"{key[1]}, {key[2]:,} elements, {key[0]} thread{'s' * (key[0] > 1)}: numpy's time / theirs")
        lines.append(f"{'':18}{'numpy us':>10}" + "".join(f"{s:>24}" for s in others))
        for name in dict.fromkeys(r["case"] for r in block):
            line = {r["system"]: r for r in block if r["case"] == name}
            cells = ""
            for s in others:
                r = line[s]
                cell = "-"
                if "ratio" in r:
                    cell = f"{r['ratio']:.2f} ({r['spread'][0]:.2f}-{r['spread'][1]:.2f})"
                    if not r["agrees"]:
                        cell += " WRONG"
                cells += f"{cell:>24}"
            lines.append(f"{name:18}{line['numpy']['seconds'] * 1e6:10.2f}{cells}")
        means = ""
        for s in others:
            means += f"{geometric_mean([r['ratio'] for r in block if r['system'] == s and 'ratio' in r]):24.2f}"
        lines.append(f"{'geometric mean':28}{means}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="benches/expressions", description=__doc__.split("\n")[0])
    parser.add_argument("--micronumpy", default="target/release/micronumpy", help="the executable under test")
    parser.add_argument("--python", default=sys.executable, help="a Python with stock numpy 2.4.6, and the others if wanted")
    parser.add_argument("--systems", nargs="+", default=["numpy", "micronumpy", "fuse", "numexpr", "numba", "jax"],
                        help="systems to compare; one that is not installed is left out")  # fmt: skip
    parser.add_argument("--sizes", nargs="+", type=int, default=[10, 1_000, 100_000, 1_000_000, 10_000_000])
    parser.add_argument("--dtypes", nargs="+", default=["float64"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--cases", nargs="+", help="only these")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured, for the spread")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    parser.add_argument("--svg", metavar="FILE", help="write a plot")
    options = parser.parse_args()
    if "numpy" not in options.systems:
        options.systems.insert(0, "numpy")
    report = run(options)
    print(table(report))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
    if options.svg:
        with open(options.svg, "w", encoding="utf-8") as file:
            file.write(svg(report))
    wrong = [r for r in report["rows"] if r.get("agrees") is False]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
