"""What is installed: a light import, the version, type markers, and every public name in __all__."""

import subprocess
import sys
from importlib import metadata, resources

import autograd
import nn


def test_importing_brings_in_nothing_heavy() -> None:
    code = "import sys, autograd, nn; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "sklearn", "tqdm", "scipy", "llvmlite", "graphviz", "pytest", "mpmath"} & set(loaded)


def test_the_distribution_is_scalar_autograd() -> None:
    assert metadata.version("scalar-autograd") == autograd.__version__


def test_both_packages_are_marked_as_typed() -> None:
    assert resources.files(autograd).joinpath("py.typed").is_file()
    assert resources.files(nn).joinpath("py.typed").is_file()


def test_public_names_exist_and_are_documented() -> None:
    for package in (autograd, nn):
        for name in package.__all__:
            assert getattr(package, name).__doc__, f"{package.__name__}.{name} has no docstring"
