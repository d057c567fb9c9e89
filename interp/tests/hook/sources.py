"""Code from all kinds of sources, executed by exec."""

import ast
import builtins
import inspect
import linecache
import os
import pickle
import sys
import tempfile
import types
import warnings


def run(code, **names):
    space = {"__name__": "somewhere", **names}
    exec(code, space)
    del space["__builtins__"]
    return {k: v for k, v in space.items() if not callable(v) and k[0] != "_"}


TEXT = "t = 0\nfor i in range(4):\n    t += i\n"
print(run(TEXT), run(TEXT.encode()), run(bytearray(TEXT.encode())))
print(run(compile(TEXT, "nowhere.py", "exec")))
tree = ast.parse(TEXT)
before = ast.dump(tree, include_attributes=True)
code = compile(tree, "tree.py", "exec")
print(run(code), ast.dump(tree, include_attributes=True) == before)
tree.body[1].body[0].value = ast.copy_location(ast.Constant(10), tree.body[1].body[0].value)
print(run(code), run(compile(tree, "tree.py", "exec")))
code = compile(mode="exec", source=TEXT, filename="keywords.py")
print(run(code), run(code), code == compile(TEXT, "keywords.py", "exec"))

# The REPL shows the values of expressions, in loops as well.
exec(compile("for i in range(3): i\n", "<stdin>", "single"))
exec(compile("for i in range(3): j = i\n", "<stdin>", "single"))

# Optimisation levels, flags.
checks = "n = 0\nfor i in range(3):\n    assert i < 2\n    n += __debug__\n"
print(run(compile(checks, "c.py", "exec", optimize=1)))
try:
    run(compile(checks, "c.py", "exec", optimize=0))
except AssertionError:
    print("asserted")
source = "from __future__ import annotations\nfor i in range(2):\n    def f(x: undefined): return x\n"
print(run(source, f=None))

# Warnings of the compiler are given once.
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    exec("for i in range(2):\n    x = i is 1\n    y = '\\d'\n", {})
print([(w.category.__name__, w.lineno) for w in seen])
for text in ["for i in range(2:\n", "for i in range(2):\nx", "for = 2"]:
    try:
        exec(text)
    except SyntaxError as error:
        print(type(error).__name__, error.msg, error.lineno)

# Files, as they are when they are executed.
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "module.py")
    with open(path, "w") as file:
        file.write(TEXT)
    code = compile(TEXT, path, "exec")
    print(run(code))
    with open(path, "w") as file:
        file.write("t = 5\nfor i in range(1):\n    t += 100\n")
    for _ in range(20):
        compile("for i in range(2): pass", "other.py", "exec")
    print(run(code))
    sys.path.insert(0, folder)
    with open(os.path.join(folder, "imported.py"), "w", encoding="latin-1") as file:
        file.write("# -*- coding: latin-1 -*-\nname = ''\nfor c in 'a\xe9':\n    name += c\ndef f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n")
    import imported

    print(ascii(imported.name), imported.f(5), inspect.getsource(imported.f).splitlines()[0])
    del sys.modules["imported"]
    import imported

    print(ascii(imported.name), imported.f(5))

# A source that only linecache knows.
linecache.cache["<cell>"] = (len(TEXT), None, TEXT.splitlines(True), "<cell>")
print(run(compile(TEXT, "<cell>", "exec")))


def function(n):
    for i in range(n):
        n = i
    return n


copy = types.FunctionType(function.__code__, {"range": range})
print(copy(4), function.__code__.co_varnames, function.__code__.co_names, function.__code__.co_freevars)
print(inspect.signature(exec), inspect.signature(compile), exec, compile, exec.__module__, exec.__self__ is builtins)
print(pickle.loads(pickle.dumps(exec)) is exec)
for bad in [(), (1,), (TEXT, 5), (compile("1", "x", "eval"), None, 5)]:
    try:
        exec(*bad)
    except TypeError as error:
        print(error)
