"""The page in a real browser: what runs, what does not, what it measures."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    # Frames below the window are not loaded.
    "--window-size=1000,30000", "--virtual-time-budget=3000",
]  # fmt: skip

# Each would leave a trace in the page if it ran.
MARK = "document.documentElement.setAttribute('data-broken-in','yes')"
ATTACKS = [
    f"<script>{MARK}</script>",
    f'<img src=x onerror="{MARK}">',
    f'<svg onload="{MARK}"></svg>',
    f'<iframe srcdoc="<script>parent.{MARK}</script>"></iframe>',
    f'<details open ontoggle="{MARK}">',
    f"<style>@import 'javascript:{MARK}';</style>",
    f'<meta http-equiv=refresh content="0;url=javascript:{MARK}">',
    f'<base href=//evil.example><form action=javascript:{MARK}><input autofocus onfocus="{MARK}">',
    f"<script>parent.{MARK}; top.{MARK}</script>",
]


Show = Callable[[str], str]


@pytest.fixture
def browser(tmp_path: Path, give_up: Callable[[str], NoReturn]) -> Show:
    """Return the document of an address after its scripts have run for some virtual seconds."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        give_up("needs Chromium; test_article.py checks the same pages with a parser")

    def show(url: str) -> str:
        argv = [program, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", url]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout

    return show


@pytest.fixture
def answer_with() -> Iterator[Callable[[Callable[[str], httpx.Response]], str]]:
    """Start a server that answers each path as told; return its address."""
    with ExitStack() as stack:

        def start(answer: Callable[[str], httpx.Response]) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    response = answer(self.path)
                    self.send_response(response.status_code)
                    for name in ("content-type", "content-security-policy"):
                        if name in response.headers:
                            self.send_header(name, response.headers[name])
                    self.end_headers()
                    self.wfile.write(response.content)

                def log_message(self, *_: Any) -> None:
                    """Say nothing."""

            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


def is_broken(dom: str) -> bool:
    return "data-broken-in" in dom.lower().partition("<body")[0].partition("<head")[0]


def html_mail(content: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "mail"
    message.set_content(content, subtype="html")
    return message


def test_the_page_runs_its_own_script_and_no_other(inbox: Any, browser: Show) -> None:
    for attack in ATTACKS:
        attachment = {"title": attack, "text": attack, "fallback": attack}
        inbox.post("/slack", {"text": attack, "username": attack, "attachments": [attachment]})
        labels = {"alertname": attack, attack: attack}
        alert = {"status": "firing", "labels": labels, "annotations": {"summary": attack}}
        assert inbox.post("/webhook", {"status": "firing", "alerts": [alert]}).status_code == 200
        inbox.send_mail(html_mail(attack + f"<p>mail {len(attack)}</p>"))
    dom = browser(inbox.url)
    assert 'class="live">live</span>' in dom
    assert " UTC</time>" not in dom  # the script has written local times
    assert not is_broken(dom)
    # The newest 25; each frame was loaded and measured.
    assert dom.count("<article") == 25
    assert dom.count('<iframe style="height:') + dom.count('style="height: ') >= dom.count("<iframe") > 5


def test_a_mail_runs_nothing_when_it_is_opened_alone(
    inbox: Any, browser: Show, answer_with: Callable[..., str]
) -> None:
    inbox.send_mail(html_mail("".join(ATTACKS[:3]) + "<p>text of the mail</p>"))
    alone = browser(f"{inbox.url}/mail/1")
    assert "text of the mail" in alone
    assert not is_broken(alone)
    # The same bytes without our headers: the attacks are real ones.
    content = inbox.client.get("/mail/1").content
    unguarded = answer_with(
        lambda _path: httpx.Response(200, content=content, headers={"content-type": "text/html"})
    )
    assert is_broken(browser(unguarded))


def test_a_frame_grows_to_its_mail(inbox: Any, browser: Show) -> None:
    inbox.send_mail(html_mail("<div style='height: 1234px; margin: 0'>tall</div>"))
    dom = browser(inbox.url)
    height = int(dom.partition('style="height: ')[2].partition("px")[0])
    assert 1234 <= height < 1300


def test_what_arrives_while_the_page_is_open_appears_by_itself(
    inbox: Any, browser: Show, answer_with: Callable[..., str]
) -> None:
    inbox.post("/slack", {"text": "[FIRING:1] older"})
    opened = inbox.client.get("/")
    inbox.post("/slack", {"text": "[FIRING:1] newer"})
    inbox.post("/slack", {"text": "[FIRING:1] newer"})
    inbox.post("/webhook", {"status": "firing", "alerts": []})

    def answer(path: str) -> httpx.Response:
        """Answer as a tab that was opened before the second message sees the inbox."""
        forwarded: httpx.Response = inbox.client.get(path)
        return opened if path == "/" else forwarded

    dom = browser(answer_with(answer))
    articles = dom.partition('id="notifications"')[2]
    assert articles.index("no alerts") < articles.index("newer") < articles.index("older")
    assert articles.count("<article") == 3
    assert articles.count("received 2×") == 1
    assert 'data-channel="all">3<' in dom
