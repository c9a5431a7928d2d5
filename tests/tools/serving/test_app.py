"""Answers of a real server: equal to predictions, from any number of clients."""

import base64
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from densefit.datasets import Shapes
from densefit.evaluation.batch_sizes import BatchSizes
from densefit.evaluation.predictor import Predicted
from densefit.tools import serve
from densefit.tools.predicting.make_predictor import load_network
from densefit.tools.predicting.selection import Selection
from densefit.tools.predicting.settings import PredictionSettings
from densefit.tools.serving.batcher import Model
from densefit.tools.serving.limits import Limits
from densefit.tools.serving.make_service import make_service
from densefit.tools.serving.service import Service
from tests import forked

from .server import serving, wait_for

IMAGE = {"Content-Type": "image/png"}


def png(image):
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


@pytest.fixture(scope="module")
def photos():
    shapes = Shapes(8, size=(64, 80), split="val")
    return [shapes[index].image[: 40 + 3 * index] for index in range(8)]


@pytest.fixture(scope="module")
def network(trained):
    chosen = PredictionSettings(input_size=(64, 64), score_batch_size=4)
    return chosen, load_network(chosen, trained / "checkpoints" / "best")


@pytest.fixture(scope="module")
def ask(network):
    with serving(make_service(*network, Limits(pixels=10_000, body=1 << 17))) as ask:
        yield ask


def test_eight_clients_get_equal_bytes_whatever_shares_their_batch(ask, network, photos):
    alone = [ask("POST", "/predict", png(photo), IMAGE) for photo in photos]
    assert [status for status, _, _ in alone] == [200] * 8
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            together = pool.map(lambda photo: ask("POST", "/predict", png(photo), IMAGE), photos)
            assert [body for _, body, _ in together] == [body for _, body, _ in alone]
    text = ask("GET", "/metrics")[1].decode()
    assert 'densefit_requests_total{status="200"} 32' in text
    assert "densefit_images_total 32" in text


def test_answers_are_the_networks_predictions(ask, network, photos):
    _, network = network
    (expected,) = network.predict([photos[3]], transform=_fit())
    status, body, headers = ask("POST", "/predict", png(photos[3]), IMAGE)
    assert (status, body["size"]) == (200, [49, 80])
    detection = body["predictions"]["detection"]
    np.testing.assert_allclose(detection["boxes"], expected["detection"]["boxes"], rtol=1e-6)
    np.testing.assert_allclose(detection["scores"], expected["detection"]["scores"], rtol=1e-6)
    encoded = base64.b64decode(body["predictions"]["segmentation"]["png"])
    mask = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, expected["segmentation"])
    assert set(body["predictions"]["kind"]["probabilities"]) >= {"circle", "square"}
    assert "network;dur=" in headers["server-timing"]


def _fit():
    import densefit as df

    return df.transform("letterbox", height=64, width=64)


def test_a_form_and_parameters_are_read(ask, photos):
    form = b'--x\r\nContent-Disposition: form-data; name="image"; filename="../../etc/passwd"\r\n'
    form += b"Content-Type: image/png\r\n\r\n" + png(photos[0]) + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    raw = ask("POST", "/predict", png(photos[0]), IMAGE)[1]
    assert ask("POST", "/predict", form, headers)[:2] == (200, raw)
    path = "/predict?threshold=0.05&max_detections=2&classes=circle,square"
    detection = ask("POST", path, png(photos[0]), IMAGE)[1]["predictions"]["detection"]
    assert len(detection["scores"]) <= 2
    assert set(detection["classes"]) <= {"circle", "square"}
    status, drawn, headers = ask("POST", "/predict?format=png", png(photos[0]), IMAGE)
    assert (status, headers["content-type"]) == (200, "image/png")
    assert cv2.imdecode(np.frombuffer(drawn, np.uint8), 1).shape == photos[0].shape


def test_health_and_help_say_what_is_served(ask):
    status, health, _ = ask("GET", "/health")
    assert (status, health["status"]) == (200, "ok")
    assert health["heads"] == ["detection", "segmentation", "kind"]
    assert 1 in health["batch_rows"]
    assert b"POST /predict" in ask("GET", "/")[1]


