"""Decoders: backbone features -> a map at stride 4; importing this package registers them."""

from densefit.model.decoders import ddrnet, deeplab, fcn, lraspp, pspnet, segformer, unet
from densefit.model.decoders.decoder import LOGIT_STRIDE, Decoder, decoders
from densefit.model.decoders.selection import make_decoder

__all__ = [
    "LOGIT_STRIDE",
    "Decoder",
    "ddrnet",
    "decoders",
    "deeplab",
    "fcn",
    "lraspp",
    "make_decoder",
    "pspnet",
    "segformer",
    "unet",
]
