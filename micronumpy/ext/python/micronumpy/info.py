"""What is running: ``python -m micronumpy.info`` or ``micronumpy -m micronumpy.info``, ``--json`` for programs."""

import argparse
import json
import platform
import re
import sys

from . import __version__, _micronumpy, finder, layer


def collect():
    """Everything the report shows, as a dict."""
    from .numpy_hook import finder as hook

    report = {
        "micronumpy": __version__,
        "host": {
            "implementation": platform.python_implementation(),
            "version": platform.python_version(),
            "executable": sys.executable,
            "prefix": sys.prefix,
            "embedded": "_micronumpy" in sys.builtin_module_names,
        },
        "machine": _micronumpy.machine(),
        "numpy": {"pinned": layer.VERSION},
    }
    numpy = report["numpy"]
    try:
        found = hook.layer()
        numpy["layer"] = found.root
        numpy["layer_kind"] = "installed" if found.installed else "private copy"
    except ImportError as error:
        numpy["error"] = str(error)
    else:
        try:
            import numpy as np

            numpy["version"] = np.__version__
        except Exception as error:
            numpy["error"] = f"{type(error).__name__}: {error}"
    native = set(_micronumpy.names())
    numpy["served"] = sorted(native)
    numpy["missing"] = sorted(finder.COMPILED - native - finder.PUBLIC_API_TESTS)
    numpy["upstream_loaded"] = upstream_loaded()
    numpy["public_api_tests_allowed"] = sorted(finder.PUBLIC_API_TESTS)
    return report


def upstream_loaded(maps="/proc/self/maps"):
    """Compiled files of upstream's numpy in this process, by its memory map; None where there is no such map."""
    try:
        with open(maps, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    paths = {fields[5] for line in lines if len(fields := line.split(None, 5)) == 6}
    return sorted(path for path in paths if _is_upstream(path))


def _is_upstream(path):
    if re.search(r"/numpy\.libs/", path):
        return True
    inside = re.search(r"/(numpy/.*)\.so(\.\d+)*( \(deleted\))?$", path)
    return bool(inside) and inside[1].split(".")[0].replace("/", ".") in finder.COMPILED


def render(report):
    """The report as text."""
    host, machine, numpy = report["host"], report["machine"], report["numpy"]
    loaded = numpy["upstream_loaded"]
    rows = [
        ("micronumpy", report["micronumpy"] + (" (executable)" if host["embedded"] else " (Python package)")),
        ("host", f"{host['implementation']} {host['version']}"),
        ("executable", host["executable"]),
        ("prefix", host["prefix"]),
        ("processor", machine["arch"]),
        ("  has", " ".join(machine["cpu_features"])),
        ("  required", " ".join(machine["compiled_features"])),
        ("threads", str(machine["threads"])),
        ("numpy", numpy.get("version") or f"{numpy['pinned']} does not import: {numpy['error']}"),
        ("  Python layer", f"{numpy['layer']} ({numpy['layer_kind']})" if "layer" in numpy else "none"),
        ("  ours", " ".join(numpy["served"]) or "none"),
        ("  not yet there", " ".join(numpy["missing"]) or "none"),
        ("upstream's compiled modules in this process", "unknown" if loaded is None else " ".join(loaded) or "none"),
    ]
    width = max(len(name) for name, value in rows[:-1])
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def main():
    parser = argparse.ArgumentParser(prog="micronumpy.info", description="What is running.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    report = collect()
    if parser.parse_args().json:
        print(json.dumps(report, indent=2))
    else:
        print(render(report))
    return 1 if report["numpy"]["upstream_loaded"] else 0


if __name__ == "__main__":
    sys.exit(main())
