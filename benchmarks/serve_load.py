"""How much `densefit serve` costs beside prediction alone, and what it answers to bad requests.

    python benchmarks/serve_load.py            # SSD with ResNet-18 at 300 x 300, 8 clients
    python benchmarks/serve_load.py --smallest # seconds

Both decode the same JPEGs, in as many threads. The server is a process of its own, the clients are
another one; on a busy machine compare the CPU milliseconds per image, which are without clients.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bad_requests import bad_requests, encoded, garbage, request, send

import densefit as df
from densefit.checkpoint.weights.load import load
from densefit.data.io.image import decode_image
from densefit.data.workers.factory import default_workers
from densefit.tools.predicting.make_predictor import make_predictor
from densefit.tools.predicting.pipeline import Item, results
from densefit.tools.predicting.settings import PredictionSettings

TOKEN = "of-the-benchmark"  # noqa: S105
_CLASSES = [f"class-{number}" for number in range(20)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="a narrow network, few images")
    parser.add_argument("--images", type=int, default=None)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--engine", default=None)
    chosen = parser.parse_args(arguments)
    side = 64 if chosen.smallest else 300
    count = chosen.images or (24 if chosen.smallest else 160)
    body = 1 << 18
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "network"
        write_network(checkpoint, 8 if chosen.smallest else 64, side)
        images = [encoded(".jpg", (side, side * 4 // 3), seed) for seed in range(16)]
        alone = predict_alone(checkpoint, side, images, count, chosen.batch, chosen.engine)
        options = ["--input_size", f"[{side}, {side}]", "--max_body", str(body)]
        options += ["--score_batch_size", str(chosen.batch), "--max_pixels", "1000000"]
        options += [] if chosen.engine is None else ["--engine", chosen.engine]
        with Server(checkpoint, options) as server:
            ask_all(server, images, 2 * chosen.clients, chosen.clients)  # warm
            served = ask_all(server, images, count, chosen.clients)
            print_speed(alone, served, chosen.clients)
            print_bad(server, body, images[0])


def write_network(path: Path, width: int, side: int) -> None:
    """Write a detector with random weights, which computes as long as a trained one."""
    network = df.Network(
        "resnet18", [df.head("detection", classes=_CLASSES)], settings={"width": width}
    )
    shapes = df.dataset("shapes", length=2, size=(side, side))
    shapes.classes = _CLASSES
    fit_in = df.transform("resize", height=side, width=side)
    train = df.Loader(shapes, batch_size=2, transform=fit_in, heads=network.heads)
    df.save(df.fit(network, train, updates=1, optimizer="sgd", lr=1e-6).network, path)


def predict_alone(
    checkpoint: Path, side: int, images: Sequence[bytes], count: int, batch: int, engine: str | None
) -> tuple[float, float]:
    """(images per second, CPU milliseconds per image) of `densefit predict` without files."""
    settings = PredictionSettings(input_size=(side, side), score_batch_size=batch)
    network = load(checkpoint)
    network.engine_name = engine or network.engine_name
    predictor = make_predictor(settings, network)

    def read(number: int) -> np.ndarray:
        return decode_image(images[number % len(images)], "benchmark")

    def run(number: int) -> None:
        items = [Item(str(n), str(n), lambda n=n: read(n)) for n in range(number)]
        for _ in results(items, predictor, default_workers(), batch):
            pass

    run(2 * batch)  # warm
    start, cpu = time.perf_counter(), time.process_time()
    run(count)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return count / seconds, 1000 * cpu / count


class Server:
    """`densefit serve` in a process."""

    def __init__(self, checkpoint: Path, options: Sequence[str]) -> None:
        program = Path(df.__file__).parent / "tools" / "serve.py"
        command = [sys.executable, str(program), "--checkpoint", str(checkpoint), "--port", "0"]
        root = str(Path(df.__file__).parents[1])
        path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "DENSEFIT_TOKEN": TOKEN, "PYTHONPATH": path},
        )
        self.address = ("127.0.0.1", 0)

    def __enter__(self) -> Server:
        for line in self.process.stdout or ():
            print(line, end="")
            found = re.search(r"http://127\.0\.0\.1:([0-9]+)/", line)
            if found:
                self.address = ("127.0.0.1", int(found[1]))
                wait_until_open(self.address)
                return self
        raise SystemExit("the server did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(60)

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None


def wait_until_open(address: tuple[str, int]) -> None:
    """Wait until the server takes connections."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            send(address, TOKEN, {**request(None, path="/health"), "method": "GET"})
            return
        except ConnectionRefusedError:
            time.sleep(0.02)


def ask_all(
    server: Server, images: Sequence[bytes], count: int, clients: int
) -> tuple[float, float, np.ndarray]:
    """(images per second, server's CPU milliseconds per image, seconds of each request)."""
    numbers = iter(range(count))
    lock = threading.Lock()
    seconds: list[float] = []
    answers: dict[int, set[bytes]] = {}

    def work() -> None:
        connection = http.client.HTTPConnection(*server.address, timeout=120)
        headers = {"Content-Type": "image/jpeg", "Authorization": f"Bearer {TOKEN}"}
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            start = time.perf_counter()
            connection.request("POST", "/predict", images[number % len(images)], headers)
            response = connection.getresponse()
            content = response.read()
            if response.status != 200:
                raise SystemExit(f"status {response.status}: {content[:200]!r}")
            with lock:
                seconds.append(time.perf_counter() - start)
                answers.setdefault(number % len(images), set()).add(content)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    start, cpu = time.perf_counter(), server.cpu_seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total, cpu = time.perf_counter() - start, server.cpu_seconds - cpu
    if any(len(found) > 1 for found in answers.values()):
        raise SystemExit("the answers to equal images differ")
    return count / total, 1000 * cpu / count, np.sort(seconds)


def print_speed(
    alone: tuple[float, float], served: tuple[float, float, np.ndarray], clients: int
) -> None:
    """Print the table of speed."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"\n{'':24}images/s   CPU ms/image   p50 ms   p99 ms")
    print(f"{'predict alone':24}{alone[0]:8.1f}{alone[1]:15.1f}")
    p50, p99 = (1000 * float(np.quantile(served[2], share)) for share in (0.5, 0.99))
    label = f"serve, {clients} clients"
    print(f"{label:24}{served[0]:8.1f}{served[1]:15.1f}{p50:9.1f}{p99:9.1f}")
    print(f"serve / predict: {served[0] / alone[0]:.2f} of the images/s, ", end="")
    print(f"{alone[1] / served[1]:.2f} of the images per CPU second ({memory} MiB here)")
    print("answers to equal images are equal bytes")


def print_bad(server: Server, body: int, good: bytes) -> None:
    """Print the table of bad requests; after each, a good one must be answered."""
    print(f"\n{'bad request':36}status")
    wrong = 0
    for what, expected, asked in bad_requests(TOKEN, body):
        status, _ = send(server.address, TOKEN, asked)
        after, _ = send(server.address, TOKEN, request(good))
        is_right = status == expected and after == 200
        wrong += not is_right
        print(f"{what:36}{status}{'' if is_right else f'  EXPECTED {expected}, then {after}'}")
    print(f"{'no HTTP (beside the 24)':36}{garbage(server.address).decode()}")
    print(f"{wrong} of 24 wrong; the server is {'running' if server.is_running else 'DOWN'}")


if __name__ == "__main__":
    main()
