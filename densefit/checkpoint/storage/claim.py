"""Exclusive use of a checkpoint directory by one training; reading needs no claim.

The training locks the file `.training`, which names its process and host. The system releases the
lock when the process ends. Where a forked worker outlives the process, or the file system has no
locks, the file shows whether its process is alive: by process id and start time on this machine,
by its modification time (renewed each minute) on another.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import secrets
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import atomic, lock, store
from densefit.errors import CheckpointError
from densefit.process.system_calls import PLAIN

FILE = ".training"
RENEWED = 60.0  # seconds between heartbeats, where there are no locks
SILENT = 5 * RENEWED  # seconds without a heartbeat until a process elsewhere counts as dead

_log = logging.getLogger("densefit")


class Claim:
    """Lock a directory for a training, from `take` to `release`.

    Args:
        directory: checkpoint directory; created if missing, removed again if it stays empty.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = Path(directory)
        self._path = self._directory / FILE
        self._descriptor: int | None = None
        self._created: list[Path] = []
        self._ended = threading.Event()

    def take(self) -> None:
        """Lock the directory.

        A directory without write permission is not locked: no other training can write there.

        Raises:
            CheckpointError: another training has locked the directory.
        """
        try:
            self._created = [
                path
                for path in (self._directory, *self._directory.parents)
                if not os.path.lexists(path)
            ]
            atomic.make_directory(self._directory)
            with lock.exclusive(self._directory):
                owner = owner_of(self._path)
                if owner is not None:
                    raise _taken(self._directory, owner)
                self._write()
        except OSError as error:
            self._remove_created()
            if not store.names(self._directory):
                raise CheckpointError(
                    f"Checkpoints cannot be written: {error}",
                    where=self._directory,
                    fix="see to the disk and its permissions, or choose another directory",
                ) from error
            _log.warning("%s: checkpoints cannot be written: %s", self._directory, error)

    def release(self) -> None:
        """Unlock the directory, if it is locked."""
        self._ended.set()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with suppress(OSError), lock.exclusive(self._directory):
            if os.path.samestat(os.fstat(descriptor), os.stat(self._path)):
                self._path.unlink()
        lock.release(descriptor)
        self._remove_created()

    def _write(self) -> None:
        """Write this process's locked claim file."""
        temporary = self._path.with_name(f"{FILE}-{os.getpid()}-{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
        try:
            os.write(descriptor, json.dumps(this_process()).encode())
            has_locks = lock.try_lock(descriptor)
            os.replace(temporary, self._path)
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                temporary.unlink()
            raise
        self._descriptor = descriptor
        self._ended = threading.Event()
        if has_locks is None:
            ended, path = self._ended, self._path
            threading.Thread(target=_renew, args=(path, ended), name="claim", daemon=True).start()

    def _remove_created(self) -> None:
        """Remove the directories that `take` created, if they are empty."""
        for path in self._created:
            with suppress(OSError):
                path.rmdir()
        self._created = []


def _renew(path: Path, ended: threading.Event) -> None:
    while not ended.wait(RENEWED):
        with suppress(OSError):
            os.utime(path)


def check_free(directory: Path) -> None:
    """Raise CheckpointError if another training has locked the directory; does not lock it."""
    try:
        owner = owner_of(Path(directory) / FILE)
    except OSError:  # reported when checkpoints are written
        return
    if owner is not None:
        raise _taken(Path(directory), owner)


def this_process() -> dict[str, Any]:
    """Return a record that identifies this process."""
    return {
        "pid": os.getpid(),
        "started": _started(os.getpid()),
        "host": socket.gethostname(),
        "machine": _machine(),
        "since": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "program": " ".join(sys.argv)[:200],
    }


def owner_of(path: Path) -> Mapping[str, Any] | None:
    """Return the record of the process that holds a claim; None if there is none or it died.

    Raises:
        OSError: the file cannot be read.
    """
    flags = PLAIN
    try:
        descriptor = os.open(path, os.O_RDWR | flags)  # NFS locks only files open for writing
    except FileNotFoundError:
        return None
    except PermissionError:  # another user's file
        descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        owner = _content(descriptor)
        free = lock.try_lock(descriptor)
        if free:
            return None
        alive = _is_alive(owner)
        if alive is not None:
            return owner if alive else None
        if free is not None:
            return owner  # locked, by a process that is not visible from here
        silent = _now(path.parent) - os.fstat(descriptor).st_mtime
        return owner if silent < SILENT else None
    finally:
        os.close(descriptor)


def _content(descriptor: int) -> dict[str, Any]:
    try:
        record = json.loads(os.read(descriptor, 10_000))
    except (ValueError, OSError):
        record = None
    return record if isinstance(record, dict) else {}


def _is_alive(owner: Mapping[str, Any]) -> bool | None:
    """Return whether a process is alive; None if this machine cannot tell."""
    machine = _machine()
    if machine is None or owner.get("machine") != machine or type(owner.get("pid")) is not int:
        return None
    return _started(owner["pid"]) == owner.get("started")


def _machine() -> str | None:
    """Return the machine's boot id and its PID namespace; None if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except (OSError, AttributeError):  # AttributeError: no `os.readlink`
        return None


def _started(pid: int) -> int | None:
    """Return a process's start time in ticks since boot; None if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the program's name may contain any character
    return None if fields[0] in "ZX" else int(fields[19])


def _now(directory: Path) -> float:
    """Return the present time by the clock of a directory's file system."""
    path = directory / f"{FILE}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return path.stat().st_mtime
    finally:
        with suppress(OSError):
            path.unlink()


def _taken(directory: Path, owner: Mapping[str, Any]) -> CheckpointError:
    process = f"process {owner.get('pid', '?')} on {owner.get('host', '?')}"
    if owner.get("pid") == os.getpid() and owner.get("machine") == _machine():
        process = f"this process ({owner['pid']} on {owner.get('host')})"
    return CheckpointError(
        f"The directory is locked by {process}, which writes its checkpoints there",
        expected="one training at a time",
        received=f"running since {owner.get('since', '?')}: {owner.get('program', '?')}",
        where=directory,
        fix="wait until it has ended, or stop it; or choose another directory for this training. "
        f"(If that process is gone, remove {directory / FILE})",
    )
