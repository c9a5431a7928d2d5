"""Model surgery: other heads, other weights, parameter groups of a network that there is."""

from densefit.checkpoint.weights.files.weight_file import read_weights
from densefit.checkpoint.weights.transfer import transfer
from densefit.model.backbones.input_normalization import InputNormalization
from densefit.model.parameters import head_parameters, trunk_parameters
from densefit.model.surgery import with_head, without_head
from densefit.train.gradient_conflict import conflict
from densefit.train.layer_decay import layer_decay

__all__ = [
    "InputNormalization",
    "conflict",
    "head_parameters",
    "layer_decay",
    "read_weights",
    "transfer",
    "trunk_parameters",
    "with_head",
    "without_head",
]
