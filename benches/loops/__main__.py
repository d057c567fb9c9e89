"""Compare programs with loops across systems: ``python benches/loops --help``.

Suites: `scalar` (element by element), `array_programs` (whole programs of array expressions), `small_arrays` (arrays of
two to ten elements in hot loops), `ordinary` (programs without arrays, as whole processes). Every system runs in a process
of its own, one request at a time and in turn, so that all see the same machine. A ratio is the baseline's best
time over the other's: above 1 is faster. Ratios within rounds give the spread. Results must be equal between systems before a
time counts.
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

import ordinary  # noqa: E402
from plot import svg  # noqa: E402

SUITES = ["scalar", "array_programs", "small_arrays", "ordinary"]
#: PyPy has no arrays here; Numba takes seconds to compile each array program.
ONLY_IN = {"pypy": ["scalar"], "numba": ["scalar", "small_arrays"]}


class System:
    """A worker process."""

    def __init__(self, name, command, suite):
        self.name = name
        environment = {**os.environ, **ordinary.ONE_THREAD}
        if name == "off":
            environment["MICRONUMPY_VM"] = "off"
        core = sorted(os.sched_getaffinity(0))[-1]
        self.process = subprocess.Popen(
            [command, os.path.join(HERE, "worker.py"), name, suite],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, [core]),
        )
        self.version = self.answer().get("version")

    def answer(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        return {"unsupported": f"it stopped, status {self.process.returncode}"}

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Absent:
    """A system that is not installed."""

    version = None

    def __init__(self, name):
        self.name = name

    def ask(self, **_):
        return {"unsupported": "not installed"}

    def close(self):
        pass


def started(name, options, suite):
    command = {"micronumpy": options.micronumpy, "off": options.micronumpy, "pypy": options.pypy}.get(name, options.python)
    try:
        return System(name, command, suite)
    except FileNotFoundError:
        return Absent(name)


def agree(a, b, exact):
    if exact or a["bits"] == b["bits"]:
        return a["bits"] == b["bits"]
    return all(math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12) for x, y in zip(a["some"], b["some"]))


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else float("nan")


def ratios(times, base):
    all_ratios = sorted(b / o for b, o in zip(base, times))
    # The best of all rounds on both sides: what else the machine does only adds.
    return {"seconds": min(times), "ratio": min(base) / min(times), "spread": [all_ratios[0], all_ratios[-1]]}


def run(suite, options):
    sys.path.insert(0, HERE)
    exact = {case.name: case.exact for case in __import__(suite).CASES}
    chosen = [name for name in exact if not options.cases or name.split()[0] in options.cases]
    systems = [started(name, options, suite) for name in options.systems if suite in ONLY_IN.get(name, SUITES)]
    rows = []
    for at, name in enumerate(chosen):
        if sys.stderr.isatty():
            print(f"\r\033[K{suite} {at + 1}/{len(chosen)} {name}", end="", file=sys.stderr)
        first, times = {}, {s.name: [] for s in systems}
        for _ in range(options.rounds):
            for s in systems:
                if "unsupported" in first.get(s.name, {}):
                    continue
                answer = s.ask(case=name, seconds=options.slice)
                first.setdefault(s.name, answer)
                if "unsupported" in answer:
                    first[s.name] = answer
                else:
                    times[s.name].append(answer["seconds"])
        base = times["numpy"]
        for s in systems:
            row = {"suite": suite, "system": s.name, "case": name}
            if "unsupported" in first[s.name]:
                row["unsupported"] = first[s.name]["unsupported"]
            else:
                row["agrees"] = agree(first[s.name]["result"], first["numpy"]["result"], exact[name])
                row["first"] = first[s.name]["first"]
                row.update(ratios(times[s.name], base))
                row["warm_up"] = max(0.0, row["first"] - row["seconds"])
            rows.append(row)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    versions = {s.name: s.version for s in systems}
    for s in systems:
        s.close()
    return versions, rows


def cell(row):
    if "ratio" not in row:
        return "-"
    digits = 0 if row["ratio"] >= 100 else 1 if row["ratio"] >= 10 else 2
    low, high = row["spread"]
    text = f"{row['ratio']:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"
    return text if row["agrees"] else text + " WRONG"


def table(suite, rows):
    """A line per case: times as fast as the baseline with the spread, and what the first call took more than a later one."""
    systems = list(dict.fromkeys(r["system"] for r in rows))
    base, others = systems[0], systems[1:]
    lines = ["", f"{suite}: {base}'s time / theirs (spread), and warm-up in ms"]
    lines.append(f"{'':28}{base + ' ms':>12}" + "".join(f"{s:>26}{'':9}" for s in others))
    for name in dict.fromkeys(r["case"] for r in rows):
        line = {r["system"]: r for r in rows if r["case"] == name}
        cells = ""
        for s in others:
            warm_up = f"{line[s]['warm_up'] * 1e3:.1f}" if "warm_up" in line[s] else ""
            cells += f"{cell(line[s]):>26}{warm_up:>9}"
        lines.append(f"{name:28}{line[base]['seconds'] * 1e3:12.2f}{cells}")
    means = ""
    for s in others:
        mine = [r for r in rows if r["system"] == s and r.get("agrees")]
        warm_ups = [r["warm_up"] * 1e3 for r in mine if "warm_up" in r]
        warm_up = f"{statistics.median(warm_ups):.1f}" if warm_ups else ""
        means += f"{geometric_mean([r['ratio'] for r in mine]):26.2f}{warm_up:>9}"
    lines.append(f"{'geometric mean, median':40}{means}")
    lines += against_numba(rows)
    refused = [r for r in rows if r.get("unsupported", "not installed") != "not installed"]
    lines += [f"{r['case']}, {r['system']}: {r['unsupported']}" for r in refused]
    return "\n".join(lines)


def against_numba(rows):
    """Our compiled time over Numba's, where both ran."""
    times = {s: {r["case"]: r["seconds"] for r in rows if r["system"] == s and "seconds" in r} for s in ("micronumpy", "numba")}
    both = {name: seconds / times["numba"][name] for name, seconds in times["micronumpy"].items() if name in times["numba"]}
    if not both:
        return []
    worst = sorted(both.items(), key=lambda item: -item[1])[:5]
    return [
        f"micronumpy's time / Numba's: {geometric_mean(list(both.values())):.2f}; most: "
        + ", ".join(f"{name} {ratio:.2f}" for name, ratio in worst)
    ]