BAD = {
    "no image": ("POST", "/predict", b"no image", IMAGE, 400),
    "empty": ("POST", "/predict", b"", IMAGE, 400),
    "cut": ("POST", "/predict", "cut", IMAGE, 400),
    "another type": ("POST", "/predict", b"{}", {"Content-Type": "application/json"}, 415),
    "a form without a boundary": (
        "POST",
        "/predict",
        b"x",
        {"Content-Type": "multipart/form-data"},
        400,
    ),
    "a form without a file": (
        "POST",
        "/predict",
        b'--x\r\nContent-Disposition: form-data; name="path"\r\n\r\n/etc/passwd\r\n--x--\r\n',
        {"Content-Type": "multipart/form-data; boundary=x"},
        400,
    ),
    "too many bytes": ("POST", "/predict", bytes(1 << 18), IMAGE, 413),
    "too many pixels": ("POST", "/predict", "large", IMAGE, 413),
    "an unknown parameter": ("POST", "/predict?path=/etc/passwd", "good", IMAGE, 400),
    "a bad number": ("POST", "/predict?threshold=x", "good", IMAGE, 400),
    "a number out of range": ("POST", "/predict?threshold=nan", "good", IMAGE, 400),
    "an unknown class": ("POST", "/predict?classes=dog", "good", IMAGE, 400),
    "another format": ("POST", "/predict?format=xml", "good", IMAGE, 400),
    "another method": ("GET", "/predict", None, {}, 405),
    "another path": ("GET", "/../etc/passwd", None, {}, 404),
    "another name": ("POST", "/predict", "good", {**IMAGE, "Host": "evil.example"}, 421),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_are_refused(ask, photos, name):
    method, path, body, headers, expected = BAD[name]
    bodies = {"good": png(photos[0]), "cut": png(photos[0])[:500]}
    bodies["large"] = png(np.zeros((200, 200, 3), np.uint8))
    status, content, _ = ask(method, path, bodies.get(body, body) if body else body, headers)
    assert status == expected
    assert set(content) == {"error"}
    assert "passwd" not in content["error"]
    assert ask("POST", "/predict", png(photos[0]), IMAGE)[0] == 200


class Head:
    name, classes = "boxes", ("cat",)


class Network:
    heads = (Head,)


@pytest.fixture
def slow():
    """A service of a network that computes when it is allowed to."""
    go = threading.Event()

    def compute(images, rows):
        go.wait(20)
        return [Predicted({"boxes": image.mean(axis=(0, 1))}, 1.0, 1.0) for image in images]

    def make(**limits):
        model = Model(compute, BatchSizes((1,)))
        chosen = Limits(**{"in_flight": 3, **limits})
        return Service(Network, lambda image: image, lambda: model, Selection(), chosen, 2)

    make.go = go
    yield make
    go.set()


def test_overload_is_told_with_the_time_to_try_again(slow, photos):
    with serving(slow()) as ask, ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(ask, "POST", "/predict", png(photos[0]), IMAGE) for _ in range(12)]
        while sum(answer.done() for answer in waiting) < 9:
            time.sleep(0.01)
        slow.go.set()
        answers = [answer.result() for answer in waiting]
        assert sorted(status for status, _, _ in answers) == [200] * 3 + [503] * 9
        refused = [headers for status, _, headers in answers if status == 503]
        assert all(int(headers["retry-after"]) >= 1 for headers in refused)
        assert ask("POST", "/predict", png(photos[0]), IMAGE)[0] == 200


def test_what_takes_too_long_is_answered(slow, photos):
    with serving(slow(seconds=0.3)) as ask:
        status, _, headers = ask("POST", "/predict", png(photos[0]), IMAGE)
        assert (status, "retry-after" in headers) == (503, True)
        slow.go.set()


def test_a_slow_body_is_given_up(slow):
    with serving(slow(seconds=0.3)) as ask, socket.create_connection(_address(ask)) as client:
        head = "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
        client.sendall(f"{head}Content-Length: 1000\r\n\r\nabc".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 408")


def _address(ask):
    return ask.__closure__[0].cell_contents


def test_a_token_is_needed_where_it_is_set(slow, photos):
    slow.go.set()
    with serving(slow(), token="secret") as ask:  # noqa: S106
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic secret"}):
            assert ask("POST", "/predict", png(photos[0]), {**IMAGE, **headers})[0] == 401
            assert ask("GET", "/metrics", None, headers)[0] == 401
        right = {"Authorization": "Bearer secret"}
        assert ask("POST", "/predict", png(photos[0]), {**IMAGE, **right})[0] == 200
        assert ask("GET", "/health")[0] == 200


def test_a_failure_is_an_answer_and_no_end(slow, photos, monkeypatch):
    slow.go.set()
    service = slow()
    with serving(service) as ask:
        monkeypatch.setattr(service, "_fit", lambda image: 1 / 0)
        status, content, _ = ask("POST", "/predict", png(photos[0]), IMAGE)
        assert (status, "ZeroDivision" in str(content)) == (500, False)
        monkeypatch.undo()
        assert ask("POST", "/predict", png(photos[0]), IMAGE)[0] == 200


def test_a_port_that_is_taken_is_told_before_the_network_is_made(trained, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert serve.main(["--checkpoint", str(trained), "--port", port]) == 2
    assert "cannot listen" in capsys.readouterr().err


def test_the_program_serves_until_it_is_told_to_end(trained):
    command = [sys.executable, "-m", "densefit", "serve", "--checkpoint", str(trained)]
    process = forked.Popen([*command, "--port", "0"], stdout=forked.PIPE, text=True)
    try:
        lines = []
        while not (lines and "serving on" in lines[-1]):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        assert "drawn from score 0.1 (the recipe)" in lines[0]
        assert "which change no bit of an answer" in lines[1]
        port = int(lines[-1].partition("127.0.0.1:")[2].partition("/")[0])
        wait_for(("127.0.0.1", port))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (-signal.SIGTERM, 128 + signal.SIGTERM)
    finally:
        process.kill()
