"""Compare random uses of arrays with stock numpy: ``run.py --help``.

Every case of an area (``AREAS``) runs under both, each in a process of its own. Values to the
bit, dtypes, strides, flags, warnings, exceptions with their texts and every array afterwards must be the same. A case that
differs is made smaller as long as it differs, and printed. What stock numpy does can depend on what its process did before
(a ufunc remembers the loops it found); a case that it does as we do when nothing came before is counted apart. Cases that
``known.txt`` lists with their reason may differ; one of them that no longer does is a finding, too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Timer

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from compare import same  # noqa: E402
from generate import case, render  # noqa: E402
from shrink import shrunk  # noqa: E402

BATCH = 250
AREAS = ["ufunc", "index", "cast", "nditer", "nested", "struct", "scalar", "gufunc", "overlap"]


class Worker:
    """A process that runs cases, started again when a case ends it."""

    def __init__(self, command, hang):
        self.command, self.hang, self.process = command, hang, None

    def start(self):
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        self.process = subprocess.Popen(
            [self.command, os.path.join(HERE, "worker.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip

    def outcomes(self, cases):
        done = []
        while len(done) < len(cases):
            if self.process is None or self.process.poll() is not None:
                self.start()
            done += self.some(cases[len(done) :])
        return done

    def some(self, cases):
        """The outcomes up to the case that ends the process."""
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(cases, file)
            file.flush()
            self.process.stdin.write(file.name + "\n")
            self.process.stdin.flush()
            done = []
            for _ in cases:
                line = self.line()
                if not line:
                    self.process.kill()
                    return done + [{"error": f"the process ended with status {self.process.wait()}"}]
                done.append(json.loads(line))
            return done

    def line(self):
        timer = Timer(self.hang, self.process.kill)
        timer.start()
        try:
            return self.process.stdout.readline()
        finally:
            timer.cancel()

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="a Python with stock numpy")
    parser.add_argument("--micronumpy", required=True)
    parser.add_argument("--area", nargs="+", default=AREAS, choices=AREAS)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1000, help="cases of each area")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this time")
    parser.add_argument("--findings", type=int, default=20, help="stop an area after so many")
    parser.add_argument("--keep", action="store_true", help="print findings as they are, without making them smaller")
    parser.add_argument("--ignore-known", action="store_true", help="print those that known.txt lists as well")
    parser.add_argument("--hang", type=float, default=30, help="seconds a case may take")
    options = parser.parse_args()
    end = time.monotonic() + options.minutes * 60
    workers = [Worker(command, options.hang) for command in (options.micronumpy, options.python)]
    expected = {} if options.ignore_known else known()
    ran = findings = moods = 0
    with ThreadPoolExecutor(2) as pool:

        def both(cases):
            cases = [c | {"code": render(c)} for c in cases]
            return zip(*pool.map(lambda worker: worker.outcomes(cases), workers))

        def differs(cases):
            return [not same(c, *pair) for c, pair in zip(cases, both(cases))] if cases else []

        def alone(one):
            """Whether stock numpy does the same as ours in a process that did nothing else."""
            one = one | {"code": render(one)}
            fresh = Worker(options.python, options.hang)
            try:
                return same(one, *workers[0].outcomes([one]), *fresh.outcomes([one]))
            finally:
                fresh.stop()

        for area in options.area:
            found = 0
            for first in range(options.seed, options.seed + options.count, BATCH):
                seeds = range(first, min(first + BATCH, options.seed + options.count))
                cases = [case(area, seed) for seed in seeds]
                different = [not same(c, ours, stock) for c, (ours, stock) in zip(cases, both(cases))]
                for seed, yes in zip(seeds, different):
                    if not yes and (area, seed) in expected:
                        print(f"--- {area} {seed} does not differ any more: {expected[area, seed]}")
                        found += 1
                bad = [(s, c) for s, c, yes in zip(seeds, cases, different) if yes and (area, s) not in expected]
                ran += len(cases)
                unlike = [(s, c) for s, c in bad if not alone(c)]
                moods += len(bad) - len(unlike)
                bad = unlike
                for seed, one in bad[: options.findings - found]:
                    show(area, seed, one if options.keep else shrunk(one, differs), both)
                found += len(bad)
                if found >= options.findings or time.monotonic() > end:
                    break
            findings += found
    for worker in workers:
        worker.stop()
    print(f"{ran} cases, {findings} differ, {moods} depend on what stock numpy did before")
    sys.exit(1 if findings else 0)


def known():
    """The cases that may differ, with reasons: lines of area, seed and reason."""
    with open(os.path.join(HERE, "known.txt"), encoding="utf-8") as file:
        lines = [line.split(None, 2) for line in file if line.strip() and not line.startswith("#")]
    return {(area, int(seed)): reason.strip() for area, seed, reason in lines}


def show(area, seed, one, both):
    ours, stock = next(iter(both([one])))
    print(f"--- {area} {seed}")
    for name, spec in one["arrays"].items():
        print(f"    {name} = {json.dumps(spec)}")
    for line in render(one):
        print(f"    {line}")
    for key in sorted(ours.keys() | stock.keys()):
        if ours.get(key) != stock.get(key):
            texts = str(ours.get(key)), str(stock.get(key))
            # From a little before the first difference on.
            start = max(len(os.path.commonprefix(texts)) - 200, 0)
            print(f"  {key}:\n    ours  {texts[0][start:][:500]}\n    stock {texts[1][start:][:500]}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
