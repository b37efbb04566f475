"""caddy/: the real Caddy before small servers, and the overlay as Compose reads it.

oauth2-proxy is a stand-in that knows one cookie; it answers strangers and guests as the documentation of the
real one says (401 and 202 of /oauth2/auth). Where Go is, the last test of sign-on builds the real one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import RedirectResponse
from websockets.sync.client import connect

from vectorwatch.serve.web_login import encode_login

from .compose import Render, Service
from .test_compose import EXCEPTIONS, RULES

PAGES = {
    "grafana": 3000,
    "kibana": 5601,
    "prometheus": 9090,
    "alertmanager": 9093,
    "inbox": 9446,
    "status": 9448,
    "jaeger": 16686,
}
WITH_USERS_OF_THEIR_OWN = ("grafana", "kibana")
ASKING = ("prometheus", "alertmanager")
"""With WEB_LOGIN=1."""
GUARDED = tuple(name for name in PAGES if name not in WITH_USERS_OF_THEIR_OWN)


@pytest.fixture
def caddy(debian_programs: Callable[..., Path]) -> str:
    return str(debian_programs("caddy", "unstable", "caddy") / "caddy")


class Front:
    """A running Caddy: the address of each page, and a client that trusts its authority."""

    def __init__(self, ports: Mapping[str, int], authority: Path) -> None:
        self.ports = ports
        self.trusted = ssl.create_default_context(cafile=authority)

    def is_encrypted(self, page: str) -> bool:
        try:
            self.get(page)
        except httpx.TransportError:
            return False
        return True

    def get(self, page: str, path: str = "/", **options: Any) -> httpx.Response:
        url = f"https://127.0.0.1:{self.ports[page]}{path}"
        with httpx.Client(verify=self.trusted, trust_env=False, timeout=30) as client:
            return client.get(url, **options)


@pytest.fixture
def start(
    caddy: str,
    repository: Path,
    tmp_path: Path,
    copy: Callable[..., Path],
    serve: Callable[[FastAPI], str],
    free_port: Callable[[], int],
    start_program: Callable[..., Any],
    poll: Callable[..., None],
) -> Callable[..., Front]:
    """Start Caddy with `ask-password` or `ask-sign-on` before servers that say their names.

    `sign_on_at` is told the ports of the pages and returns the address of oauth2-proxy.
    """

    def run(ask: str, sign_on_at: Callable[[Mapping[str, int]], str] | None = None) -> Front:
        ports = {name: free_port() for name in PAGES}
        health = free_port()
        replaced = {"127.0.0.1:8080": f"127.0.0.1:{health}"}
        provide = sign_on_at or (lambda _ports: serve(sign_on()).removeprefix("http://"))
        replaced["oauth2-proxy:4180"] = provide(ports)
        for name, port in PAGES.items():
            replaced[f"{name}:{port}"] = serve(page(name)).removeprefix("http://")
            replaced[f"{{$PUBLIC_HOST}}:{port}"] = f"{{$PUBLIC_HOST}}:{ports[name]}"
        replaced["/run/secrets"] = str(tmp_path / "run-secrets")
        (tmp_path / "run-secrets").mkdir()
        for name in ASKING:
            (tmp_path / "run-secrets" / f"{name}_login").write_text(encode_login(f"of-{name}"))
        folder = copy(repository / "caddy", tmp_path / "caddy", replaced)
        (folder / "secrets").mkdir(exist_ok=True)
        hashed = subprocess.run(
            [caddy, "hash-password"], input="right\n", capture_output=True, text=True, check=True, timeout=120
        )
        (folder / "secrets" / "users").write_text(f"me {hashed.stdout}", encoding="utf-8")
        start_program(
            [caddy, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"],
            ready_url=f"http://127.0.0.1:{health}/healthz",
            env={
                "PUBLIC_HOST": "127.0.0.1",
                "CADDY_ASK": ask,
                "XDG_DATA_HOME": str(tmp_path / "data"),
                "XDG_CONFIG_HOME": str(tmp_path),
                "HOME": str(tmp_path),
            },
        )
        authority = tmp_path / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        poll(authority.exists, "Caddy's authority")
        front = Front(ports, authority)
        for name in PAGES:  # certificates are made in the background
            poll(lambda name=name: front.is_encrypted(name), f"a certificate for {name}")
        return front

    return run


def page(name: str) -> FastAPI:
    app = FastAPI()

    @app.get("/{path:path}")
    async def answer(request: Request) -> dict[str, str]:
        user = request.headers.get("x-auth-request-email", "")
        return {"page": name, "user": user, "login": request.headers.get("authorization", "")}

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(f"{name} lives")
        await socket.close()

    return app


def sign_on() -> FastAPI:
    """Stand in for oauth2-proxy."""
    app = FastAPI()

    @app.get("/oauth2/auth")
    async def auth(request: Request) -> Response:
        if request.cookies.get("_oauth2_proxy") != "guest":
            return Response(status_code=401)
        return Response(status_code=202, headers={"X-Auth-Request-Email": "me@example.com"})

    @app.get("/oauth2/start")
    async def begin(request: Request) -> Response:
        # As the real one: what it is told by the header goes through the provider and back.
        state = quote(request.headers["x-auth-request-redirect"], safe="")
        return RedirectResponse(f"https://login.example.com/authorize?state={state}", status_code=302)

    return app


def test_a_page_that_knows_no_users_asks_for_a_password(start: Callable[[str], Front]) -> None:
    front = start("ask-password")
    for name in GUARDED:
        for stranger in (None, ("me", "wrong"), ("you", "right")):
            refused = front.get(name, "/api", auth=stranger)
            assert (refused.status_code, refused.text) == (401, ""), name
        answer = front.get(name, auth=("me", "right")).json()
        assert answer["page"] == name
        own = f"Basic {encode_login(f'of-{name}')}" if name in ASKING else ""
        assert answer["login"] == own, "a person's password is Caddy's alone"
    for name in WITH_USERS_OF_THEIR_OWN:
        assert front.get(name).json()["page"] == name
    for name in PAGES:  # a refusal has them, too
        headers = front.get(name).headers
        assert headers["strict-transport-security"] == "max-age=31536000"
        assert headers["x-content-type-options"] == "nosniff"


def test_what_a_page_sends_of_itself_passes(start: Callable[[str], Front]) -> None:
    """Grafana's live updates are a websocket."""
    front = start("ask-password")
    with connect(f"wss://127.0.0.1:{front.ports['grafana']}/live", ssl=front.trusted, proxy=None) as socket:
        assert socket.recv(timeout=30) == "grafana lives"


