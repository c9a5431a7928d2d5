"""The live pages over HTTP, as a browser and as somebody else's page ask for them."""

import http.client
import threading
import time

import pytest

from densefit.tools.serving.web_server import listening
from tests.browser import Browser, require_browser
from tests.tools.page.run_folder import HOSTILE, write_run

uvicorn = pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two runs, and around them what must not be shown."""
    root = tmp_path_factory.mktemp("watched") / "runs"
    for name in ("first", "second/again"):
        write_run(root / name)
    secret = root.parent / "secret"
    write_run(secret)
    (secret / "config.yaml").write_text("password: hidden\n")
    (root / "link").symlink_to(secret)
    (root / "first" / "cost.json").unlink()
    (root / "first" / "decisions.json").unlink()
    (root / "first" / "decisions.json").symlink_to(secret / "decisions.json")
    return root


@pytest.fixture(scope="module")
def address(root):
    from densefit.tools.watching.app import make_app

    listener = listening("127.0.0.1", 0)
    config = uvicorn.Config(make_app(root), log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    yield listener.getsockname()
    server.should_exit = True
    thread.join()


def ask(address, path, method="GET", **headers):
    """(status, text, headers)."""
    connection = http.client.HTTPConnection(*address, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode(), response.headers
    finally:
        connection.close()


def test_runs_side_by_side(address):
    status, text, headers = ask(address, "/")
    assert status == 200
    for name in ("first", "second/again"):
        assert f'<a href="/run/{name}">{name}</a>' in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"


def test_only_chosen_runs(address):
    text = ask(address, "/live?run=first")[1]
    assert "/run/first" in text
    assert "/run/second" not in text


def test_the_page_of_a_run(address):
    status, text, headers = ask(address, "/run/second/again")
    assert status == 200
    assert "<h2>boxes</h2>" in text
    assert HOSTILE not in text
    assert "Refresh" not in headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_name_of_this_host_is_refused(address, host):
    status, text, _ = ask(address, "/", Host=host)
    assert status == 421
    assert "first" not in text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_the_page_of_another_host_is_refused(address, origin):
    assert ask(address, "/live", Origin=origin)[0] == 403


def test_the_own_page_may_ask(address):
    own = "http://{}:{}".format(*address)
    assert ask(address, "/live", Origin=own)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/run/../secret", "/run/%2e%2e/secret", "/run/first/../../secret", "/run//etc"),
        *("/run/link", "/run/first/config.yaml", "/run/nothing", "/etc/passwd", "/run/%00"),
        "/run/..%2f..%2fsecret",
    ],
)
def test_nothing_outside_the_runs_is_shown(address, path):
    status, text, _ = ask(address, path)
    assert status == 404
    assert "hidden" not in text


def test_a_linked_file_is_named_and_not_shown(address):
    text = ask(address, "/run/first")[1]
    assert "decisions.json: a link out of the folder" in text
    assert "small objects" not in text


def test_nothing_can_be_written(address):
    assert ask(address, "/", "POST")[0] == 405


def test_a_browser_follows_a_training(address, root):
    require_browser()
    browser = Browser()
    try:
        browser.open("http://{}:{}/".format(*address), width=390)
        wide, visible = browser.run(
            "const e = document.documentElement; return [e.scrollWidth, e.clientWidth]"
        )
        assert wide == visible
        write_run(root / "third")
        browser.wait("return document.querySelector('#live').textContent.includes('third')")
        assert browser.messages() == []
    finally:
        browser.close()
