"""write_whole: a file is complete or as it was, even with several writers, and nothing else is left behind."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import autograd
from autograd.files import write_whole

pytestmark = pytest.mark.once


def test_writers_in_several_threads_leave_one_whole_file(tmp_path: Path) -> None:
    contents = [bytes([k]) * 100_000 for k in range(8)]
    threads = [threading.Thread(target=write_whole, args=(tmp_path / "file", content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_bytes() in contents
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_file(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    write_whole(path, b"old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match=r"cannot write the file \(No space left on device\): '.*file'"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"cannot write 'file', because the directory '.*missing' does not exist"
    ):
        write_whole(tmp_path / "missing" / "file", b"")


@pytest.mark.parametrize("mode", [0o600, 0o666, 0o400])
def test_a_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_whole(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", mode)


@pytest.mark.skipif(not hasattr(os, "fchmod"), reason="Windows has no such permissions")
@pytest.mark.parametrize("before", [None, 0o666])
def test_the_permissions_can_be_given(tmp_path: Path, before: int | None) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(b"old")
        path.chmod(before)
    write_whole(path, b"new", mode=0o640)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)


def test_a_new_file_has_the_permissions_that_open_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_is_written_through(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "data").mkdir()
    target, middle, link = tmp_path / "data" / "file", tmp_path / "middle", tmp_path / "link"
    if exists:
        target.write_bytes(b"old")
    middle.symlink_to(target)
    link.symlink_to("middle")
    write_whole(link, b"new")
    assert target.read_bytes() == b"new"
    assert (link.is_symlink(), middle.is_symlink(), target.is_symlink()) == (True, True, False)
    assert sorted(os.listdir(tmp_path)) == ["data", "link", "middle"]
    assert os.listdir(tmp_path / "data") == ["file"]


def test_what_is_not_a_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("loop", "symbolic links"), ("folder", "not a regular file"), ("pipe", "not a regular file")):
        with pytest.raises(OSError, match=f"cannot write the file .*{why}.*{name}"):
            write_whole(tmp_path / name, b"new")
    assert sorted(os.listdir(tmp_path)) == ["folder", "loop", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_name_that_is_taken_is_neither_followed_nor_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim, trap = tmp_path / "victim", tmp_path / ".file.taken.part"
    victim.write_bytes(b"precious")
    trap.symlink_to(victim)
    tokens = iter(["taken", "free"])
    monkeypatch.setattr("secrets.token_hex", lambda count: next(tokens))
    write_whole(tmp_path / "file", b"new")
    assert (victim.read_bytes(), (tmp_path / "file").read_bytes(), trap.is_symlink()) == (b"precious", b"new", True)


def test_a_long_name_leaves_room_for_the_other_one(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 127)  # 254 bytes of the 255 that a name may have
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"


def test_writers_in_several_processes_all_succeed(tmp_path: Path) -> None:
    code = (
        "import sys; from autograd.files import write_whole\n"
        "for k in range(30): write_whole(sys.argv[1], bytes([k]) * 100_000)"
    )
    here = {**os.environ, "PYTHONPATH": str(Path(autograd.__file__).parents[1])}
    path, alive = tmp_path / "file", [True]
    children = [subprocess.Popen([sys.executable, "-c", code, str(path)], env=here) for _ in range(3)]
    while any(alive):
        alive = [child.poll() is None for child in children]
        if path.exists():
            content = path.read_bytes()
            assert (len(content), len(set(content))) == (100_000, 1)
    assert [child.returncode for child in children] == [0, 0, 0]
    assert os.listdir(tmp_path) == ["file"]