def test_an_old_link_leads_to_the_encrypted_page(start: Callable[[str], Front]) -> None:
    front = start("ask-password")
    port = front.ports["prometheus"]
    answer = httpx.get(f"http://127.0.0.1:{port}/graph?x=1", trust_env=False, timeout=30)
    assert answer.is_redirect
    assert answer.headers["location"] == f"https://127.0.0.1:{port}/graph?x=1"


def test_who_is_not_signed_on_is_sent_to_the_provider_and_comes_back(start: Callable[[str], Front]) -> None:
    front = start("ask-sign-on")
    for name in GUARDED:
        here = f"https://127.0.0.1:{front.ports[name]}/a/b?from=1&to=%2F2#"
        sent = front.get(name, "/a/b?from=1&to=%2F2")
        assert sent.status_code == 302, name
        assert parse_qs(urlsplit(sent.headers["location"]).query)["state"] == [here.rstrip("#")]
        forged = front.get(name, headers={"X-Auth-Request-Email": "root@example.com"})
        assert forged.status_code == 302, "a header of one's own is no sign-on"
        guest = front.get(name, headers={"Cookie": "_oauth2_proxy=guest"})
        assert (guest.json()["page"], guest.json()["user"]) == (name, "me@example.com")


CLIENT = "vectorwatch"
PEOPLE = {
    "inside": {"email": "inside@example.net", "email_verified": True, "groups": ["sre"]},
    "outside": {"email": "outside@example.net", "email_verified": True, "groups": ["sales"]},
    "elsewhere": {"email": "elsewhere@example.org", "email_verified": True, "groups": ["sre"]},
}


@pytest.fixture
def oauth2_proxy(repository: Path, overlaid: Mapping[str, Service]) -> Path:
    """The program of the release whose image the overlay names, built once from its Go module."""
    go = shutil.which("go")
    version = str(overlaid["oauth2-proxy"]["image"]).rpartition(":")[2]
    program = repository / ".tools" / "oauth2-proxy" / version / "oauth2-proxy"
    if not program.exists():
        if go is None:
            # In CI too: a machine that runs the tests need not have Go. The summary names what was skipped.
            pytest.skip("no Go here to build oauth2-proxy")
        built = subprocess.run(
            [go, "install", f"github.com/oauth2-proxy/oauth2-proxy/v7@{version}"],
            env={**os.environ, "GOBIN": str(program.parent)},
            capture_output=True,
            text=True,
            timeout=1200,
        )
        if built.returncode != 0:
            pytest.skip(f"oauth2-proxy {version} cannot be built here: {built.stderr.splitlines()[-1]}")
    return program


