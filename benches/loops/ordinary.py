"""Programs without hot arrays, as whole processes under plain CPython and under ours: code we leave alone must not pay.

Start-up is part of the time. A start-up that is up to 20 ms longer is granted (ours sets up the arrays' compiled modules); it
is taken off before the ratio, so a ratio of 0.95 is the 5 % that a program may be slower. `nothing` shows start-up alone.
"""

import os
import resource
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GRANTED = 0.020
ONE_THREAD = dict.fromkeys(
    ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MICRONUMPY_NUM_THREADS"], "1"
)


def programs():
    folder = os.path.join(HERE, "programs")
    return {name.removesuffix(".py"): os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name[0] != "_"}


def timed(command, environment):
    """CPU seconds of a process, and what it printed. Time on the clock would also measure who else is running."""
    core = sorted(os.sched_getaffinity(0))[-1]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        preexec_fn=lambda: os.sched_setaffinity(0, [core]),
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return seconds, (done.returncode, done.stdout)


def run(options):
    environment = {**os.environ, **ONE_THREAD}
    # The interpreter itself, not a virtual environment's: site-packages are no part of the comparison.
    plain = os.path.realpath(options.python)
    systems = {"cpython": ([plain], {}), "micronumpy": ([options.micronumpy], {}),
               "off": ([options.micronumpy], {"MICRONUMPY_VM": "off"})}  # fmt: skip
    rows = []
    for name, path in programs().items():
        if options.cases and name not in options.cases:
            continue
        times, outputs = {s: [] for s in systems}, {}
        for _ in range(options.rounds):
            for s, (command, more) in systems.items():
                seconds, outputs[s] = timed([*command, path], {**environment, **more})
                times[s].append(seconds)
        for s in systems:
            allowed = GRANTED if s != "cpython" else 0.0
            left = [max(t - allowed, 1e-4) for t in times[s]]
            ratios = sorted(b / o for b, o in zip(times["cpython"], left))
            rows.append({
                "suite": "ordinary", "system": s, "case": name, "seconds": min(times[s]), "spread": [ratios[0], ratios[-1]],
                "ratio": min(times["cpython"]) / min(left), "agrees": outputs[s] == outputs["cpython"],
            })  # fmt: skip
    return {"cpython": ".".join(map(str, sys.version_info[:3]))}, rows


def table(rows):
    systems = list(dict.fromkeys(r["system"] for r in rows))
    lines = ["", f"ordinary: CPython's time / theirs less {GRANTED * 1e3:.0f} ms, best of the rounds (spread)"]
    lines.append(f"{'':28}{'CPython ms':>12}" + "".join(f"{s + ' ms':>16}{'ratio':>26}" for s in systems[1:]))
    for name in dict.fromkeys(r["case"] for r in rows):
        line = {r["system"]: r for r in rows if r["case"] == name}
        cells = ""
        for s in systems[1:]:
            r = line[s]
            ratio = f"{r['ratio']:.3f} ({r['spread'][0]:.3f}-{r['spread'][1]:.3f})" + ("" if r["agrees"] else " WRONG")
            cells += f"{r['seconds'] * 1e3:16.1f}{ratio:>26}"
        lines.append(f"{name:28}{line['cpython']['seconds'] * 1e3:12.1f}{cells}")
    for s in systems[1:]:
        mine = [r["ratio"] for r in rows if r["system"] == s and r["case"] != "nothing"]
        if mine:
            lines.append(f"{s}: geometric mean {statistics.geometric_mean(mine):.3f}, least {min(mine):.3f}")
    return "\n".join(lines)
