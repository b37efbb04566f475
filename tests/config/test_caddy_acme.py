"""caddy/: certificates by ACME, of a real ACME server: Caddy's own, in a network that only the two are on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml

NAME = "monitoring.test"
SERVER = """
{
	admin off
	auto_https disable_redirects
	skip_install_trust
}
https://ca.test:9443 {
	tls internal
	acme_server
}
"""
# Run in the other network: its ports 80 and 443 are free whatever this machine runs.
WITHIN = """
import fcntl, json, os, socket, ssl, struct, subprocess, sys, time
from pathlib import Path
caddy, folder = sys.argv[1], Path(sys.argv[2])
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
subprocess.run(["mount", "--bind", str(folder / "hosts"), "/etc/hosts"], check=True)
def start(name, **more):
    environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / name / "data"), **more}
    argv = [caddy, "run", "--config", str(folder / name / "Caddyfile"), "--adapter", "caddyfile"]
    return subprocess.Popen(argv, env=environment, stdout=sys.stderr, stderr=sys.stderr)
def look():
    trusted = ssl.create_default_context(cafile=root)
    with socket.create_connection(("NAME", 9090), timeout=10) as plain:
        with trusted.wrap_socket(plain, server_hostname="NAME") as stream:
            certificate = stream.getpeercert()
            stream.sendall(b"GET / HTTP/1.0\\r\\nHost: NAME:9090\\r\\n\\r\\n")
            return {"names": certificate["subjectAltName"], "status": stream.recv(64).split()[1].decode()}
server = start("server")
root = folder / "server/data/caddy/pki/authorities/local/root.crt"
until = time.monotonic() + 180
while not root.exists() and time.monotonic() < until:
    time.sleep(0.2)
front = start("caddy", PUBLIC_HOST="NAME", CADDY_TLS="me@example.net", CADDY_ASK="ask-password")
try:
    while True:
        try:
            print(json.dumps(look()))
            break
        except OSError as error:
            if time.monotonic() > until or front.poll() is not None:
                raise
            time.sleep(0.5)
finally:
    front.kill()
    server.kill()
""".replace("NAME", NAME)


def test_a_name_gets_its_certificate_from_the_acme_server_of_your_own(
    repository: Path,
    debian_programs: Callable[..., Path],
    give_up: Callable[[str], NoReturn],
    tmp_path: Path,
) -> None:
    unshare = shutil.which("unshare")
    if os.getuid() != 0 or unshare is None:
        give_up("a network of its own needs root and unshare")
    caddy = debian_programs("caddy", "unstable", "caddy") / "caddy"
    shutil.copytree(repository / "caddy", tmp_path / "caddy")
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "Caddyfile").write_text(SERVER, encoding="utf-8")
    (tmp_path / "hosts").write_text(f"127.0.0.1 localhost ca.test {NAME}\n", encoding="utf-8")
    root = tmp_path / "server/data/caddy/pki/authorities/local/root.crt"
    secrets = tmp_path / "caddy" / "secrets"
    hashed = subprocess.run([str(caddy), "hash-password"], input="right\n", capture_output=True, text=True)
    (secrets / "users").write_text(f"me {hashed.stdout}", encoding="utf-8")
    (secrets / "acme.options").write_text(
        f"acme_ca https://ca.test:9443/acme/local/directory\nacme_ca_root {root}\n", encoding="utf-8"
    )
    done = subprocess.run(
        [unshare, "--net", "--mount", sys.executable, "-c", WITHIN, str(caddy), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: Mapping[str, Any] = json.loads(done.stdout)
    assert found == {"names": [["DNS", NAME]], "status": "401"}
    assert "certificate obtained successfully" in done.stderr


def test_port_80_is_published_for_it_alone(repository: Path) -> None:
    overlay = yaml.safe_load((repository / "caddy" / "acme.yml").read_text(encoding="utf-8"))
    assert overlay == {"services": {"caddy": {"ports": ["${BIND_ADDRESS:-127.0.0.1}:80:80"]}}}
