"""A file in real headless Chromium: what it logs, what it asks the network for, what it draws."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


DRAWN = "return document.querySelectorAll('.picture svg.marks').length"


@dataclass(frozen=True)
class Page:
    errors: list[str]
    requests: list[str]
    drawn: int  # pictures
    title: str
    scroll_width: int


def needed() -> None:
    """Leaves the test out where the browser is missing, and says so; fails where all must be there."""
    if BROWSER is None or DRIVER is None:
        message = "Chromium is not here: apt-get install chromium chromium-driver"
        if "chromium" in os.environ.get("PPP_ENGINES", ""):
            pytest.fail(message)
        pytest.skip(message)


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = BROWSER or ""
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def opened(driver: webdriver.Chrome, path: Path, width: int, dark: bool) -> Page:
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": [scheme]})
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(path.as_uri())
    wanted = driver.execute_script("return document.querySelectorAll('.picture').length")
    WebDriverWait(driver, 60).until(lambda one: one.execute_script(DRAWN) >= wanted)
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return Page(
        [entry["message"] for entry in driver.get_log("browser")],
        [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"],
        driver.execute_script(DRAWN),
        driver.title,
        driver.execute_script("return document.documentElement.scrollWidth"),
    )
