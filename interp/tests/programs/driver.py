"""Run programs and print everything they can be seen to do.

``driver.py FILE.json`` runs a list of sources, each as a module of its own, and frames each one's output with record
separators, so that a crash tells which program it was. ``driver.py FILE.py`` runs one program.

Numbers are printed by their bits (NaNs as one: hardware chooses their sign), arrays with dtype, strides and flags. Of
exceptions and warnings the lines in the program itself are shown, with the carets; other people's frames differ between
implementations of numpy and are left out.
"""

import json
import linecache
import math
import sys
import traceback
import types
import warnings

import numpy as np
from protocol import BEGIN, END


def text(value, depth=0):
    """What a value is, exactly."""
    kind = type(value)
    if kind is float:
        return "nan" if math.isnan(value) else value.hex()
    if kind is complex:
        return f"complex({text(value.real)}, {text(value.imag)})"
    if kind is int or kind is bool or kind is str or value is None:
        return repr(value)
    if isinstance(value, np.generic):
        return f"{kind.__name__}({bits(np.asarray(value))})"
    if isinstance(value, np.ndarray):
        flags = "".join(letter for letter, on in zip("CFWA", (value.flags.c_contiguous, value.flags.f_contiguous,
                        value.flags.writeable, value.flags.aligned)) if on)  # fmt: skip
        owner = "owner" if value.base is None else f"base of {type(value.base).__name__}"
        return f"array({value.dtype.str}, {value.shape}, {value.strides}, {flags}, {owner}, {bits(value)})"
    if kind in (tuple, list) and depth < 4:
        return f"{kind.__name__}({', '.join(text(item, depth + 1) for item in value)})"
    if kind is dict and depth < 4:
        return "{" + ", ".join(f"{k}: {text(v, depth + 1)}" for k, v in value.items()) + "}"
    if isinstance(value, types.FunctionType):
        return f"function {value.__name__}"
    if isinstance(value, type) or isinstance(value, np.dtype) or isinstance(value, types.ModuleType):
        return repr(value).split(" from ")[0]
    if type(value).__name__ == "Thing":
        return f"Thing({text(value.n)}, {text(value.x)})"
    return f"<{kind.__name__}>"


def bits(array):
    """The items in row-major order as bytes, every NaN the same."""
    if array.dtype.hasobject:
        return text(array.tolist())
    array = np.array(array, order="C")
    for part in (array.real, array.imag) if array.dtype.kind == "c" else (array,) if array.dtype.kind == "f" else ():
        part[np.isnan(part)] = np.nan
    return array.tobytes().hex()


def holders(names):
    """How often arrays and instances are referred to: what leaks or is let go of too often shows."""
    kept = [n for n, v in sorted(names.items()) if isinstance(v, (np.ndarray, list)) or type(v).__name__ == "Thing"]
    return {n: sys.getrefcount(names[n]) for n in kept}


def show(name, value):
    if type(value) is dict:
        for key, item in sorted(value.items()):
            print(f"{name}.{key} = {text(item)}")
        kept = {n: item for n, item in sorted(value.items()) if not n.startswith("G")}
        same = [f"{a} is {b}" for a in kept for b in kept if a < b and kept[a] is kept[b] and isinstance(kept[a], (np.ndarray, list))]
        print(f"{name}: {holders(kept)} {' '.join(same)}")
    else:
        print(f"{name} = {text(value)}")


def own(frames, error, filename):
    """The program's frames, without the place of an unbound local: once warm, CPython 3.11 fuses the load with the load
    or store before it, and shows that one."""
    frames = [frame for frame in frames if frame.filename == filename]
    if issubclass(error, UnboundLocalError):
        frames = [traceback.FrameSummary(frame.filename, None, frame.name) for frame in frames]
    return frames


def runner(filename):
    """The names a program finds besides its own."""

    def caught(error):
        trace = error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if frame.f_code.co_filename == filename and frame.f_code.co_name != "<module>":
                for name, value in sorted(frame.f_locals.items()):
                    print(f"{frame.f_code.co_name} left {name} = {text(value)}")
            trace = trace.tb_next
        told = traceback.TracebackException.from_exception(error)
        seen = None
        while told is not None:
            told.stack = traceback.StackSummary.from_list(own(told.stack, told.exc_type, filename))
            print("".join(told.format(chain=False)), end="")
            told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
            if told is not None and seen is None:
                print("while handling:")

    def here():
        frame = sys._getframe(1)
        print("here", frame.f_code.co_name, frame.f_lineno)

    def filter_warnings(action):
        warnings.resetwarnings()
        warnings.simplefilter(action)

    return {"show": show, "caught": caught, "here": here, "filter_warnings": filter_warnings}


def run(source, filename):
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)

    def shown(message, category, where, line, file=None, text=None):
        print(f"{category.__name__}: {message} at {line if where == filename else 'elsewhere'}")

    warnings.showwarning = shown
    given = runner(filename)
    names = {"__name__": "program", "__file__": filename, "__builtins__": __builtins__, **given}
    try:
        exec(compile(source, filename, "exec"), names)
    except BaseException as error:
        given["caught"](error)
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    mine = {k: v for k, v in names.items() if not k.startswith("__") and k not in given and k != "error"}
    show("module", mine)
    np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")


def main():
    path = sys.argv[1]
    warnings.simplefilter("ignore")
    with open(path, encoding="utf-8") as file:
        if path.endswith(".py"):
            return run(file.read(), path)
        sources = json.load(file)
    for name, source in sources:
        sys.stdout.write(BEGIN + name + "\n")
        sys.stdout.flush()
        run(source, f"<{name}>")
        sys.stdout.write(END)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
