"""The half of the harness that lives inside pytest.

The process may die in any test, so nothing is kept for later: each event is one JSON line written with a single
os.write before the test starts and after it ends. The harness reads the lines as they come. It knows from them which
test was running when a process died, and starts the next process with the list of tests already done.

Events: c(ollected: ids to run here), x (a collector failed or was skipped), s(tart), f(inish), e(nd).
"""

import json
import os

import pytest

with open(os.environ.pop("NUMPY_TESTS_CONTROL"), encoding="utf-8") as _file:
    _control = json.load(_file)

_pid = os.getpid()
_log = os.open(_control["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
_state = {}
_LIMIT = 600


def _emit(**event):
    # A test may fork; only the process the harness watches reports.
    if os.getpid() == _pid:
        os.write(_log, (json.dumps(event) + "\n").encode("ascii"))


def _clean(text):
    # Lone surrogates are legal in str and illegal in JSON; control characters are useless in a report.
    text = str(text).strip().encode("utf-8", "backslashreplace").decode("utf-8")
    text = "".join(c if c in "\n\t" or c.isprintable() else "?" for c in text)
    if len(text) > _LIMIT:
        text = text[: _LIMIT * 3 // 4] + " [...] " + text[-_LIMIT // 4 :]
    return text


def _id(nodeid):
    # Whole, whatever its length: the harness gives ids back to be compared.
    return nodeid.encode("utf-8", "backslashreplace").decode("utf-8")


def _describe(excinfo):
    """Exception type with message, and where it was raised; both must survive a broken __str__."""
    value = excinfo.value
    name = type(value).__name__
    try:
        message = getattr(value, "msg", None) if isinstance(value, pytest.skip.Exception) else str(value)
        text = f"{name}: {message}" if message else name
    except BaseException as error:
        text = f"{name}: (str() of the exception raised {type(error).__name__})"
    at = ""
    try:
        at = _place(excinfo.traceback)
    except BaseException:
        pass
    return _clean(text), at


def _place(traceback):
    # The innermost frame inside numpy or the test; an exception may come from deeper in some other package.
    prefix = _control["root"] + os.sep
    entries = [(str(entry.path), entry.lineno + 1) for entry in traceback]
    for path, line in reversed(entries):
        if path.startswith(prefix + "numpy" + os.sep) or os.path.dirname(path) + os.sep == prefix:
            return f"{path[len(prefix):]}:{line}"
    path, line = entries[-1]
    return f"{os.path.basename(path)}:{line}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session, config, items):
    skip = set(_control["skip"])
    part, parts = _control["chunk"]
    only = set(_control["only"]) if _control["only"] is not None else None
    if only is not None:
        items[:] = [item for item in items if _id(item.nodeid) in only]
    items[:] = items[len(items) * part // parts : len(items) * (part + 1) // parts]
    ids = [_id(item.nodeid) for item in items]
    items[:] = [item for item in items if _id(item.nodeid) not in skip]
    _emit(e="c", ids=ids)


def pytest_collectreport(report):
    if report.failed or report.skipped:
        text = report.longrepr
        if isinstance(text, tuple):
            text = text[2].removeprefix("Skipped: ")
        lines = [line for line in str(text).splitlines() if line.strip()]
        # pytest marks the lines of the exception itself with "E".
        marked = [line[1:].strip() for line in lines if line.startswith("E  ")]
        text = "\n".join(marked or lines[-1:])
        _emit(e="x", id=_id(report.nodeid), o="error" if report.failed else "skipped", t=_clean(text))


def pytest_runtest_logstart(nodeid, location):
    _state.clear()
    _state.update(o="passed", d=0.0, t="", at="")
    _emit(e="s", id=_id(nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.excinfo is not None:
        report.numpy_tests_text = _describe(call.excinfo)
    return report


def pytest_runtest_logreport(report):
    _state["d"] += report.duration
    if report.passed and not hasattr(report, "wasxfail"):
        return
    text, at = getattr(report, "numpy_tests_text", ("", ""))
    if report.failed:
        outcome = "failed" if report.when == "call" else "error"
        if not text:
            text = _clean(report.longrepr)
    elif hasattr(report, "wasxfail"):
        outcome, at = ("xpassed" if report.passed else "xfailed"), ""
        text = _clean(report.wasxfail)
    else:
        outcome, at = "skipped", ""
        if isinstance(report.longrepr, tuple):
            text = _clean(report.longrepr[2].removeprefix("Skipped: "))
    # The first failure of a test says more than what its teardown adds.
    if _state["o"] not in ("failed", "error"):
        _state.update(o=outcome, t=text, at=at)


def pytest_runtest_logfinish(nodeid, location):
    _emit(e="f", id=_id(nodeid), o=_state["o"], d=round(_state["d"], 4), t=_state["t"], at=_state["at"])


def pytest_sessionfinish(session, exitstatus):
    _emit(e="e", status=int(exitstatus))