def test_the_real_oauth2_proxy_lets_in_whom_a_provider_knows_and_the_file_names(
    start: Callable[..., Front],
    oauth2_proxy: Path,
    overlaid: Mapping[str, Service],
    repository: Path,
    free_port: Callable[[], int],
    start_program: Callable[..., Any],
    tmp_path: Path,
) -> None:
    provider = f"http://127.0.0.1:{free_port()}"
    known = [
        word
        for name, claims in PEOPLE.items()
        for word in ("--user-claims", json.dumps({"sub": name, **claims}))
    ]
    argv = [sys.executable, "-m", "oidc_provider_mock", "--port", provider.rpartition(":")[2], *known]
    start_program(argv, ready_url=f"{provider}/.well-known/openid-configuration")

    def run_proxy(ports: Mapping[str, int]) -> str:
        """Start it with the flags of the overlay and the file of the how-to."""
        secrets = tmp_path / "proxy-secrets"
        secrets.mkdir()
        (secrets / "client_secret").write_text("anything")
        (secrets / "cookie_secret").write_text(urlsafe_b64encode(os.urandom(32)).decode())
        page = (repository / "docs" / "how-to" / "tls-and-sign-on.md").read_text(encoding="utf-8")
        [text] = re.findall(r"(?s)```toml\n(.+?)```", page)
        for place, own in {
            "https://login.example.net/realms/company": provider,
            "https://monitoring.example.net:9090": f"https://127.0.0.1:{ports['prometheus']}",
            "monitoring.example.net": "127.0.0.1",
            "/etc/caddy/secrets": str(secrets),
        }.items():
            text = text.replace(place, own)
        (tmp_path / "oauth2-proxy.cfg").write_text(text, encoding="utf-8")
        address = f"127.0.0.1:{free_port()}"
        flags = " ".join(overlaid["oauth2-proxy"]["command"])
        flags = flags.replace("0.0.0.0:4180", address)
        flags = flags.replace("/etc/caddy/secrets/oauth2-proxy.cfg", str(tmp_path / "oauth2-proxy.cfg"))
        start_program([str(oauth2_proxy), *flags.split()], ready_url=f"http://{address}/ping")
        return address

    front = start("ask-sign-on", run_proxy)
    here = f"https://127.0.0.1:{front.ports['prometheus']}/a/b?from=1&to=%2F2"

    @contextmanager
    def sign_on(name: str) -> Iterator[tuple[httpx.Client, httpx.Response]]:
        with httpx.Client(
            verify=front.trusted, trust_env=False, timeout=60, follow_redirects=True
        ) as browser:
            asked = browser.get(here)
            assert str(asked.url).startswith(provider), "the provider asks who it is"
            yield browser, browser.post(asked.url, data={"sub": name})

    with sign_on("inside") as (browser, answer):
        assert str(answer.url) == here
        assert answer.json() == {
            "page": "prometheus",
            "user": "inside@example.net",
            "login": f"Basic {encode_login('of-prometheus')}",
        }
        other = browser.get(f"https://127.0.0.1:{front.ports['inbox']}/", follow_redirects=False)
        assert other.json()["page"] == "inbox", "one sign-on opens all pages"
    for name in ("outside", "elsewhere"):
        with sign_on(name) as (browser, answer):
            assert answer.status_code == 403, name
            assert browser.get(here, follow_redirects=False).status_code == 302, "still a stranger"


def test_without_the_file_of_users_caddy_does_not_start(caddy: str, repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "caddy"
    folder.mkdir()
    for name in ("Caddyfile", "ask-password.caddy"):
        (folder / name).write_text(
            (repository / "caddy" / name).read_text(encoding="utf-8"), encoding="utf-8"
        )
    done = subprocess.run(
        [caddy, "validate", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"],
        env={"PUBLIC_HOST": "127.0.0.1", "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert "secrets/users" in done.stderr


# ── The overlay ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def overlaid(render: Render, repository: Path) -> Mapping[str, Service]:
    services: Mapping[str, Service] = render(("*",), repository / "caddy" / "docker-compose.yml")["services"]
    return services


def test_each_page_is_published_by_caddy_alone_on_its_own_port(
    overlaid: Mapping[str, Service], render: Render
) -> None:
    before = render()["services"]
    published = {port["published"] for port in overlaid["caddy"]["ports"]}
    assert published == {str(port) for port in PAGES.values()}
    for name, port in PAGES.items():
        here = {one["target"] for one in overlaid[name].get("ports", [])}
        assert here == {one["target"] for one in before[name]["ports"]} - {port}, name


def test_caddy_reaches_every_page(overlaid: Mapping[str, Service]) -> None:
    networks = set(overlaid["caddy"]["networks"])
    for name in PAGES:
        assert networks & set(overlaid[name]["networks"]), name
    assert set(overlaid["oauth2-proxy"]["networks"]) & networks


@pytest.mark.parametrize("name", ["caddy", "oauth2-proxy"])
def test_its_services_keep_the_rules_of_the_others(name: str, overlaid: Mapping[str, Service]) -> None:
    exceptions = {
        ("caddy", "adds_no_capability"): "the image's program carries NET_BIND_SERVICE and wants it",
        ("oauth2-proxy", "has_a_health_check"): "its image holds no program that could ask",
        **EXCEPTIONS,
    }
    broken = [rule.__name__ for rule in RULES if not rule(overlaid[name])]
    assert [rule for rule in broken if (name, rule) not in exceptions] == []


def test_the_data_of_caddy_is_given_to_its_user(overlaid: Mapping[str, Service]) -> None:
    mounts = {mount["target"]: mount["source"] for mount in overlaid["setup"]["volumes"]}
    assert mounts["/data/caddy"] == "caddy_data"
    assert mounts["/secrets/caddy"] == "caddy_secrets"
    assert re.match(r"10001:", overlaid["caddy"]["user"])
