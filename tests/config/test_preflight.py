"""scripts/preflight: each bad state is one line with its remedy.

The engine is a stand-in that answers as `docker` does; scripts/smoke runs the real one.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

GOOD = {
    "server": "28.5.2",
    "compose": "2.40.3",
    "cpus": "2",
    "memory": str(8 << 30),
    "ports": "",
    "config": "",
    "root": "/var/lib/docker",
    "own": "",
    "time": "$(date -u +%FT%T.123456789Z)",
}
DOCKER = """#!/bin/bash
case "$*" in
  "version --format "*) [ -n "{server}" ] && echo "{server}" || exit 1 ;;
  "compose version --short") [ -n "{compose}" ] && echo "{compose}" || exit 1 ;;
  "info --format {{{{.NCPU}}}}") echo "{cpus}" ;;
  "info --format {{{{.MemTotal}}}}") echo "{memory}" ;;
  "info --format {{{{.DockerRootDir}}}}") echo "{root}" ;;
  "info --format {{{{.SystemTime}}}}") echo "{time}" ;;
  "compose ps --all --quiet") echo "{own}" ;;
  "compose ps --format "*) echo "{ports}" ;;
  "compose config --quiet") [ -z "{config}" ] || {{ echo "{config}" >&2; exit 1; }} ;;
  *) echo "not expected: $*" >&2; exit 99 ;;
esac
"""
TIMEDATECTL = """#!/bin/bash
[ -z "{synchronised}" ] && exit 1 || echo "{synchronised}"
"""
DF = """#!/bin/bash
printf 'Filesystem 1024-blocks Used Available Capacity Mounted on\\n/dev/x 0 0 {free_kib} {used}%% /\\n'
"""
FOREIGN = "192.0.2.7"
IP = """#!/bin/bash
case "$*" in
  "route get {foreign}") echo "{foreign} dev eth0 src 192.0.2.2 uid 0" ;;
  "route get "*) echo "local $3 dev lo" ;;
