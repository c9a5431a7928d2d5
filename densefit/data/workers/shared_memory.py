"""Memory that processes share: slots for finished samples, and a mailbox for tasks.

The memory has no name. It is passed as a file descriptor, so that nothing is left behind in
/dev/shm however the processes end.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
from multiprocessing import reduction
from typing import Any

from densefit.errors import DataError

_HEAD = struct.Struct("<QQ")  # generation, bytes of the message


class SharedMemory:
    """Anonymous shared memory, which a process that is being started can inherit.

    Args:
        size: bytes.

    Raises:
        DataError: it cannot be allocated.
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
        """Grow, and keep the contents. All views must have been released."""
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
        """Return a writable view of all bytes."""
        if self._map is None:
            self._map = mmap.mmap(self.descriptor, 0)
        return memoryview(self._map)

    def refresh(self) -> None:
        """Map the present size, after another process has resized the memory."""
        self._unmap()
        self.size = os.fstat(self.descriptor).st_size

    def close(self) -> None:
        """Release the memory; it is freed when all processes have. May be called twice."""
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


class Mailbox:
    """Versioned single-writer, multi-reader mailbox in shared memory.

    A reader that comes while the next message is being written gets none, and sees by the number
    that the message it looked for is out of date. So no process waits for another, as it would if
    the bytes went through a pipe to a busy worker.
    """

    def __init__(self) -> None:
        self._memory = SharedMemory(_HEAD.size)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return self._memory.size

    @property
    def number(self) -> int:
        """Number of the present message; 0 before the first, and while one is being written."""
        return int(_HEAD.unpack(os.pread(self._memory.descriptor, _HEAD.size, 0))[0])

    def write(self, number: int, text: bytes) -> None:
        """Replace the message; numbers rise from 1."""
        descriptor = self._memory.descriptor
        os.pwrite(descriptor, _HEAD.pack(0, 0), 0)
        os.ftruncate(descriptor, _HEAD.size)  # the memory of a long message is freed
        self._memory.resize(_HEAD.size + len(text))
        written = 0
        while written < len(text):
            written += os.pwrite(descriptor, text[written:], _HEAD.size + written)
        os.pwrite(descriptor, _HEAD.pack(number, len(text)), 0)

    def read(self, number: int) -> bytes | None:
        """Return the message of that number; None if it has been replaced, or not yet written."""
        descriptor = self._memory.descriptor
        present, length = _HEAD.unpack(os.pread(descriptor, _HEAD.size, 0))
        if present != number:
            return None
        parts, received = [], 0
        while received < length:
            part = os.pread(descriptor, length - received, _HEAD.size + received)
            if not part:
                return None
            parts.append(part)
            received += len(part)
        again, _ = _HEAD.unpack(os.pread(descriptor, _HEAD.size, 0))
        return b"".join(parts) if again == number else None

    def close(self) -> None:
        """Release the memory."""
        self._memory.close()
