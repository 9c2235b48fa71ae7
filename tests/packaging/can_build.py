"""Exits 0 if extension modules can be built here, and 1 with the reason if not: `make test` asks it.

Where AUTOGRAD_BUILD=C asks for the C build, it exits 0 without a look: then not to be built is a failure.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

BUILD = """
from setuptools import Extension, setup
setup(name="probe", ext_modules=[Extension("probe", ["probe.c"])], py_modules=[], script_args=["-q", "build_ext"])
"""


def reason() -> str:
    """Why a file that includes Python.h cannot be compiled and linked here; "" if it can."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "probe.c").write_text("#include <Python.h>\nPyMODINIT_FUNC PyInit_probe(void) { return NULL; }\n")
        done = subprocess.run([sys.executable, "-c", BUILD], cwd=folder, capture_output=True, text=True)
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if "error" in line]
    return "" if done.returncode == 0 else (lines or [f"exit status {done.returncode}"])[0]


if __name__ == "__main__" and os.environ.get("AUTOGRAD_BUILD") != "C":
    why = reason()
    if why:
        sys.exit(f"The C build of the engine cannot be made here: {why}")