esac
"""

Preflight = Callable[..., subprocess.CompletedProcess[str]]


def mounted_folders(repository: Path) -> list[str]:
    text = (repository / "docker-compose.yml").read_text(encoding="utf-8")
    return re.findall(r"- \./(\S+):/checkout/", text)


@pytest.fixture
def preflight(repository: Path, tmp_path: Path, free_port: Callable[[], int]) -> Preflight:
    """Run the script in a checkout of its own, with ports that are free whatever this machine runs."""
    checkout = tmp_path / "checkout"
    (checkout / "scripts").mkdir(parents=True)
    shutil.copy(repository / "docker-compose.yml", checkout)
    for name in mounted_folders(repository):
        (checkout / name / "secrets").mkdir(parents=True)
        (checkout / name / "file.yml").touch(0o644)
    for name in ("preflight", "settings", "versions"):
        shutil.copy(repository / "scripts" / name, checkout / "scripts")
    shutil.copy(repository / ".env.example", checkout)
    text = (repository / ".env.example").read_text(encoding="utf-8")
    free = {name: str(free_port()) for name in re.findall(r"^#([A-Z_]+_PORT)=", text, re.MULTILINE)}

    def run(
        env_file: str | None = None,
        environment: Mapping[str, str] = free,
        override: str = "",
        free_gib: int = 50,
        used_percent: int = 40,
        max_map_count: str = "1048576",
        synchronised: str = "yes",
        **answers: str,
    ) -> subprocess.CompletedProcess[str]:
        programs = tmp_path / "bin"
        programs.mkdir(exist_ok=True)
        docker = programs / "docker"
        docker.write_text(DOCKER.format(**{**GOOD, **answers}), encoding="utf-8")
        docker.chmod(0o755)
        df = programs / "df"
        df.write_text(DF.format(free_kib=free_gib << 20, used=used_percent), encoding="utf-8")
        df.chmod(0o755)
        timedatectl = programs / "timedatectl"
        timedatectl.write_text(TIMEDATECTL.format(synchronised=synchronised), encoding="utf-8")
        timedatectl.chmod(0o755)
        ip = programs / "ip"
        ip.write_text(IP.format(foreign=FOREIGN), encoding="utf-8")
        ip.chmod(0o755)
        (tmp_path / "proc/sys/vm").mkdir(parents=True, exist_ok=True)
        (tmp_path / "proc/sys/vm/max_map_count").write_text(f"{max_map_count}\n", encoding="utf-8")
        if env_file is not None:
            (checkout / ".env").write_text(env_file, encoding="utf-8")
        if override:
            (checkout / "docker-compose.override.yml").write_text(override, encoding="utf-8")
        return subprocess.run(
            [str(checkout / "scripts" / "preflight")],
            env={
                "PATH": f"{programs}:/usr/bin:/bin",
                "PREFLIGHT_PROC": str(tmp_path / "proc"),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def problems(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.stdout == ""
    assert done.returncode == (1 if done.stderr else 0)
    return [line.removeprefix("preflight: ") for line in done.stderr.splitlines()]


def test_a_good_machine_has_no_line(preflight: Preflight) -> None:
    assert problems(preflight()) == []
    assert problems(preflight("# my values\n\nPROMETHEUS_RETENTION_TIME=7d\nCOMPOSE_PROFILES=demo,gpu")) == []
    assert problems(preflight("TRACES_ENDPOINT=\nJAEGER_RETENTION=36h")) == []
    assert problems(preflight("TRACES_ENDPOINT=http://jaeger:4318")) == []
    assert problems(preflight("LOGS=1\nLOGS_RETENTION_TIME=36h\nLOGS_RETENTION_SIZE=5GB")) == []
    assert problems(preflight("LOGS_NAMESPACE=production\nLOG_FILES=/var/log/mine")) == []
    assert problems(preflight("ELASTICSEARCH_HEAP=3g\nELASTICSEARCH_MEMORY=6144m")) == []
    assert problems(preflight("LOGS=0 # for now\nJAEGER_RETENTION='36h' # a day and a half\n")) == []
    for host in ("watch.example.net", "192.0.2.7", "[2001:db8::7]"):
        assert problems(preflight(f"PUBLIC_HOST={host}")) == []


@pytest.mark.parametrize("version", ["25.0", "25.0.3", "v28.1.0", "100.0"])
def test_new_enough_versions_pass(preflight: Preflight, version: str) -> None:
    assert problems(preflight(server=version)) == []


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ({"server": "24.0.9"}, "Docker 24.0.9 is too old; install 25.0 or newer"),
        ({"compose": "2.9.0"}, "Docker Compose 2.9.0 is too old; install 2.24 or newer"),
        ({"memory": str(1 << 30)}, "Docker has 1024 MiB of memory; it needs 2048"),
        ({"server": ""}, "the Docker engine does not answer; start it"),
        ({"compose": ""}, "`docker compose` is missing; install Docker's Compose plugin 2.24"),
        ({"config": "services.x: no such field"}, "services.x: no such field"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_engine_that_will_not_do_is_one_line(
    preflight: Preflight, answers: dict[str, str], line: str
) -> None:
    [found] = problems(preflight(**answers))
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("env_file", "line"),
    [
        ("GRAFANA_PROT=1\n", ".env line 1: unknown value GRAFANA_PROT; known are "),
        ("# x\n\nBIND_ADDRESS=\n", ".env line 3: BIND_ADDRESS is empty; write a value, or put # before it"),
        ('BIND_ADDRESS=""\n', ".env line 1: BIND_ADDRESS is empty"),
        ("BIND_ADDRESS=localhost\n", ".env line 1: BIND_ADDRESS=localhost cannot be used"),
        (
            "PROMETHEUS_RETENTION_TIME=30 days\n",
            ".env line 1: PROMETHEUS_RETENTION_TIME=30 days cannot be used",
        ),
        ("PROMETHEUS_RETENTION_SIZE=10\n", ".env line 1: PROMETHEUS_RETENTION_SIZE=10 cannot be used"),
        ("PROMETHEUS_MEMORY=lots\n", ".env line 1: PROMETHEUS_MEMORY=lots cannot be used"),
        ("JAEGER_RETENTION=7d\n", ".env line 1: JAEGER_RETENTION=7d cannot be used"),
        ("TRACES_ENDPOINT=jaeger:4318\n", ".env line 1: TRACES_ENDPOINT=jaeger:4318 cannot be used"),
        ("COMPOSE_PROFILES=dmeo\n", ".env line 1: COMPOSE_PROFILES=dmeo cannot be used"),
        ("LOGS_PULL_POLICY=no\n", ".env line 1: LOGS_PULL_POLICY=no cannot be used"),
        ("LOGS=yes\n", ".env line 1: LOGS=yes cannot be used"),
        ("LOGS_RETENTION_TIME=2w\n", ".env line 1: LOGS_RETENTION_TIME=2w cannot be used"),
        ("LOGS_RETENTION_SIZE=20\n", ".env line 1: LOGS_RETENTION_SIZE=20 cannot be used"),
        ("LOGS_RETENTION_SIZE=500MB\n", ".env line 1: LOGS_RETENTION_SIZE=500MB cannot be used"),
        (
            "ELASTICSEARCH_HEAP=6g\nELASTICSEARCH_MEMORY=12g\n",
            "ELASTICSEARCH_MEMORY=12g is all of Docker's memory (8192 MiB) or more; lower it",
        ),
        ("LOGS_NAMESPACE=my-team\n", ".env line 1: LOGS_NAMESPACE=my-team cannot be used"),
        ("LOG_FILES=logs\n", ".env line 1: LOG_FILES=logs cannot be used"),
        ("ELASTICSEARCH_HEAP=lots\n", ".env line 1: ELASTICSEARCH_HEAP=lots cannot be used"),
        (
            "ELASTICSEARCH_HEAP=2g\n",
            "ELASTICSEARCH_MEMORY=2g is less than twice ELASTICSEARCH_HEAP=2g; raise it",
        ),
        ("LOGSTASH_MEMORY=900m\n", "LOGSTASH_MEMORY=900m is less than twice LOGSTASH_HEAP=512m"),
        ("PUBLIC_HOST=http://x.example\n", ".env line 1: PUBLIC_HOST=http://x.example cannot be used"),
        ("just words\n", ".env line 1 is no NAME=value"),
        ("INBOX_PORT=", ".env line 1: INBOX_PORT is empty"),
    ],
)
def test_a_value_that_will_not_do_is_one_line(preflight: Preflight, env_file: str, line: str) -> None:
    found = problems(preflight(env_file))
    assert [one for one in found if one.startswith(line)] == found[:1]
    assert len(found) == 1


# ── The log half ─────────────────────────────────────────────────────────────────────────────────────────


def test_less_memory_will_do_without_logs(preflight: Preflight) -> None:
    [found] = problems(preflight(memory=str(4 << 30)))
    assert found.startswith("Docker has 4096 MiB of memory; with logs it needs 6144")
    assert found.endswith("set LOGS=0 in .env to do without")
    assert problems(preflight("LOGS=0", memory=str(4 << 30))) == []
    assert len(problems(preflight("LOGS=0", memory=str(1 << 30)))) == 1


def test_a_disk_on_which_elasticsearch_would_take_nothing_is_told(
    preflight: Preflight, tmp_path: Path
) -> None:
    root = str(tmp_path)
    [found] = problems(preflight(f"DOCKER_ROOT={root}", root=root, used_percent=90, free_gib=9))
    assert found.startswith(f"the disk of {root} is 90 % full with 9 GiB left, and Elasticsearch")
    assert problems(preflight(f"DOCKER_ROOT={root}", root=root, used_percent=89)) == []
    assert problems(preflight(f"DOCKER_ROOT={root}", root=root, used_percent=97)) == []  # large
    assert problems(preflight(f"LOGS=0\nDOCKER_ROOT={root}", root=root, used_percent=99)) == []


def test_room_is_asked_for_before_the_first_start_alone(preflight: Preflight, tmp_path: Path) -> None:
    root = str(tmp_path)
    with_logs, without = f"DOCKER_ROOT={root}", f"LOGS=0\nDOCKER_ROOT={root}"
    [found] = problems(preflight(with_logs, root=root, free_gib=11))
    assert found == f"the disk of {root} has 11 GiB left; the images and a beginning take 12"
    assert problems(preflight(without, root=root, free_gib=11)) == []
    assert len(problems(preflight(without, root=root, free_gib=4))) == 1
    assert problems(preflight(with_logs, root=root, free_gib=1, own="4f6d")) == []


def test_where_docker_keeps_the_logs_of_containers_must_be_known(preflight: Preflight) -> None:
    [found] = problems(preflight(root="/mnt/docker"))
    assert found.endswith("the logs of containers, in /mnt/docker; set DOCKER_ROOT=/mnt/docker in .env")
    assert problems(preflight("DOCKER_ROOT=/mnt/docker", root="/mnt/docker")) == []
    assert problems(preflight("LOGS=0", root="/mnt/docker")) == []


def test_few_memory_maps_are_a_note_with_the_command_and_stop_nothing(preflight: Preflight) -> None:
    done = preflight(max_map_count="65530")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "preflight: note: vm.max_map_count is 65530 and Elasticsearch wants 262144; run"
    )
    assert "`sudo sysctl -w vm.max_map_count=262144`" in done.stdout
    assert preflight("LOGS=0", max_map_count="65530").stdout == ""
    assert preflight("LOGS=1", max_map_count="262144").stdout == ""


@pytest.mark.parametrize(
    ("clock", "told"),
    [
        ("$(date -u -d '-5 minutes' +%FT%T.5Z)", "behind this machine's"),
        ("$(date -u -d '+2 hours' +%FT%TZ)", "ahead of this machine's"),
    ],
)
def test_a_clock_of_dockers_own_is_told(preflight: Preflight, clock: str, told: str) -> None:
    (line,) = problems(preflight(time=clock))
    assert re.match(r"Docker's clock is (29\d|30\d|719\d|720\d) s ", line), line
    assert told in line
    assert "restart Docker" in line


def test_the_zone_of_dockers_clock_is_no_difference(preflight: Preflight) -> None:
    for zone in ("Asia/Kolkata", "America/Los_Angeles"):
        assert problems(preflight(time=f"$(TZ={zone} date +%FT%T.123%:z)")) == []


def test_a_clock_that_was_set_back_is_told(preflight: Preflight, tmp_path: Path) -> None:
    compose = tmp_path / "checkout" / "docker-compose.yml"
    compose.touch()
    assert problems(preflight()) == []
    os.utime(compose, (time.time() + 86_400,) * 2)
    (line,) = problems(preflight())
    assert "docker-compose.yml is newer; set the clock (`sudo timedatectl set-ntp true`)" in line


OVERLAID = "COMPOSE_FILE=docker-compose.yml:caddy/docker-compose.yml"


@pytest.mark.parametrize(
    ("settings", "files", "said"),
    [
        ("", (), ["caddy/secrets/users is missing or empty"]),
        ("", ("users",), []),
        ("CADDY_ASK=ask-sign-on", (), ["of the profile sign-on", "oauth2-proxy.cfg is missing"]),
        ("CADDY_ASK=ask-sign-on\nCOMPOSE_PROFILES=demo,sign-on", ("oauth2-proxy.cfg",), []),
        ("CADDY_ASK=none", ("users",), ["CADDY_ASK=none cannot be used"]),
        ("CADDY_TLS=tls.crt", ("users",), ["CADDY_TLS=tls.crt cannot be used"]),
        (
            "CADDY_TLS=/etc/caddy/secrets/a.crt /etc/caddy/secrets/a.key",
            ("users", "a.crt"),
            ["caddy/secrets/a.key is missing"],
        ),
        (
            "CADDY_TLS=me@example.net",
            ("users",),
            ["add :caddy/acme.yml", "set BIND_ADDRESS", "set PUBLIC_HOST"],
        ),
    ],
)
def test_what_the_overlay_needs_is_checked_before_caddy_fails(
    preflight: Preflight, tmp_path: Path, settings: str, files: Sequence[str], said: Sequence[str]
) -> None:
    secrets = tmp_path / "checkout" / "caddy" / "secrets"
    secrets.mkdir(parents=True)
    for name in files:
        (secrets / name).write_text("content\n", encoding="utf-8")
    found = problems(preflight(f"{OVERLAID}\n{settings}"))
    assert len(found) == len(said)
    for line, text in zip(found, said, strict=True):
        assert text in line
    without = problems(preflight(settings))
    assert len(without) == sum("cannot be used" in line for line in found)


def test_a_file_that_caddy_cannot_read_is_named_and_behind_caddy_the_pages_are_not(
    preflight: Preflight, tmp_path: Path
) -> None:
    users = tmp_path / "checkout" / "caddy" / "secrets" / "users"
    users.parent.mkdir(parents=True)
    users.write_text("me hash\n", encoding="utf-8")
    users.chmod(0o600)
    (line,) = problems(preflight(OVERLAID))
    assert "`chmod o+r caddy/secrets/users`" in line
    users.chmod(0o644)
    users.parent.chmod(0o700)
    (line,) = problems(preflight(OVERLAID))
    assert "`chmod o+x caddy/secrets`" in line
    users.parent.chmod(0o711)
    users.parent.parent.chmod(0o750)
    (line,) = problems(preflight(OVERLAID))
    assert line.startswith("the services run as users of their own and cannot read caddy (1 such")
    users.parent.parent.chmod(0o755)
    [note] = preflight(f"{OVERLAID}\nBIND_ADDRESS=0.0.0.0").stdout.splitlines()
    assert "no password: what takes spans and log lines" in note


def test_one_processor_is_a_note(preflight: Preflight) -> None:
    done = preflight(cpus="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("preflight: note: Docker has 1 processor and the stack wants 2")


def test_what_services_cannot_read_is_named_and_the_remedy_mends_it(
    preflight: Preflight, tmp_path: Path, repository: Path
) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "prometheus" / "secrets" / "key").touch(0o600)  # meant for its owner
    assert "prometheus" in mounted_folders(repository)
    assert problems(preflight()) == []
    (checkout / "prometheus" / "file.yml").chmod(0o600)
    (checkout / "docs").chmod(0o700)
    (line,) = problems(preflight())
    assert "cannot read " in line
    assert "(2 such files and folders)" in line
    [remedy] = re.findall(r"run `(find .+)`", line)
    subprocess.run(["/bin/bash", "-c", remedy], cwd=checkout, check=True)
    assert problems(preflight()) == []
    assert (checkout / "prometheus" / "secrets" / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_what_others_reach_without_a_password_is_a_note(preflight: Preflight, address: str) -> None:
    done = preflight(f"BIND_ADDRESS={address}")
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    assert line.startswith(f"preflight: note: BIND_ADDRESS={address} shows to other machines")
    assert "no password: Prometheus, Alertmanager, " in line
    [line] = preflight(f"BIND_ADDRESS={address}\nWEB_LOGIN=1").stdout.splitlines()
    assert "no password: the inbox, " in line


def test_an_address_of_another_machine_is_a_note_and_its_ports_are_not_called(preflight: Preflight) -> None:
    done = preflight(f"BIND_ADDRESS={FOREIGN}")
    assert done.returncode == 0, done.stderr
    exposed, foreign = done.stdout.splitlines()
    assert f"BIND_ADDRESS={FOREIGN} shows to other machines" in exposed
    assert f"BIND_ADDRESS={FOREIGN} is no address of this machine" in foreign


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1"])
def test_an_address_of_this_machine_alone_needs_no_note(preflight: Preflight, address: str) -> None:
    assert problems(preflight(f"BIND_ADDRESS={address}")) == []


def test_a_clock_that_nobody_corrects_is_a_note(preflight: Preflight) -> None:
    done = preflight(synchronised="no")
    assert (done.returncode, done.stderr) == (0, "")
    assert "clock is not synchronised; `sudo timedatectl set-ntp true`" in done.stdout
    assert problems(preflight(synchronised="")) == [], "no systemd here: nothing is known"


def test_ports_of_the_log_half_are_asked_for_only_when_it_runs(preflight: Preflight) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        for name in ("KIBANA_PORT", "LOGSTASH_HTTP_PORT"):
            assert f"set {name} in .env to a free one" in preflight("LOGS=1", environment={name: port}).stderr
            assert f"port {port} " not in preflight("LOGS=0", environment={name: port}).stderr


def test_a_value_that_compose_cannot_read_hides_no_port_and_is_told_once(preflight: Preflight) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as ours:
        port = str(ours.getsockname()[1])
        done = preflight("INBOX_PORT=80x\n", {"GRAFANA_PORT": port}, config="Invalid hostPort: 80x")
        assert [line.partition(":")[0] for line in problems(done)] == [".env line 1"]


def test_a_value_for_the_users_own_services_is_known(preflight: Preflight) -> None:
    override = "services: {app: {image: 'app:${S3_TAG:-1}', command: $APP_CMD}}"
    assert problems(preflight("S3_TAG=2\nAPP_CMD=run\nCOMPOSE_PARALLEL_LIMIT=4\n", override=override)) == []
    [line] = problems(preflight("APP_CM=run\n", override=override))
    assert "unknown value APP_CM;" in line


def test_a_port_that_another_program_holds_is_named_with_its_variable(preflight: Preflight) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        for environment, env_file in (({"GRAFANA_PORT": port}, None), ({}, f"GRAFANA_PORT={port}\n")):
            found = preflight(env_file, environment=environment)
            assert (
                f"preflight: port {port} on 127.0.0.1 is taken by another program; stop that, or set"
                " GRAFANA_PORT in .env to a free one\n"
            ) in found.stderr
            assert found.returncode == 1


def test_a_port_that_this_stack_holds_already_is_none_of_them(preflight: Preflight) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        found = preflight(environment={"GRAFANA_PORT": port}, ports=f"9446 {port}")
        assert f"port {port} " not in found.stderr


def test_every_problem_is_told_at_once(preflight: Preflight) -> None:
    assert len(problems(preflight("GRAFANA_PROT=1\nBIND_ADDRESS=\n", server="20.10.24", memory="1"))) == 4


def test_without_docker_it_says_what_to_install(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("preflight", "settings", "versions"):
        shutil.copy(repository / "scripts" / name, tmp_path / "scripts")
    shutil.copy(repository / ".env.example", tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "dirname", "sed", "grep", "sort", "head", "tail"):
        (programs / name).symlink_to(shutil.which(name) or "")
    done = subprocess.run(
        [str(tmp_path / "scripts" / "preflight")],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
    )
    assert done.stderr.startswith("preflight: no docker here; install Docker Engine 25.0 or newer")
    assert done.returncode == 1
