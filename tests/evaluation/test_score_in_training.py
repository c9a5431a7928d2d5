"""A score taken in training is that of the checkpoint of the moment."""

import json
import os
import sys
import textwrap

import pytest

import densefit as df
from tests import forked

FRESH = """
    import json, sys
    sys.path.insert(0, {tests!r})
    import conftest, densefit as df
    tiny = conftest.Tiny
    for folder in {folders}:
        network = df.Network(symbol=tiny.conv_bn(), routes=tiny.kind_route())
        df.load(folder, network)
        print(json.dumps(df.score(network, tiny.images(11, 4), metrics={{"kind": ["acc", "ce"]}})))
"""


def test_a_score_in_training_is_that_of_a_fresh_process(tiny, tmp_path, monkeypatch):
    """Of the checkpoint of that moment, also when the user turned MXNet's fusion back on."""
    routes = {"kind": df.Route(["kind"], ["kind_label"], ["acc", "ce"])}
    last = []
    backends = ("default", "MKLDNN")
    for backend in backends:
        monkeypatch.setenv("MXNET_SUBGRAPH_BACKEND", backend)
        network = df.Network(symbol=tiny.conv_bn(), routes=routes)
        inside = tiny.Recorder(
            "update_ended", lambda state, control: df.score(state.network, tiny.images(11, 4))
        )
        history = df.fit(
            network, tiny.images(12, 4), epochs=3, callbacks=[inside],
            checkpoint=tmp_path / backend, validation=tiny.images(11, 4),
            optimizer_params={"learning_rate": 0.3},
        )  # fmt: skip
        validated = [epoch["validation"] for epoch in history.epochs]
        assert validated == inside.seen[2::3]
        assert len({scores["kind/cross_entropy"] for scores in inside.seen}) == 9  # it changes
        last.append(validated[-1])
    code = FRESH.format(
        tests=os.path.dirname(os.path.dirname(__file__)),
        folders=[str(tmp_path / name) for name in backends],
    )
    done = forked.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True,
        timeout=300, env={**os.environ, "MXNET_SUBGRAPH_BACKEND": "default"},
    )  # fmt: skip
    fresh = [json.loads(line) for line in done.stdout.splitlines()[-2:]]
    assert fresh[0] == last[0]
    assert fresh[1] == pytest.approx(last[1], abs=1e-5)  # fused kernels round differently


FRESH_HEAD = """
    import json
    import densefit as df
    network = df.load({folder!r})
    held = df.dataset("shapes", length=6, size=[32, 32], split="val")
    print(json.dumps(df.score(network, df.Loader(held, batch_size=4, workers=0))))
"""


def test_a_score_in_training_of_a_head_is_that_of_a_fresh_process(tmp_path):
    """With a graph for training and another one for scoring, which share BatchNorm."""
    train = df.dataset("shapes", length=8, size=[32, 32])
    held = df.dataset("shapes", length=6, size=[32, 32], split="val")
    head = df.head("classification", classes=train.label_classes)
    network = df.Network("resnet18", [head], settings={"width": 8})
    history = df.fit(
        network, df.Loader(train, batch_size=4, heads=network.heads, workers=0), epochs=2,
        validation=df.Loader(held, batch_size=4, workers=0), checkpoint=tmp_path,
        optimizer="adam", schedule=df.Constant(0.01),
    )  # fmt: skip
    first, last = (epoch["validation"] for epoch in history.epochs)
    assert first != last
    done = forked.run(
        [sys.executable, "-c", textwrap.dedent(FRESH_HEAD.format(folder=str(tmp_path)))],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == last
