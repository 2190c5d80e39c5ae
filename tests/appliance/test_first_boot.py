"""A new machine is set up over its own pages, and judges nothing by a clock that can't be right."""

import http.cookiejar
import re
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tests.servers.product import Product, command_line, until


class Browser:
    """A browser without scripts."""

    def __init__(self, url: str) -> None:
        self.url = url
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)

    def get(self, path: str) -> tuple[str, str]:
        """Where that leads to, and the page there."""
        with self._opener.open(self.url + path, timeout=60) as page:
            return page.geturl().removeprefix(self.url), page.read().decode()

    def send(self, path: str, **fields: str) -> tuple[int, str, str]:
        """Fill in the form there: status, where that leads to, the page."""
        csrf = re.findall(r'name="csrf" value="([^"]+)"', self.get(path)[1])[-1]
        data = urllib.parse.urlencode({**fields, "csrf": csrf}).encode()
        try:
            with self._opener.open(self.url + path, data, timeout=60) as page:
                return page.status, page.geturl().removeprefix(self.url), page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, path, error.read().decode()


def code_on(screen: Path) -> str:
    found: str = re.findall(r"code (\d{4}-\d{4})", screen.read_text())[0]
    return found


def set_up(browser: Browser, screen: Path) -> None:
    """Set the machine up as its owner does, after a wrong try."""
    assert browser.get("/")[0] == "/first-boot"
    fields = {"company": "安居物业", "site": "滨江苑", "code": "riverside", "login": "liufang"}
    fields |= {"time_zone": "Asia/Shanghai", "name": "刘芳", "password": "three words will do"}
    status, _, page = browser.send("/first-boot", boot_code="0000", **fields)
    assert status == 403
    assert "not the code on the screen" in page
    assert "滨江苑" in page

    def taken() -> bool:
        # One code a second.
        status, where, page = browser.send("/first-boot", boot_code=code_on(screen), **fields)
        assert status in (200, 429), page
        return status == 200 and where != "/first-boot"

    until(taken, 30, "the code is never taken", pause=0.3)


def test_a_machine_is_set_up_and_judges_nothing_by_a_wrong_clock(tmp_path: Path) -> None:
    screen, request = tmp_path / "console.issue", tmp_path / "set-clock"
    settings = {"console_file": str(screen), "clock_request": str(request)}
    settings["require_second_factor"] = "nobody"
    product = Product(tmp_path / "data", "up", settings)
    leak = ("publish", "wk/v1/riverside/leak-1/readings")
    try:
        product.start()
        assert f"http://\\4:{settings['http_port']}/" in screen.read_text()
        set_up(Browser(product.url), screen)
        # The shipped rules come into force, and the screen says no code any more.
        until(lambda: product.token != "", 60, "the rules never come")
        until(lambda: "code" not in screen.read_text(), 60, "the code stays")
        assert Browser(product.url).get("/first-boot")[0] == "/sign-in"
        product.wait_until_listening()
        product.stop()

        # The power was away, and the clock began in the past.
        with sqlite3.connect(product.folder / "watchkeeper.sqlite") as database:
            database.execute("UPDATE shard SET last_beat = datetime(last_beat, '+9 days')")
        database.close()
        product.start()
        assert product.ill_parts() == ["clock"]
        assert "can't be right" in screen.read_text()
        assert product.ask("/api/v1/tickets")[0] == 503
        assert command_line(*leak, '{"leak": true}', folder=product.folder).returncode == 0
        browser = Browser(product.url)
        where, page = browser.get("/sign-in")
        assert where == "/clock"
        assert "clock of this machine can" in page
        assert product.rows("SELECT count(*) FROM quarantined") == [(0,)]
        status, where, _ = browser.send(
            "/clock", boot_code=code_on(screen), moment="1796000000", action="set"
        )
        assert (status, where) == (200, "/clock?set=yes")
        assert request.read_text() == "1796000000\n"

        # Here the clock is right, and the records ran ahead: what was sent meanwhile is heard.
        def accepted() -> bool:
            return browser.send("/clock", boot_code=code_on(screen), action="accept")[0] == 200

        until(accepted, 30, "it is never accepted", pause=0.3)
        until(lambda: product.ill_parts() == [], 60, "it stays ill")
        heard = "SELECT count(*) FROM quarantined"
        until(lambda: product.rows(heard) != [(0,)], 60, "what waited is never heard")
        product.stop()
    finally:
        product.end()
