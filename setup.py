"""Makes the C build of the engine, by mypyc, when a distribution is built; everything else is in pyproject.toml.

The same files run as plain Python where that cannot be done: without a C compiler or Python's headers the
distribution is plain, and one line gives the reason. An editable install is plain too, for people who edit the
code. The environment variable AUTOGRAD_BUILD decides: C makes the C build, in an editable install too, or fails;
Python makes none.
"""

import ast
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from setuptools import Distribution, Extension, setup

PROPERTIES = ["data", "grad", "label"]  # of Value, which can be assigned to
# These files do two things for the sake of mypyc. They declare types where this gives direct access to a field, and use
# Any where our own errors are better than those of mypyc. And they assign to _data and _grad of a Value, never to data
# and grad: mypyc 2.4 passes the setter of a property the type that the getter returns, a bare double, even if the
# setter is declared to take anything.
ENGINE = [
    "autograd/node.py",
    "autograd/fast.py",
    "autograd/chain.py",
    "autograd/value.py",
    "autograd/transforms/sweep.py",
]

# Types are checked elsewhere (make lint). NumPy is Any here, so that the engine compiles alike beside every NumPy,
# and beside none: its stubs differ from release to release.
CONFIG = """
[mypy]
follow_imports = silent
ignore_missing_imports = True

[mypy-numpy.*]
follow_imports = skip
follow_imports_for_stubs = True
"""


def c_build() -> list[Extension]:
    """The engine's extension modules, already built, or none."""
    wanted = os.environ.get("AUTOGRAD_BUILD", "")
    if wanted not in ("", "C", "Python"):
        raise SystemExit(f"AUTOGRAD_BUILD must be C or Python, or not be set, got {wanted!r}")
    if wanted == "Python" or ("bdist_wheel" not in sys.argv and not (wanted and "editable_wheel" in sys.argv)):
        return []
    output: list[str] = []
    try:
        with everything_printed(output):
            return extension_modules()
    except (Exception, SystemExit) as error:
        what = str(error).partition("\n")[0]
        errors = [line.strip() for line in output if re.search(r"\berror\b", line)]
        reason = errors[0] if errors else what or type(error).__name__
        if wanted:
            raise SystemExit(f"scalar-autograd: the C build failed: {reason}") from error
        print(
            f"scalar-autograd: no C build ({reason}), so the engine runs as plain Python, about four times slower. "
            "It takes a C compiler and Python's headers; AUTOGRAD_BUILD=C makes it or fails",
            file=sys.stderr,
        )
        return []


def extension_modules() -> list[Extension]:
    """The engine, translated and built."""
    from mypyc.build import mypycify

    Path("build").mkdir(exist_ok=True)
    config = Path("build/mypy.ini")
    config.write_text(CONFIG, encoding="utf-8")
    modules = mypycify([f"--config-file={config}", *ENGINE], group_name="autograd")
    code = Path("build/__native_autograd.c")
    code.write_text(documented(adapted(code.read_text(encoding="utf-8"))), encoding="utf-8")
    # Built before setup() hears of them, so that a failure leaves a distribution that is plain throughout.
    Distribution({"ext_modules": modules}).run_command("build_ext")
    return modules


@contextmanager
def everything_printed(lines: list[str]) -> Iterator[None]:
    """Add to `lines` what is printed meanwhile, by the C compiler too, and print it afterwards.

    mypyc and compilers print why they fail, and their exceptions do not say it.
    """
    with tempfile.TemporaryFile() as file:
        sys.stdout.flush()
        sys.stderr.flush()
        saved = [os.dup(1), os.dup(2)]
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, copy in zip((1, 2), saved):
                os.dup2(copy, descriptor)
                os.close(copy)
            file.seek(0)
            text = file.read().decode(errors="replace")
            sys.stderr.write(text)
            lines += text.splitlines()


def adapted(code: str) -> str:
    """mypyc's C code with two changes of behaviour for which mypyc 2.4 has no option.

    A Value is not tracked by the cycle collector, which would otherwise take as much time as all else: graphs
    have no cycles. mypyc calls such a class acyclic, but then frees it by recursion, and not a million deep.
    And deleting a property, as in `del x.grad`, raises AttributeError, where mypyc's setter would crash.
    """
    made = "self->vtable = value___Value_vtable;"
    setter = r"_set_(\w+)\(\w+ \*self, PyObject \*value, void \*closure\)\s*\{\s*(?=char retval)"
    refusal = 'if (value == NULL) { PyErr_SetString(PyExc_AttributeError, "%s cannot be deleted"); return -1; }\n'
    if code.count(made) != 1 or sorted(re.findall(setter, code)) != PROPERTIES:
        raise RuntimeError("this mypyc writes other C code than setup.py knows")
    code = code.replace(made, f"{made} PyObject_GC_UnTrack(self);")
    return re.sub(setter, lambda found: found[0] + refusal % found[1], code)


def documented(code: str) -> str:
    """mypyc's C code with the docstrings that it drops, so that help() shows them all the same."""
    for source in map(Path, ENGINE):
        for node in ast.parse(source.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                code = with_docstring(code, rf'\bCPyPy_{source.stem}___{node.name},[^"]*"[^"]*', node)
            elif isinstance(node, ast.ClassDef):
                code = with_docstring(code, rf'\.tp_doc = PyDoc_STR\("{node.name}\([^"]*', node)
                for method in node.body:
                    if isinstance(method, ast.FunctionDef):
                        name = f"{source.stem}___{node.name}___{method.name}"
                        code = with_docstring(code, rf'\bCPyPy_{name},[^"]*"[^"]*', method)
                        getter = rf"\(getter\){source.stem}___{node.name}_get_{method.name},"
                        code = re.sub(rf"({getter}[^}}]*)NULL, NULL}}", r'\1"", NULL}', code)
                        code = with_docstring(code, rf'{getter}[^"}}]*"', method)
    return code


def with_docstring(code: str, place: str, node: ast.FunctionDef | ast.ClassDef) -> str:
    """The code with the docstring of `node` inserted in the string in which what `place` finds ends."""
    docstring = "".join(f"\\\\{byte:03o}" for byte in (ast.get_docstring(node) or "").encode())
    return re.sub(rf"({place})", rf"\1{docstring}", code)


def description() -> str:
    """The README for a page with no repository around it: of pictures and links to files there are the words alone."""
    parts = re.split(r"(?ms)(^```.*?^```$)", Path("README.md").read_text(encoding="utf-8"))
    for k in range(0, len(parts), 2):  # the others are code
        parts[k] = re.sub(r"!\[([^\]]*)\]\((?!https?:)[^)]*\)", r"*\1*", parts[k])
        parts[k] = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", parts[k])
    return "".join(parts)


setup(ext_modules=c_build(), long_description=description(), long_description_content_type="text/markdown")
