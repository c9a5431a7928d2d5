"""YOLOX's CSPDarknet computes what its statement in PyTorch does with the same weights."""

from tests.model.backbones.parity import compare
from tests.references.yolox import CSPDarknet


def test_cspdarknet():
    net = CSPDarknet()
    compare("cspdarknet_s", net, "YOLOX", lambda net, x: net(x))
    assert sum(p.numel() for p in net.parameters()) == 4_212_672
