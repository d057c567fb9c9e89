"""numpy's Python layer: found when installed, fetched once when not.

The pinned wheel is downloaded with pip, against the hashes in ``numpy.lock``, and unpacked into a private folder
without its compiled modules and without its bundled libraries: what is not there cannot be loaded by accident. Tests
and data files stay.

The folder appears by one rename, under a lock, so two processes may start at once and a process may be killed at any
point: what exists is complete.
"""

import fcntl
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from importlib.machinery import PathFinder

VERSION = "2.4.6"

# Part of the folder's name; raise it when what is unpacked changes.
_REVISION = 1

_GUARD = "MICRONUMPY_FETCHING"


class Layer:
    """A directory that holds ``numpy/`` and its ``.dist-info``."""

    def __init__(self, root, installed):
        self.root = root
        #: Whether it is an ordinary installation on sys.path, rather than our private copy.
        self.installed = installed


def find():
    """The layer if there is one on this machine, else None."""
    spec = PathFinder.find_spec("numpy")
    if spec is not None and spec.origin and _version_at(os.path.dirname(spec.origin)) == VERSION:
        return Layer(os.path.dirname(os.path.dirname(spec.origin)), installed=True)
    root = _private_root()
    return Layer(root, installed=False) if os.path.isdir(root) else None


def fetch():
    """Make the private copy and return it.

    ImportError, with what can be done about it, when that is not possible.
    """
    root = _private_root()
    if os.environ.get(_GUARD):
        raise ImportError("numpy is not available while its Python layer is being fetched")
    home = os.path.dirname(root)
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
        lock = open(os.path.join(home, ".lock"), "w")
    except OSError as error:
        raise ImportError(
            f"micronumpy cannot write to {home} ({error.strerror}); "
            "MICRONUMPY_HOME names another folder for numpy's Python layer"
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(root):
            _sweep(home)
            scratch = tempfile.mkdtemp(prefix=".new-", dir=home)
            try:
                os.rename(_fill(scratch, lock), root)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return Layer(root, installed=False)


def home():
    """The folder private copies live in."""
    chosen = os.environ.get("MICRONUMPY_HOME")
    if chosen:
        return os.path.abspath(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "micronumpy")


def _private_root():
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    return os.path.join(home(), f"numpy-{VERSION}-{tag}-{sysconfig.get_platform()}-r{_REVISION}")


def _version_at(package):
    try:
        with open(os.path.join(package, "version.py"), encoding="utf-8") as file:
            found = re.search(r'^version = "([^"]+)"', file.read(), re.MULTILINE)
    except OSError:
        return None
    return found and found[1]


def _sweep(home):
    """Remove what a killed process left; nobody else works here while we hold the lock."""
    for name in os.listdir(home):
        if name.startswith(".new-"):
            shutil.rmtree(os.path.join(home, name), ignore_errors=True)


def _fill(scratch, lock):
    """Build the layer in a scratch folder, which holds nothing else afterwards; returns its path."""
    progress = _Progress(f"micronumpy: fetching numpy {VERSION}'s Python layer, once")
    try:
        layer = os.path.join(scratch, "layer")
        wheel = _download(scratch, lock)
        progress.say("unpacking")
        _unpack(wheel, layer)
        _compile(layer)
        for name in os.listdir(scratch):
            if name != "layer":
                path = os.path.join(scratch, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    except BaseException:
        progress.end("failed")
        raise
    progress.end("done")
    return layer


class _Progress:
    """One line on stderr: steps on a terminal, and otherwise the first and the last word only."""

    def __init__(self, text):
        self._live = sys.stderr is not None and sys.stderr.isatty()
        self._text = text
        self._write(f"{text} ...")

    def say(self, step):
        if self._live:
            self._write(f"\r\x1b[K{self._text} ... {step}")

    def end(self, word):
        self._write(f"\r\x1b[K{self._text} ... {word}\n" if self._live else f" {word}\n")

    def _write(self, text):
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()


def _download(scratch, lock):
    pinned = os.path.join(scratch, "numpy.lock")
    with open(pinned, "wb") as file:
        file.write(pkgutil.get_data(__package__, "numpy.lock"))
    folder = os.path.join(scratch, "wheel")
    env = {**os.environ, _GUARD: "1", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    options = ["--quiet", "--no-input", "--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", folder]
    pip = subprocess.run(
        [sys.executable, *_pip(env), "download", *options, "--requirement", pinned],
        env=env,
        # Should we be killed, the lock lives on in pip, and the next process does not clean up under its feet.
        pass_fds=[lock.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    wheels = os.listdir(folder) if pip.returncode == 0 else []
    if len(wheels) != 1:
        said = "\n".join("    " + line for line in pip.stdout.strip().splitlines()[-20:])
        raise ImportError(
            f"micronumpy needs the Python layer of numpy {VERSION}, and pip could not fetch it:\n{said}\n"
            f"Without a network: install numpy {VERSION} into this Python by other means, or point PIP_FIND_LINKS "
            "at a folder that holds its wheel."
        )
    return os.path.join(folder, wheels[0])


def _pip(env):
    """Arguments that run pip; environments made without pip fall back on the copy ensurepip brings."""
    if PathFinder.find_spec("pip") is not None:
        return ["-m", "pip"]
    try:
        import ensurepip

        folder = os.path.join(os.path.dirname(ensurepip.__file__), "_bundled")
        bundled = [os.path.join(folder, n) for n in os.listdir(folder) if n.startswith("pip-")]
    except (ImportError, OSError):
        bundled = []
    if not bundled:
        raise ImportError(
            f"micronumpy needs the Python layer of numpy {VERSION}, and this Python has no pip to fetch it with; "
            f"install pip, or numpy {VERSION}"
        )
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [bundled[0], env.get("PYTHONPATH")]))
    return ["-m", "pip"]


def _unpack(wheel, layer):
    with zipfile.ZipFile(wheel) as archive:
        kept = [name for name in archive.namelist() if _wanted(name)]
        archive.extractall(layer, kept)
    # The record has to tell what is there, or importlib.metadata lists files that are not.
    record = os.path.join(layer, f"numpy-{VERSION}.dist-info", "RECORD")
    with open(record, encoding="utf-8") as file:
        lines = [line for line in file if _wanted(line.split(",")[0])]
    with open(record, "w", encoding="utf-8") as file:
        file.writelines(lines)


def _wanted(name):
    """Whether a file of the wheel belongs to the layer."""
    from .finder import PUBLIC_API_TESTS

    if name.startswith("numpy.libs/"):
        return False
    if not re.search(r"\.so(\.\d+)*$", name):
        return True
    return name.split(".")[0].replace("/", ".") in PUBLIC_API_TESTS


def _compile(layer):
    """Byte-compile all but the tests, as an installer would."""
    import compileall

    compileall.compile_dir(layer, quiet=2, rx=re.compile(r"[/\\]tests[/\\]"))
