"""Machine code: the cache on disk, machines without vectors, and that importing autograd loads no compiler."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd.jit import compile as compiler, jit, tuning
from autograd.jit.runtime import cache, machine

pytestmark = pytest.mark.once  # of machine code, which knows nothing of how the engine is built

RNG = np.random.default_rng(0)


def test_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "objects"))

    def stats() -> Any:
        machine._recent.clear()
        program = jit(lambda x: ag.exp(x) * 3.25)
        assert program(0.0) == 3.25
        return program.stats

    assert not stats().cached
    assert stats().cached
    (stored,) = (tmp_path / "objects").iterdir()
    for damage in (b"", b"nonsense", stored.read_bytes()[:-7], stored.read_bytes()[:-1] + b"x"):
        stored.write_bytes(damage)
        assert not stats().cached
        assert stats().cached
    assert [path.suffix for path in (tmp_path / "objects").iterdir()] == [".o"]


SIN, EXP = "ag.sin(x) + 1.0", "ag.exp(x) + 1.0"


def run_cached(folder: Path, formula: str, umask: int = 0o022) -> tuple[float, bool, str]:
    """The result of a program at 1, whether it came from the cache, and what was warned of, in a process of its own."""
    code = (
        "import os, sys; os.umask(int(sys.argv[2])); import autograd as ag\n"
        "p = ag.jit(eval('lambda x: ' + sys.argv[1])); print(repr(p(1.0)), p.stats.cached)"
    )
    env = dict(os.environ, AUTOGRAD_JIT_CACHE=str(folder), PYTHONPATH=str(Path(ag.__file__).parent.parent))
    command = [sys.executable, "-c", code, formula, str(umask)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)
    value, cached = done.stdout.split()
    return float(value), cached == "True", done.stderr


def objects(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.o"))


def test_a_cached_file_that_is_damaged_or_that_of_another_program_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "objects"
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    sin, cached, _ = run_cached(folder, SIN)
    assert not cached
    (mine,) = objects(folder)
    stored = mine.read_bytes()
    run_cached(folder, EXP)
    (other,) = [path for path in objects(folder) if path != mine]
    shortened = [stored[:k] for k in (0, 1, len(cache._MAGIC), len(cache._MAGIC) + 32, len(stored) // 2, -1)]
    flipped = [stored[:k] + bytes([stored[k] ^ 1]) + stored[k + 1 :] for k in range(0, len(stored), 37)]
    for damage in (*shortened, *flipped, stored + b"x", stored[len(cache._MAGIC) + 32 :], other.read_bytes()):
        mine.write_bytes(damage)
        assert cache.read_object(mine.stem) is None
    assert run_cached(folder, SIN) == (sin, False, "")
    assert run_cached(folder, SIN) == (sin, True, "")


def test_code_for_another_operating_system_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "objects"))
    for triple in (machine.binding.get_default_triple(), "x86_64-apple-darwin"):
        monkeypatch.setattr(machine.binding, "get_default_triple", lambda triple=triple: triple)
        machine._recent.clear()
        program = jit(lambda x: x * 4.125)
        assert program(2.0) == 8.25
        assert not program.stats.cached
    assert len(objects(tmp_path / "objects")) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has neither pipes nor these permissions")
def test_the_cache_is_the_users_own(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "objects"
    sin, _, _ = run_cached(folder, SIN, umask=0)
    (stored,) = objects(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    stored.chmod(0o666)  # so others may have written it
    assert run_cached(folder, SIN) == (sin, False, "")
    assert run_cached(folder, SIN) == (sin, True, "")
    folder.chmod(0o777)
    value, cached, warning = run_cached(folder, SIN)
    assert (value, cached) == (sin, False)
    assert "no one else can write" in warning
    folder.chmod(0o755)
    assert run_cached(folder, SIN) == (sin, True, "")
    stored.unlink()
    os.mkfifo(stored)  # to open which would wait for ever
    assert run_cached(folder, SIN) == (sin, False, "")
    assert run_cached(folder, SIN) == (sin, True, "")


def test_a_cache_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    tmp_path.chmod(0o755)
    cache.write_object("name", b"code")
    assert objects(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: -1, raising=False)
    with pytest.warns(RuntimeWarning, match="directory of your own") as caught:
        assert jit(lambda x: x * 8.75)(1.0) == 8.75
    assert [Path(each.filename) for each in caught] == [Path(__file__)]  # the user's line, not one of the library


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no such permissions")
@pytest.mark.parametrize("before", [None, b"old"])
def test_a_file_appears_in_the_cache_whole_and_private(
    before: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    tmp_path.chmod(0o700)
    stored = tmp_path / "name.o"
    if before is not None:
        stored.write_bytes(before)
        stored.chmod(0o666)
    found, replace = [], os.replace

    def spy(part: Path, target: Path) -> None:
        found.append((stored.read_bytes() if stored.exists() else None, stat.S_IMODE(part.stat().st_mode)))
        replace(part, target)

    monkeypatch.setattr(os, "replace", spy)
    umask = os.umask(0)
    try:
        cache.write_object("name", b"code")
    finally:
        os.umask(umask)
    assert found == [(before, 0o600)]
    assert cache.read_object("name") == b"code"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows needs a right to make links")
def test_a_link_in_the_cache_is_replaced_and_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "objects"))
    (tmp_path / "objects").mkdir(mode=0o700)
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "objects" / "name.o").symlink_to(tmp_path / "mine")
    cache.write_object("name", b"code")
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert cache.read_object("name") == b"code"


def test_programs_that_are_alike_share_their_code() -> None:
    models = [lambda x, k=k: ag.sin(x) * 1.625 + k for k in (2.0, 2.0, 3.0)]
    programs = [jit(model, in_axes=0) for model in models]
    X = RNG.normal(size=20)
    for program, model in zip(programs, models):
        assert np.allclose(program(X), [model(x) for x in X.tolist()], rtol=1e-14)
    first, alike, other = [program.runner((X,), None).compilation.code for program in programs]  # type: ignore[union-attr]
    assert first is alike is not other


def test_a_second_process_does_not_compile_again(tmp_path: Path) -> None:
    code = (
        "import autograd as ag; from autograd.jit import jit\n"
        "p = jit(lambda x: ag.sin(x) + 0.125); p(1.0); print(p.stats.cached)"
    )
    env = dict(os.environ, AUTOGRAD_JIT_CACHE=str(tmp_path), PYTHONPATH=str(Path(ag.__file__).parent.parent))
    runs = [subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True) for _ in range(2)]
    assert [each.stdout.strip() for each in runs] == ["False", "True"], runs[0].stderr


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "objects"))
    assert jit(lambda x: x * 7.5)(1.0) == 7.5


def test_a_machine_without_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    X = RNG.normal(size=(13, 3))
    wanted = jit(lambda w, x: ag.tanh(w @ x), in_axes=(None, 0)).value_and_grad(np.ones(3), X)
    host = compiler.host()
    for lanes, fma in ((1, True), (2, True), (4, True), (1, False)):
        machine = type(host)(host.cpu, host.features, lanes, fma)
        monkeypatch.setattr(compiler, "host", lambda machine=machine: machine)
        for most in (12_000, -1):
            monkeypatch.setattr(tuning, "STRAIGHT_BATCHED", most)
            value, slope = jit(lambda w, x: ag.tanh(w @ x), in_axes=(None, 0)).value_and_grad(np.ones(3), X)
            assert np.allclose(value, wanted[0], rtol=1e-14)
            assert np.allclose(slope, wanted[1], rtol=1e-12)


def test_importing_autograd_does_not_import_llvm() -> None:
    code = "import sys, autograd, autograd.jit; print('llvmlite' in sys.modules)"
    env = dict(os.environ, PYTHONPATH=str(Path(ag.__file__).parent.parent))
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert run.stdout.strip() == "False"
