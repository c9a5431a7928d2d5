"""YOLOX's CSPDarknet computes what its statement in PyTorch does with the same weights."""

from tests.model.backbones.parity import compare
from tests.references.yolox import CSPDarknet

STAGE = r"^\w+?_stage{}_"
RULES = (
    (r"^\w+?_stem", "stem.conv"),
    *(
        rule
        for stage in (1, 2, 3, 4)
        for rule in (
            (STAGE.format(stage) + "down", f"dark{stage + 1}.0"),
            (STAGE.format(stage) + "spp_", "dark5.1."),
            (STAGE.format(stage) + r"(\d)_", rf"dark{stage + 1}.{1 + (stage == 4)}.m.\1."),
            (STAGE.format(stage), f"dark{stage + 1}.{1 + (stage == 4)}."),
        )
    ),
    (r"_bn", ".bn"),
    (r"_weight", ".conv_weight"),
)


def test_cspdarknet():
    net = CSPDarknet()
    compare("cspdarknet_s", net, RULES, lambda net, x: net(x))
    assert sum(p.numel() for p in net.parameters()) == 4_212_672
