"""Makes the C build of the engine with mypyc when a distribution is built; everything else is in pyproject.toml.

Where the C build cannot be made, because there is no C compiler or Python's headers are missing, the distribution
is plain Python, made of the same files, and one line gives the reason. An editable install is plain Python too, for
people who edit the code. The environment variable AUTOGRAD_BUILD overrides this: with C, the C build is made, in an
editable install too, or the installation fails; with Python, none is made.
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

PROPERTIES = ["_backward", "_op", "_prev", "data", "grad", "label"]  # the properties of Value that have setters
# These files do two things for the sake of mypyc. They declare types where this gives direct access to a field, and use
# Any where our own errors are better than those of mypyc. And they assign to _value and _grad of a Value, never to data
# and grad: mypyc 2.4 passes the setter of a property the type that the getter returns, a bare double, even if the
# setter is declared to take anything.
ENGINE = [
    "autograd/node.py",
    "autograd/fast.py",
    "autograd/chain.py",
    "autograd/value.py",
    "autograd/transforms/sweep.py",
]

# How an error names what mypyc calls by names of these forms.
KINDS = {
    r"autograd\.\w+\.(?:Value|Arithmetic|Node)": "a Value",
    r"union\[(?:float, int|autograd\.value\.Value, float)\]": "a real number or a Value",
    r"(?:union\[)?tuple(?:\[[^\"]*)?": "a tuple",
    r"(dict|list|set)(?: or None)?": r"a \2",
    "float": "a float",
    "int": "an int",
    "str": "a string",
    "bool": "True or False",
}
# In place of mypyc's "float object expected; got str". mypyc's own functions, in the file that is included, get a name
# that nothing calls.
TYPE_ERRORS = """
#define CPy_TypeError unused_CPy_TypeError
#define CPy_TypeErrorTraceback unused_CPy_TypeErrorTraceback
%s
#undef CPy_TypeError
#undef CPy_TypeErrorTraceback
void CPy_TypeError(const char *expected, PyObject *got) {
    const char *kind = got == Py_None ? "" : Py_TYPE(got)->tp_name, *space = got == Py_None ? "" : " ";
    PyErr_Format(PyExc_TypeError, "expected %%s, got %%s%%s%%.60R", expected, kind, space, got);
}
void CPy_TypeErrorTraceback(const char *filename, const char *funcname, int line, PyObject *globals,
                            const char *expected, PyObject *got) {
    CPy_TypeError(expected, got);
    CPy_AddTraceback(filename, funcname, line, globals);
}
"""

# Types are checked elsewhere (make lint). Here NumPy is Any, so that the engine compiles in the same way with every
# release of NumPy, whose stubs differ, and also without NumPy.
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
        raise SystemExit(f"AUTOGRAD_BUILD must be C, Python or not set, got {wanted!r}")
    if wanted == "Python" or ("bdist_wheel" not in sys.argv and not (wanted and "editable_wheel" in sys.argv)):
        return []
    output: list[str] = []
    try:
        with capture_output(output):
            return extension_modules()
    except (Exception, SystemExit) as error:
        what = str(error).partition("\n")[0]
        errors = [line.strip() for line in output if re.search(r"\berror\b", line)]
        reason = errors[0] if errors else what or type(error).__name__
        if wanted:
            raise SystemExit(f"scalar-autograd: the C build failed: {reason}") from error
        print(
            f"scalar-autograd: no C build ({reason}), so the engine runs as plain Python, about four times slower. "
            "The C build needs a C compiler and Python's headers. AUTOGRAD_BUILD=C makes it or fails",
            file=sys.stderr,
        )
        return []


def extension_modules() -> list[Extension]:
    """The engine, translated to C and built."""
    from mypyc.build import mypycify

    Path("build").mkdir(exist_ok=True)
    config = Path("build/mypy.ini")
    config.write_text(CONFIG, encoding="utf-8")
    modules = mypycify([f"--config-file={config}", *ENGINE], group_name="autograd")
    code = Path("build/__native_autograd.c")
    code.write_text(documented(adapted(code.read_text(encoding="utf-8"))), encoding="utf-8")
    # Built before they are passed to setup(), so that a failure leaves a distribution that is all plain Python.
    Distribution({"ext_modules": modules}).run_command("build_ext")
    return modules


@contextmanager
def capture_output(lines: list[str]) -> Iterator[None]:
    """Add to `lines` all that is printed within this context, by the C compiler too, and print it afterwards.

    mypyc and compilers print why they fail; their exceptions do not say it.
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
    """mypyc's C code with changes of behaviour for which mypyc 2.4 has no option.

    - The cycle collector does not track Values, because graphs have no cycles; otherwise it would take as much time
      as everything else. mypyc has an option for this, acyclic, but it frees such objects by recursion, which fails for
      graphs that are a million nodes deep.
    - Value.__new__(Value), which makes a node without the constructor, is a C call.
    - Deleting a property, as in `del x.grad`, raises AttributeError, where mypyc's setter would crash.
    - Classes have no __internal_mypyc_setup, a method that crashes when it is called.
    - An argument of the wrong type is an error in our words.
    """
    made = "self->vtable = value___Value_vtable;"
    new = r"(/\* '__new__' \*/(?:\n.*){3} = )PyObject_VectorcallMethod\(.*\);"
    setup = "CPyDef_value_____mypyc__Value_setup"
    method = r' *\{"__internal_mypyc_setup", .*\},\n'
    setter = r"_set_(\w+)\(\w+ \*self, PyObject \*value, void \*closure\)\s*\{\s*(?=char retval)"
    refusal = 'if (value == NULL) { PyErr_SetString(PyExc_AttributeError, "%s cannot be deleted"); return -1; }\n'
    errors = "#include <exc_ops.c>\n"
    found = [code.count(made), len(re.findall(new, code)), sorted(re.findall(setter, code)), code.count(errors)]
    if found != [1, 1, PROPERTIES, 1] or "CPy_SetupObject" in code:
        raise RuntimeError(f"the C code must be as mypyc 2.4 writes it, but this mypyc writes other code: {found}")
    code = code.replace(made, f"{made} PyObject_GC_UnTrack(self);")
    code = re.sub(new, rf"\1{setup}((PyObject *)CPyType_value___Value);", code)
    code = re.sub(method, "", code)
    code = re.sub(setter, lambda found: found[0] + refusal % found[1], code)
    code = code.replace(errors, f"PyObject *{setup}(PyObject *);\n" + TYPE_ERRORS % errors)
    for kind, words in KINDS.items():
        code = re.sub(rf'(CPy_TypeError(?:Traceback)?\([^;]*?)"{kind}"', rf'\1"{words}"', code)
    return code


def documented(code: str) -> str:
    """mypyc's C code with the docstrings that mypyc drops, so that help() shows them."""
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
    """The code with the docstring of `node` inserted after each match of `place`, which ends inside a string."""
    docstring = "".join(f"\\\\{byte:03o}" for byte in (ast.get_docstring(node) or "").encode())
    return re.sub(rf"({place})", rf"\1{docstring}", code)


def description() -> str:
    """The README for a page without the repository: pictures and links to files are replaced by their words."""
    parts = re.split(r"(?ms)(^```.*?^```$)", Path("README.md").read_text(encoding="utf-8"))
    for k in range(0, len(parts), 2):  # the others are code
        parts[k] = re.sub(r"!\[([^\]]*)\]\((?!https?:)[^)]*\)", r"*\1*", parts[k])
        parts[k] = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", parts[k])
    return "".join(parts)


setup(ext_modules=c_build(), long_description=description(), long_description_content_type="text/markdown")
