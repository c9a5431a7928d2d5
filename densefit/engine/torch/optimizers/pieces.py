"""Parameters in pieces that fit a processor's cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

Tensor = torch.Tensor

# An update is several passes over weights, gradients and states. In pieces of 128 KB a thread, the
# least that PyTorch divides work into, all but the first pass read the cache.
_PIECE = 32768
_FORMATS = (torch.contiguous_format, torch.channels_last, torch.channels_last_3d)


def pieces(
    columns: Sequence[Sequence[Tensor]], whole: bool = False
) -> Iterator[list[list[Tensor]]]:
    """Yield columns of pieces: [weights, gradients, a list per state...].

    Entries that are updated together are at the same place of each piece. On accelerators, where
    one call for all parameters is quicker, and if `whole`, there is one piece.

    Args:
        columns: weights, gradients, and states; each is a list over parameters.
        whole: whether parameters must not be divided.
    """
    weights, raw, *states = columns
    gradients = [_laid_out(gradient, weight) for gradient, weight in zip(raw, weights)]
    if whole or weights[0].device.type != "cpu":
        yield [list(column) for column in (weights, gradients, *states)]
        return
    piece: list[list[Tensor]] = [[] for _ in columns]
    size, most = 0, _PIECE * torch.get_num_threads()
    for row in zip(weights, gradients, *states):
        parts: list[Sequence[Tensor]] = [[part] for part in row]
        if row[0].numel() > most and all(_is_dense(part) for part in row):
            count = -(-row[0].numel() // most)
            parts = [_split(part, most) if part.numel() else [part] * count for part in row]
        for entries in zip(*parts):
            if size and size + entries[0].numel() > most:
                yield piece
                piece, size = [[] for _ in columns], 0
            for column, entry in zip(piece, entries):
                column.append(entry)
            size += entries[0].numel()
    if size:
        yield piece


def _laid_out(gradient: Tensor, weight: Tensor) -> Tensor:
    """The gradient in the weight's memory format, dtype and device."""
    if gradient.stride() == weight.stride() and gradient.dtype == weight.dtype:
        return gradient
    return torch.empty_like(weight).copy_(gradient)


def _is_dense(tensor: Tensor) -> bool:
    formats = _FORMATS[: max(1, tensor.dim() - 2)] if tensor.dim() < 6 else _FORMATS[:1]
    return any(tensor.is_contiguous(memory_format=format) for format in formats)


def _split(tensor: Tensor, size: int) -> Sequence[Tensor]:
    """All entries in the order of the memory, in pieces."""
    return torch.split(tensor.as_strided((tensor.numel(),), (1,)), size)
