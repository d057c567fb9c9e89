"""Build a parser of command lines with subcommands and use it many times."""

import argparse
import contextlib
import io


def parser():
    top = argparse.ArgumentParser(prog="tool", description="An invented tool.")
    top.add_argument("-v", "--verbose", action="count", default=0)
    commands = top.add_subparsers(dest="command", required=True)
    for name in ("copy", "move", "list", "drop"):
        command = commands.add_parser(name, help=f"to {name}")
        command.add_argument("paths", nargs="+")
        command.add_argument("--limit", type=int, default=10, metavar="N")
        command.add_argument("--mode", choices=["fast", "safe", "dry"], default="safe")
        command.add_argument("--no-cache", action="store_false", dest="cache")
    return top


total = 0
for i in range(120):
    top = parser()
    for j in range(8):
        found = top.parse_args(["-vv", ("copy", "move", "list", "drop")[j % 4], "a", f"b{j}", "--limit", str(j), "--mode=dry"])
        total += found.limit + found.verbose + len(found.paths)
    failed = io.StringIO()
    with contextlib.redirect_stderr(failed), contextlib.suppress(SystemExit):
        top.parse_args(["copy", "x", "--mode", "odd"])
    total += len(failed.getvalue())
print(total, len(parser().format_help()))
