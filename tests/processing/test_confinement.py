"""A process that opens strangers' bytes is held by the kernel; one apart may die alone (VAL-20, SEC-08)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fuzzing import bases, bombs
from processing import apart
from processing.errors import InputRejected

ROOT = Path(__file__).resolve().parents[2]


def child(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CONFINED = "from processing.confinement import Limits, confine; import resource as r; confine(Limits({}))\n"


@pytest.mark.skipif(sys.platform != "linux", reason="macOS takes no limit of address space")
def test_val20_c24_an_allocation_beyond_the_limit_fails_in_the_process_that_asked() -> None:
    code = CONFINED.format("memory_bytes=1 << 30") + (
        "try:\n    bytearray(2 << 30)\nexcept MemoryError:\n    print('refused')\n"
    )
    assert child(code) == "refused"


def test_a_file_beyond_the_limit_is_an_error_and_no_death(tmp_path: Path) -> None:
    code = CONFINED.format("file_bytes=4096") + (
        f"try:\n    open({str(tmp_path / 'f')!r}, 'wb', buffering=0).write(bytes(9000)); "
        f"open({str(tmp_path / 'f')!r}, 'ab', buffering=0).write(bytes(9000))\n"
        "except OSError as error:\n    print(error.errno)\n"
    )
    assert child(code) == "27"
    assert (tmp_path / "f").stat().st_size == 4096


def test_no_core_is_dumped_and_no_limit_comes_back() -> None:
    code = CONFINED.format("") + (
        "print(r.getrlimit(r.RLIMIT_CORE))\nconfine(Limits(memory_bytes=3 << 30))\n"
        "confine(Limits(memory_bytes=9 << 30))\n"
        "print(r.getrlimit(r.RLIMIT_AS)[1] <= 3 << 30 or r.getrlimit(r.RLIMIT_AS)[1] == r.RLIM_INFINITY)\n"
    )
    assert child(code).split("\n") == ["(0, 0)", "True"]


def test_a_picture_is_made_smaller_elsewhere_and_nothing_but_pixels_comes_back(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jpg", tmp_path / "b.webp"
    source.write_bytes(bases.jpegs()[4])
    assert apart.look(source) == apart.Looked("JPEG", bases.SIDE, bases.SIDE)
    assert apart.reduce(source, 200, target) == (200, 200)
    assert target.read_bytes()[8:12] == b"WEBP" and b"SECRET" not in target.read_bytes()


@pytest.mark.parametrize(
    "name", ["jpg of 65500 x 65500", "tif of 100000 pages", "png that is PDF", "jpg of 3000 scans"]
)
def test_val20_a_bomb_is_a_refusal_of_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(dict(bombs.bombs())[name])
    for ask in (lambda: apart.look(path), lambda: apart.reduce(path, 100, tmp_path / "out")):
        with pytest.raises(InputRejected) as refused:
            ask()
        assert refused.value.code in ("too_many_pixels", "too_many_frames", "too_many_scans", "unsupported_format")


def test_ops19_a_child_past_its_deadline_or_dead_is_a_refusal_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(bases.jpegs()[0])
    monkeypatch.setattr(apart, "DEADLINE_S", 0.01)
    with pytest.raises(InputRejected) as late:
        apart.look(path)
    assert late.value.code == "unsafe" and "took more than" in str(late.value)
    monkeypatch.setattr(apart, "DEADLINE_S", 60.0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(InputRejected) as dead:
        apart.look(path)
    assert dead.value.code == "unsafe" and "ended with 1" in str(dead.value)


def test_sec08_the_child_is_told_none_of_the_callers_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(bases.jpegs()[0])
    spy = tmp_path / "python"
    spy.write_text(f'#!/bin/sh\nenv > "{tmp_path}/env"\nexec {sys.executable} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("SECRET_KEY", "do-not-tell-this-to-a-decoder-please")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:password@host/name")
    monkeypatch.setattr(sys, "executable", str(spy))
    assert apart.look(path).format == "JPEG"
    told = (tmp_path / "env").read_text()
    assert "PATH=" in told and "do-not-tell" not in told and "password" not in told


def test_the_model_runtime_tells_nobody_of_this_machine(tmp_path: Path) -> None:
    """With its telemetry on, onnxruntime leaves the file .ses where temporary files go."""
    code = (
        "from pathlib import Path\nfrom processing.removal import compact\n"
        "compact._open_session(Path('processing/removal/compact.onnx').read_bytes())\n"
    )
    env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**env, "TMPDIR": str(tmp_path)}, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []
