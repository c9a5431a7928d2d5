"""A headless Chromium, driven by its WebDriver: a dozen requests, so no package is needed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import pytest

#: With DENSEFIT_TEST_BROWSER=1, as in continuous integration, a missing browser is an error.
REQUIRED = os.environ.get("DENSEFIT_TEST_BROWSER") == "1"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
_SECONDS = 60
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy is set


def require_browser():
    """Skip the test without Chromium and its driver, or fail where they are required."""
    missing = [
        name for name, path in (("chromium", CHROMIUM), ("chromedriver", DRIVER)) if not path
    ]
    if not missing:
        return
    text = f"{' and '.join(missing)} not found: apt-get install chromium chromium-driver"
    if REQUIRED:
        pytest.fail(text)
    pytest.skip(text)


class Browser:
    """A page of a browser; `close` ends both processes."""

    def __init__(self):
        self._driver = subprocess.Popen(
            [DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._address = f"http://127.0.0.1:{self._port()}"
        capabilities = {
            "goog:chromeOptions": {"binary": CHROMIUM, "args": list(ARGUMENTS)},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        session = self._send("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = f"/session/{session['sessionId']}"

    def _port(self):
        for line in self._driver.stdout:
            if "started successfully on port" in line:
                return int(line.rsplit("port", 1)[1].strip(" .\n"))
        raise RuntimeError("chromedriver did not start")

    def _send(self, method, path, content=None):
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self._address + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with _DIRECT.open(request, timeout=_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from error

    def command(self, name, **parameters):
        """Run a command of Chrome's DevTools protocol."""
        content = {"cmd": name, "params": parameters}
        return self._send("POST", f"{self._session}/goog/cdp/execute", content)

    def open(self, url, width=1280, dark=False):
        """Open an address at a width in CSS pixels, and forget earlier messages."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        self.messages()
        self._send("POST", f"{self._session}/url", {"url": url})

    def run(self, script, *arguments):
        """Result of a script with `return`."""
        content = {"script": script, "args": list(arguments)}
        return self._send("POST", f"{self._session}/execute/sync", content)

    def wait(self, script):
        """Result of a script with `return`, once it is true."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            result = self.run(script)
            if result:
                return result
            time.sleep(0.05)
        raise AssertionError(f"never true: {script}")

    def press(self, key):
        """Press a key, e.g. "Tab"."""
        for kind in ("keyDown", "keyUp"):
            self.command(
                "Input.dispatchKeyEvent",
                **{"type": kind, "key": key, "code": key},
                windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key],
            )

    def messages(self):
        """Messages of the console, and script errors, since the last call."""
        return self._send("POST", f"{self._session}/se/log", {"type": "browser"})

    def picture(self):
        """A PNG of the whole page, as bytes."""
        size = self.run(
            "const e = document.documentElement; return [e.scrollWidth, e.scrollHeight]"
        )
        clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], 16000), "scale": 1}
        picture = self.command("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(picture["data"])

    def screenshot(self, path):
        """Write a PNG of the whole page."""
        with open(path, "wb") as file:
            file.write(self.picture())

    def close(self):
        """End the browser and its driver."""
        try:
            self._send("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait()
