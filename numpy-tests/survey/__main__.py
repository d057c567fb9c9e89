"""Ask two interpreters the same questions about numpy: ``python numpy-tests/survey --help``.

Which public names exist and do something? Which loops has every ufunc? Nobody can list that by hand and stay right, so
it is asked: every name is touched, every function called with a few small arguments, every ufunc called with small
arrays of every dtype, under stock numpy and under the interpreter in question. The comparison of the two answers is the
verdict. Stock numpy's answer is the only standard; an exception is an answer too.

A process that dies is asked again from the question after its last one, and that one gets the verdict "crashes".
"""

import argparse
import json
import math
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
#: Seconds for one answer.
PATIENCE = 30
#: How many units of the last place make a floating-point result "close".
CLOSE = 4


class Interpreter:
    """A process that answers, started again when it dies."""

    def __init__(self, command, folder):
        self.command, self.folder, self.process = command, folder, None

    def start(self):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        self.process = subprocess.Popen(
            [self.command, os.path.join(HERE, "worker.py"), str(PATIENCE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=self.folder, env=environment,
        )  # fmt: skip

    def ask(self, question):
        if self.process is None:
            self.start()
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if line:
            return json.loads(line)
        status = self.process.wait()
        self.process = None
        return {"died": f"the process ended with status {status}"}

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


def ordered(number, size):
    """The bits of a float as an integer that counts floats from zero."""
    bits = int.from_bytes(number, "little")
    sign = 1 << (8 * size - 1)
    return -(bits - sign) if bits & sign else bits


FORMATS = {"<f2": (2, "<e"), "<f4": (4, "<f"), "<f8": (8, "<d"), "<c8": (4, "<f"), "<c16": (8, "<d")}


def close_arrays(a, b, dtype):
    """Whether two buffers of floats differ by rounding only: of each number, or of the largest, as sums do."""
    if dtype not in FORMATS or len(a) != len(b):
        return False
    size, code = FORMATS[dtype]
    parts = [(a[at : at + size], b[at : at + size]) for at in range(0, len(a), size)]
    numbers = [(struct.unpack(code, x)[0], struct.unpack(code, y)[0]) for x, y in parts]
    finite = [abs(y) for _, y in numbers if math.isfinite(y)]
    rounding = max(finite, default=0.0) * {2: 2.0**-8, 4: 2.0**-20, 8: 2.0**-48}[size]
    for (x, y), (fx, fy) in zip(parts, numbers):
        if x == y or (math.isnan(fx) and math.isnan(fy)) or abs(fx - fy) <= rounding:
            continue
        if math.isnan(fx) or math.isnan(fy) or abs(ordered(x, size) - ordered(y, size)) > CLOSE:
            return False
    return True


def close(stock, ours):
    """Whether two answers are equal but for rounding."""
    if ours == stock:
        return True
    if ours["kind"] != stock["kind"]:
        return False
    if not all(close(x, y) for x, y in zip(stock.get("args", []), ours.get("args", []))):
        return False
    if "parts" in stock:
        parts = list(zip(stock["parts"], ours["parts"]))
        return len(stock["parts"]) == len(ours["parts"]) and all(close(x, y) for x, y in parts)
    if "bytes" in stock and ours["head"] == stock["head"]:
        return close_arrays(bytes.fromhex(stock["bytes"]), bytes.fromhex(ours["bytes"]), stock["dtype"])
    return False


def compare(stock, ours):
    """The verdict on one answer, with what differs."""
    if "died" in ours:
        return "crashes", ours["died"]
    if "died" in stock:
        return "neither", "stock numpy ends the process"
    if "error" in ours:
        text = f"{ours['error']}: {ours['message']}"
        if ours["error"] == "NotImplementedError" and stock.get("error") != "NotImplementedError":
            return "missing", text
        if "error" not in stock:
            return ("missing" if ours["error"] in ("AttributeError", "ModuleNotFoundError") else "differs"), text
        if stock["error"] == ours["error"]:
            return "neither", ""
        return "differs", f"{text}; stock numpy: {stock['error']}: {stock['message']}"
    if "error" in stock:
        return "differs", f"answers {ours['kind']}; stock numpy: {stock['error']}: {stock['message']}"
    if ours == stock:
        return "same", ""
    if close(stock, ours):
        return "close", ""
    return "differs", f"{shown(ours)}; stock numpy: {shown(stock)}"


def shown(answer):
    text = answer.get("text", answer["kind"])
    return text if len(text) <= 120 else text[:117] + "..."


ORDER = ["same", "close", "neither", "differs", "missing", "crashes"]


def worst(verdicts):
    """One verdict of several answers: the worst; a refusal both share says less than a common answer."""
    found = [v for v in verdicts if v[0] != "neither"] or [("same", "")]
    return max(found, key=lambda verdict: ORDER.index(verdict[0]))


def survey(stock, ours):
    facts = stock.ask({"list": True})
    if "names" not in facts:
        raise SystemExit(f"the stock interpreter does not answer: {facts}")
    names = []
    for at, entry in enumerate(facts["names"]):
        verdicts = []
        for use in range(entry["uses"]):
            question = {"name": entry["name"], "module": entry["module"], "use": use}
            verdicts.append(compare(stock.ask(question), ours.ask(question)))
        verdict, text = worst(verdicts)
        names.append({"module": entry["module"], "name": entry["name"], "kind": entry["kind"], "verdict": verdict})
        if text:
            names[-1]["text"] = text
        progress("names", at + 1, len(facts["names"]))
    ufuncs = []
    for at, name in enumerate(facts["ufuncs"]):
        cells = {}
        for dtype in facts["dtypes"]:
            question = {"ufunc": name, "dtype": dtype}
            verdict, text = compare(stock.ask(question), ours.ask(question))
            cells[dtype] = {"verdict": verdict, **({"text": text} if text else {})}
        ufuncs.append({"name": name, "cells": cells})
        progress("ufuncs", at + 1, len(facts["ufuncs"]))
    return {"format": "micronumpy-survey", "version": 1, "names": names, "dtypes": facts["dtypes"], "ufuncs": ufuncs}


def progress(what, done, total):
    if sys.stderr.isatty():
        print(f"\r\033[K{what} {done}/{total}", end="" if done < total else "\n", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="numpy-tests/survey", description=__doc__.split("\n")[0])
    parser.add_argument("--micronumpy", default="target/release/micronumpy", help="the interpreter in question")
    parser.add_argument("--python", default=sys.executable, help="a Python with stock numpy 2.4.6")
    parser.add_argument("--json", required=True, metavar="FILE", help="where to write the survey")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stock = Interpreter(options.python, folder)
        ours = Interpreter(os.path.abspath(options.micronumpy), folder)
        report = survey(stock, ours)
        stock.close()
        ours.close()
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    for title, verdicts in (
        ("names", [n["verdict"] for n in report["names"]]),
        ("loops", [c["verdict"] for u in report["ufuncs"] for c in u["cells"].values()]),
    ):
        print(f"{title}: " + ", ".join(f"{verdicts.count(v)} {v}" for v in ORDER if v in verdicts))


if __name__ == "__main__":
    main()
