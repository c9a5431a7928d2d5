"""Connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


@operator("CTCLoss", "ctc_loss", "_contrib_CTCLoss", "_contrib_ctc_loss", "_npx_ctc_loss")
def ctc_loss(attrs: Attributes) -> Compute:
    """Loss (N,) of label sequences (N, L) under activations (T, N, classes).

    Labels end at the first padding: 0 if the blank is the first class, -1 if it is the last. A
    sequence that is too long for its data has loss 0 and no gradient, as in MXNet.
    """
    is_first = attrs.text("blank_label", "first") == "first"
    has_data, has_label = attrs.flag("use_data_lengths"), attrs.flag("use_label_lengths")

    def compute(run: Any, data: Any, label: Any, *lengths: Any) -> Any:
        if data.is_meta:
            return data.new_zeros(data.shape[1])
        steps, batch, classes = data.shape
        label = label.detach().to(torch.int64)
        remaining = [length.detach().to(torch.int64) for length in lengths]
        data_lengths = torch.full((batch,), steps, device=data.device, dtype=torch.int64)
        if has_data:
            data_lengths = remaining.pop(0)
        if has_label:
            label_lengths = remaining.pop(0)
        else:
            label_lengths = (label != (0 if is_first else -1)).cumprod(1).sum(1)
        return F.ctc_loss(
            torch.log_softmax(data.float(), dim=2),
            label.clamp(0, classes - 1),
            data_lengths,
            label_lengths,
            blank=0 if is_first else classes - 1,
            reduction="none",
            zero_infinity=True,
        ).to(data.dtype)

    return compute
