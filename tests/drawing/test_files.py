"""write_whole: a file is complete or as it was, even with several writers, and nothing else is left behind."""

import os
import threading
from pathlib import Path

import pytest

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
