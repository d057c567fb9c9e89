"""Compare ways to run random programs: ``run.py --help``.

Every program runs under stock numpy, and under our executable without the VM, with the VM, and with compiled code. All must
print the same. One that doesn't is made smaller as long as it still differs, and printed.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import generate  # noqa: E402
import rows  # noqa: E402
import small  # noqa: E402
from protocol import BEGIN, END  # noqa: E402
from shrink import shrunk  # noqa: E402

KINDS = {"any": generate.program, "small": small.program, "rows": rows.program}

VM = {"MICRONUMPY_VM_ALL": "1", "MICRONUMPY_JIT_THRESHOLD": "5"}
WAYS = {
    "stock": {},
    "off": {"MICRONUMPY_VM": "off"},
    "vm": {**VM, "MICRONUMPY_JIT": "off"},
    "jit": VM,
}


class Runner:
    def __init__(self, options):
        self.options = options

    def outputs(self, way, sources):
        """What each of these sources (name, text) prints; a crash or a hang is an output too."""
        done, left = {}, list(sources)
        while left:
            text, ending = self.process(way, left)
            parts = text.split(BEGIN)[1:]
            for part in parts:
                name, _, output = part.partition("\n")
                if output.endswith(END):
                    done[name] = output[:-1]
                else:
                    done[name] = f"{output}\n{ending}"
            if not parts:
                done[left[0][0]] = f"{text}\n{ending}"
            left = [(name, source) for name, source in left if name not in done]
        return done

    def process(self, way, sources):
        command = self.options.python if way == "stock" else self.options.micronumpy
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MICRONUMPY_VM", "MICRONUMPY_JIT"))}
        environment |= WAYS[way] | {"OMP_NUM_THREADS": "1", "MICRONUMPY_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(sources, file)
            file.flush()
            child = subprocess.Popen(
                [command, os.path.join(HERE, "driver.py"), file.name],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", env=environment,
            )  # fmt: skip
            try:
                out, err = child.communicate(timeout=self.options.hang + len(sources) * 0.5)
            except subprocess.TimeoutExpired:
                child.kill()
                out, err = child.communicate()
                return out, "it hangs"
        if child.returncode < 0:
            return out, f"killed by {signal.Signals(-child.returncode).name}: {err.strip()[-2000:]}"
        return out, f"status {child.returncode}: {err.strip()[-2000:]}" if child.returncode else err

    def differing(self, sources, ways):
        """Names with outputs by way, of the sources whose outputs are not all the same."""
        outputs = {way: self.outputs(way, sources) for way in ways}
        return {
            name: {way: outputs[way][name] for way in ways}
            for name, _ in sources
            if len({outputs[way][name] for way in ways}) > 1
        }


def first_difference(outputs):
    """The two ways to blame: neighbours in the order of `WAYS`, the last pair that differs."""
    ways = list(outputs)
    for a, b in zip(reversed(ways[:-1]), reversed(ways[1:])):
        if outputs[a] != outputs[b]:
            return a, b
    raise AssertionError("they are all the same")


def lines_that_differ(a, b, limit=6):
    a, b = a.splitlines(), b.splitlines()
    out = []
    for at in range(max(len(a), len(b))):
        x, y = (lines[at] if at < len(lines) else "(nothing)" for lines in (a, b))
        if x != y:
            out.append((x, y))
    return out[:limit]


def signature(outputs, pair):
    """What kind of difference it is: programs that differ alike are printed once."""
    x, y = lines_that_differ(outputs[pair[0]], outputs[pair[1]])[0]
    return pair, *(re.sub(r"[0-9a-fx.+-]*\d[0-9a-fx.+-]*", "N", re.sub(r"^\w+\.\w+", "name", line))[:60] for line in (x, y))


def report(name, source, outputs, pair):
    a, b = pair
    print(f"\n=== {name}: {a} and {b} differ")
    print(source)
    for x, y in lines_that_differ(outputs[a], outputs[b]):
        print(f"{a:>6}: {x[:400]}\n{b:>6}: {y[:400]}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="a Python with stock numpy")
    parser.add_argument("--micronumpy", default="target/release/micronumpy", help="the executable under test")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--kind", default="any", choices=list(KINDS), help="programs of all kinds, about small arrays, or about long rows")
    parser.add_argument("--count", type=int, default=1000, help="how many programs")
    parser.add_argument("--seed", type=int, default=0, help="the first one's seed; the others follow")
    parser.add_argument("--minutes", type=float, help="stop starting batches after this time")
    parser.add_argument("--batch", type=int, default=100, help="programs in a process")
    parser.add_argument("--hang", type=float, default=20, help="seconds after which a process hangs, besides its share of the programs")
    parser.add_argument("--findings", type=int, default=10, help="stop after so many kinds of differences")
    parser.add_argument("--no-shrink", action="store_true", help="print differing programs as they are")
    parser.add_argument("--save", metavar="FOLDER", help="write differing programs there")
    options = parser.parse_args()
    # Stock first: it is what the others are compared with.
    options.ways = [way for way in WAYS if way in options.ways]
    runner = Runner(options)
    began, ran, found, seen = time.monotonic(), 0, 0, set()
    for start in range(options.seed, options.seed + options.count, options.batch):
        if options.minutes is not None and time.monotonic() - began > options.minutes * 60:
            break
        stop = min(start + options.batch, options.seed + options.count)
        sources = [(f"program {seed}", KINDS[options.kind](seed)) for seed in range(start, stop)]
        differing = runner.differing(sources, options.ways)
        ran += len(sources)
        for name, outputs in differing.items():
            found += 1
            pair = first_difference(outputs)
            kind = signature(outputs, pair)
            if kind in seen:
                continue
            seen.add(kind)
            source = dict(sources)[name]
            if not options.no_shrink:
                source, outputs = shrunk(runner, source, pair, outputs)
            report(name, source, outputs, pair)
            if options.save:
                os.makedirs(options.save, exist_ok=True)
                with open(os.path.join(options.save, f"{name.replace(' ', '-')}.py"), "w", encoding="utf-8") as file:
                    file.write(source)
            if len(seen) == options.findings:
                break
        if len(seen) == options.findings:
            break
    print(f"{ran} programs, {found} differ in {len(seen)} ways, {time.monotonic() - began:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
