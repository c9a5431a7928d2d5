"""The page in a real browser: width, contrast, roles, keyboard, filter, and no script of others."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from densefit.tools.page.render import MOST
from densefit.tools.page.write import write_page
from tests.browser import REQUIRED, Browser, require_browser
from tests.tools.page.run_folder import CLASSES, HOSTILE, write_run

SAMPLES = 250  # of two drawings each
AXE = """
const options = {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]};
const nodes = each => each.nodes.slice(0, 3).map(node => node.html).join(" ");
window.axe.run(document, options).then(result => {
  window.found = result.violations.map(each => `${each.id}: ${nodes(each)}`.slice(0, 600));
});
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_page(write_run(tmp_path_factory.mktemp("page") / "run", SAMPLES))


@pytest.fixture(scope="module")
def browser():
    require_browser()
    browser = Browser()
    yield browser
    browser.close()


def axe():
    """Source of axe-core, which a package brings along."""
    spec = find_spec("axe_playwright_python")
    if spec is None:
        text = "axe-core is not installed: .ci/install.py --extras dev"
        (pytest.fail if REQUIRED else pytest.skip)(text)
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")


def test_the_page_is_small_enough(page):
    assert page.stat().st_size <= MOST
    assert page.read_text(encoding="utf-8").count("data:image/jpeg") == 2 * SAMPLES


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(browser, page, width):
    browser.open(page.as_uri(), width)
    wide, visible, inner = browser.run(
        "const e = document.documentElement; return [e.scrollWidth, e.clientWidth, innerWidth]"
    )
    assert inner == width
    assert wide == visible
    assert browser.messages() == []


def test_a_hostile_class_name_is_text(browser, page):
    browser.open(page.as_uri())
    assert browser.run("return document.querySelectorAll('img:not([src^=\"data:\"])').length") == 0
    names = browser.run(
        "return [...document.querySelectorAll('.matrix th')].map(each => each.textContent)"
    )
    assert names.count(HOSTILE) == 2
    assert HOSTILE in browser.run("return document.querySelector('#data').textContent")


def test_a_script_of_others_does_not_run(browser, page):
    browser.open(page.as_uri())
    browser.run(
        "const e = document.createElement('script'); e.textContent = 'window.evil = 1';"
        "document.body.append(e)"
    )
    assert browser.run("return window.evil === undefined")
    assert any("Content Security Policy" in each["message"] for each in browser.messages())


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_contrast_and_roles(browser, tmp_path, width, dark):
    path = write_page(write_run(tmp_path / "run"))
    browser.open(path.as_uri(), width, dark)
    browser.run("for (const each of document.querySelectorAll('details')) each.open = true")
    browser.command("Runtime.evaluate", expression=axe())
    browser.run(AXE)
    assert browser.wait("return window.found && [window.found]") == [[]]


def test_light_and_dark_follow_the_browser(browser, page):
    colors = []
    for dark in (False, True):
        browser.open(page.as_uri(), dark=dark)
        colors.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert colors == ["rgb(244, 246, 249)", "rgb(16, 20, 27)"]


def test_the_filter_shows_samples_of_a_class_and_an_outcome(browser, page):
    browser.open(page.as_uri())
    shown = "return document.querySelectorAll('.sample:not([hidden])').length"
    count = "return document.querySelector('.count').textContent"
    assert browser.run(shown) == 24
    assert browser.run(count) == f"24 of {SAMPLES} shown"
    choose = (
        "const [name, text] = arguments; const e = document.querySelector(`[data-filter=${name}]`);"
        "e.value = [...e.options].find(each => each.text === text).value;"
        "e.dispatchEvent(new Event('change'))"
    )
    browser.run(choose, "class", CLASSES[0])
    browser.run(choose, "kind", "missed")
    expected = len([index for index in range(SAMPLES) if index % 3 == 0 and index % 2 == 0])
    assert browser.run(count) == f"24 of {expected} shown"
    browser.run("document.querySelector('.more').click()")
    assert browser.run(shown) == expected
    texts = browser.run(
        "return [...document.querySelectorAll('.sample:not([hidden]) .outcomes')]"
        ".map(each => each.textContent)"
    )
    assert all("cell: 1 missed" in text for text in texts)


def test_every_control_is_reached_by_the_keyboard(browser, page):
    browser.open(page.as_uri())
    wanted = browser.run(
        "return document.querySelectorAll('a[href], select, summary, button:not([hidden])').length"
    )
    reached = 0
    for _ in range(80):
        browser.press("Tab")
        name = browser.run("return document.activeElement.localName")
        reached += name in ("a", "select", "summary", "button")
        if name == "body" and reached:
            break
    assert reached == wanted > 10


def test_printing_opens_what_is_folded(browser, page):
    browser.open(page.as_uri())
    browser.wait("return document.querySelectorAll('details').length > 1")
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.wait("return [...document.querySelectorAll('details')].every(each => each.open)")
