"""Experts behind a stage, of which each head reads a gated sum."""

import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.model.parameters import owners
from tests.model.sharing.small import CHANNELS, Small, assert_computes

HEADS = ("a", "b")


def network(**sharing):
    made = [df.head("segmentation", name=name, classes=3, channels=4) for name in HEADS]
    return df.Network(Small(), made, sharing=sharing, output_stride=32)


def softmax_gate(p, x, name):
    logits = x.mean((2, 3)) @ p[f"{name}_weight"].T + p[f"{name}_bias"]
    return logits.softmax(1)


def selecting_gate(p, x, name, experts=4, selected=2, gamma=1.0):
    """As in the paper: a product of smooth steps for each bit of an expert's number."""
    pooled = x.mean((2, 3))
    codes = pooled @ p[f"{name}_code_weight"].T + p[f"{name}_code_bias"]
    t = codes.reshape(-1, selected, 2)
    steps = -2 / gamma**3 * t**3 + 3 / (2 * gamma) * t + 0.5
    steps = p.torch.where(t <= -gamma / 2, 0 * t, p.torch.where(t >= gamma / 2, 0 * t + 1, steps))
    weights = (pooled @ p[f"{name}_share_weight"].T + p[f"{name}_share_bias"]).softmax(1)
    shares = []
    for expert in range(experts):
        bits = [int(bit) for bit in f"{expert:02b}"]
        chosen = [steps[:, :, i] if bit else 1 - steps[:, :, i] for i, bit in enumerate(bits)]
        shares.append((weights * chosen[0] * chosen[1]).sum(1))
    return p.torch.stack(shares, 1)


@pytest.mark.parametrize(
    ("engine", "sharing", "gate"),
    [
        ("torch", {"name": "mmoe", "experts": 2, "behind": None}, softmax_gate),
        ("torch", {"name": "cgc", "shared": 2, "specific": 1, "behind": "stage2"}, softmax_gate),
        ("torch", {"name": "dselect_k", "behind": "stage3"}, selecting_gate),
        ("mxnet", {"name": "dselect_k", "behind": "stage3"}, selecting_gate),
    ],
    ids=lambda value: (
        value["name"] if isinstance(value, dict) else getattr(value, "__name__", None)
    ),
)
def test_they_compute_the_formula(monkeypatch, engine, sharing, gate):
    pytest.importorskip(engine)
    monkeypatch.setenv("DENSEFIT_ENGINE", engine)
    kind, behind = sharing["name"], sharing["behind"]
    first = int(behind[-1]) + 1 if behind else 1
    shared = sharing.get("experts", sharing.get("shared", 4))

    def formula(p, x):
        result = {head: {} for head in HEADS}
        if behind:
            x = p.stem(x)
        for stage, stride in zip(range(1, first), CHANNELS):
            x = p.stage(x, stage)
            for head in HEADS:
                result[head][stride] = x
        for head in HEADS:
            shares = gate(p, x, f"{head}_{kind}_gate")
            experts = [f"expert{number}_" for number in range(shared)]
            experts += [f"{head}_expert{number}_" for number in range(sharing.get("specific", 0))]
            maps = [x if behind else p.stem(x, prefix) for prefix in experts]
            for stage in range(first, 5):
                maps = [p.stage(part, stage, prefix) for part, prefix in zip(maps, experts)]
                result[head][[*CHANNELS][stage - 1]] = sum(
                    shares[:, number, None, None, None] * part for number, part in enumerate(maps)
                )
        return result

    assert_computes(sharing, HEADS, formula)


def test_progressive_layered_extraction_computes_the_formula(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setenv("DENSEFIT_ENGINE", "torch")

    def formula(p, x):
        x = p.stage(p.stage(p.stem(x), 1), 2)
        first = p.stage(p.stem(p["data"]), 1)
        result = {head: {4: first, 8: x} for head in HEADS}
        for head in HEADS:
            read = x
            for stage in (3, 4):
                shares = softmax_gate(p, read, f"{head}_ple_stage{stage}_gate")
                prefixes = ("expert0_", "expert1_", f"{head}_expert2_")
                read = sum(
                    shares[:, number, None, None, None] * p.stage(read, stage, prefix)
                    for number, prefix in enumerate(prefixes)
                )
                result[head][[*CHANNELS][stage - 1]] = read
        return result

    assert_computes({"name": "ple", "shared": 2}, HEADS, formula)


def test_what_is_owned():
    owner_of = owners(network(name="cgc"))
    assert owner_of["small_layer2_0_conv1_weight"] is None
    assert owner_of["expert0_small_layer4_0_conv1_weight"] is None
    assert owner_of["a_expert0_small_layer4_0_conv1_weight"] == "a"
    assert owner_of["b_cgc_gate_weight"] == "b"


@pytest.mark.parametrize(
    ("sharing", "said"),
    [
        ({"name": "mmoe", "experts": 0}, "expected: 1 or more(.|\n)*shared=0"),
        ({"name": "cgc", "specific": 0.5}, "received: specific=0.5"),
        ({"name": "mmoe", "behind": "stage4"}, "no layers behind stage4(.|\n)*sharing 'mmoe'"),
        ({"name": "dselect_k", "experts": 6}, "experts=6, selected=2"),
        ({"name": "dselect_k", "gamma": 0}, "gamma=0"),
    ],
)
def test_what_is_refused(sharing, said):
    with pytest.raises(ConfigError, match=said):
        network(**sharing)


def test_stages_that_read_more_than_the_map_before_are_refused():
    heads = [df.head("classification", name=name, classes=2) for name in HEADS]
    with pytest.raises(ConfigError, match=r"stage2 reads more than(.|\n)*sharing 'cgc'"):
        df.Network("ddrnet23_slim", heads, sharing={"name": "ple", "behind": None})
