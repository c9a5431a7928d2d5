"""Memory that processes share: a few equal slots for finished samples, and a place for the work.

The memory has no name. It is handed over as a file descriptor, so that nothing is left behind in
/dev/shm however the processes end, and nobody has to keep account of names.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
from multiprocessing import reduction
from typing import Any

from densefit.errors import DataError

_HEAD = struct.Struct("<QQ")  # generation, bytes of the letter


class Memory:
    """Bytes without a name in any file system; can be given to a process that is being started.

    Args:
        size: bytes.

    Raises:
        DataError: there is not so much.
    """

    def __init__(self, size: int) -> None:
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("densefit")
        else:  # macOS
            with tempfile.TemporaryFile() as file:
                self.descriptor = os.dup(file.fileno())
        self._map: mmap.mmap | None = None
        self.size = 0
        self.resize(size)

    def resize(self, size: int) -> None:
        """Become larger. What was in it stays. Views of it must be gone."""
        self._unmap()
        try:
            os.ftruncate(self.descriptor, size)
            self.view().release()
        except (OSError, OverflowError) as error:
            self.close()
            raise DataError(
                f"There is no memory to share with the workers: {error}",
                expected=f"{size} bytes",
                fix="a smaller batch, fewer workers, or threads as workers",
            ) from error
        self.size = size

    def view(self) -> memoryview:
        """All bytes, to read and write."""
        if self._map is None:
            self._map = mmap.mmap(self.descriptor, 0)
        return memoryview(self._map)

    def seen(self) -> None:
        """Take notice of a new size, in a process that did not make it."""
        self._unmap()
        self.size = os.fstat(self.descriptor).st_size

    def close(self) -> None:
        """Give the memory back, once all processes have; may be called again."""
        self._unmap()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _unmap(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None

    def __getstate__(self) -> dict[str, Any]:
        # While a process is being started, the descriptor goes with it.
        return {"descriptor": reduction.DupFd(self.descriptor), "size": self.size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.descriptor, self.size = state["descriptor"].detach(), state["size"]
        self._map = None


class Letter:
    """Bytes that one process writes for all others, anew from time to time.

    A letter has a number. Who reads while the next one is being written gets none, and can tell
    by the number that the one it looked for is no longer wanted. So nobody waits for anybody, as
    would be if the bytes went through a pipe to a worker that is busy.
    """

    def __init__(self) -> None:
        self._memory = Memory(_HEAD.size)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return self._memory.size

    def write(self, number: int, text: bytes) -> None:
        """Put a letter in place of the one before; numbers rise from 1."""
        descriptor = self._memory.descriptor
        os.pwrite(descriptor, _HEAD.pack(0, 0), 0)
        os.ftruncate(descriptor, _HEAD.size)  # a long letter's memory is given back
        self._memory.resize(_HEAD.size + len(text))
        written = 0
        while written < len(text):
            written += os.pwrite(descriptor, text[written:], _HEAD.size + written)
        os.pwrite(descriptor, _HEAD.pack(number, len(text)), 0)

    def read(self, number: int) -> bytes | None:
        """The letter of that number, None if it is not there (any more)."""
        descriptor = self._memory.descriptor
        found, length = _HEAD.unpack(os.pread(descriptor, _HEAD.size, 0))
        if found != number:
            return None
        parts, have = [], 0
        while have < length:
            part = os.pread(descriptor, length - have, _HEAD.size + have)
            if not part:
                return None
            parts.append(part)
            have += len(part)
        again, _ = _HEAD.unpack(os.pread(descriptor, _HEAD.size, 0))
        return b"".join(parts) if again == number else None

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