def main():
    parser = argparse.ArgumentParser(prog="benches/loops", description=__doc__.split("\n")[0])
    parser.add_argument("--micronumpy", default="target/release/micronumpy", help="the executable under test")
    parser.add_argument("--python", default=sys.executable, help="a Python with stock numpy 2.4.6, and Numba if wanted")
    parser.add_argument("--pypy", default="pypy3")
    parser.add_argument("--suites", nargs="+", default=SUITES, choices=SUITES)
    parser.add_argument("--systems", nargs="+", default=["numpy", "micronumpy", "off", "numba", "pypy"],
                        help="systems to compare; one that is not installed is left out")  # fmt: skip
    parser.add_argument("--cases", nargs="+", help="only these")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured, for the spread")
    parser.add_argument("--slice", type=float, default=0.1, help="seconds a measurement lasts at least")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    parser.add_argument("--svg", metavar="FILE", help="write a plot")
    options = parser.parse_args()
    options.systems = ["numpy", *(s for s in options.systems if s != "numpy")]
    report = {"versions": {}, "rows": []}
    for suite in options.suites:
        versions, rows = ordinary.run(options) if suite == "ordinary" else run(suite, options)
        report["versions"].update(versions)
        report["rows"] += rows
        print(ordinary.table(rows) if suite == "ordinary" else table(suite, rows), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
    if options.svg:
        with open(options.svg, "w", encoding="utf-8") as file:
            file.write(svg(report["rows"]))
    return 1 if any(r.get("agrees") is False for r in report["rows"]) else 0


if __name__ == "__main__":
    sys.exit(main())
