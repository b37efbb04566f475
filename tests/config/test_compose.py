"""docker-compose.yml as Compose renders it: the rules of the house hold for every service.

A service that is added later stands under the same rules. Whoever must break one writes the service and the
reason into EXCEPTIONS; an exception that is no longer needed fails too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from vectorwatch.dashboards.grafana import PLUGIN_VERSION
from vectorwatch.setup.keyring import KEYRINGS, LOGINS
from vectorwatch.setup.service import CADDY, DATA_OWNERS, OWN_GROUP

from .compose import Render, Service

ROOT = Path(__file__).parents[2]
ONE_SHOT = "it runs to its end before the others start and is not there afterwards"
BY_HAND = "scripts/backup and scripts/restore run it to its end"
EXCEPTIONS: Mapping[tuple[str, str], str] = {
    ("setup", "is_started_again"): ONE_SHOT,
    ("setup", "has_a_health_check"): ONE_SHOT,
    ("setup", "waits_for_setup"): "it is the set-up",
    ("setup", "is_not_root"): "only root can give a file to another user; no network, ends at once",
    ("setup", "adds_no_capability"): "CHOWN gives secrets away, DAC_READ_SEARCH reads a user's closed ones",
    ("cadvisor", "is_not_root"): "the cgroups and folders of containers are root's",
    ("cadvisor", "adds_no_capability"): "SYSLOG finds out-of-memory kills, DAC_READ_SEARCH measures disks",
    ("cadvisor", "mounts_no_engine_socket"): "they lie under /, where a tmpfs hides them",
    ("docker-socket", "is_not_root"): "the engine's sockets are root's; no capability, no network",
    ("docker-socket", "mounts_no_engine_socket"): "it is what stands between it and all others",
    ("docker-socket", "mounts_nothing_of_the_machine"): "the folder of the engine's sockets, read-only",
    ("cadvisor", "mounts_nothing_of_the_machine"): "it measures the machine's containers; read-only",
    ("cadvisor", "gets_no_device"): "/dev/kmsg, read-only: nowhere else are out-of-memory kills told",
    ("node-exporter", "mounts_nothing_of_the_machine"): "it measures the machine; read-only, not as root",
    ("node-exporter", "mounts_no_engine_socket"): "the socket lies under / and is closed to this user",
    ("backup", "is_started_again"): BY_HAND,
    ("backup", "has_a_health_check"): BY_HAND,
    ("backup", "is_not_root"): "it reads files of all users; read-only, no network",
    ("backup", "adds_no_capability"): "DAC_READ_SEARCH reads what is closed to others",
    ("backup", "mounts_nothing_of_the_machine"): "your files lie all over the checkout; read-only",
    ("restore", "is_started_again"): BY_HAND,
    ("restore", "has_a_health_check"): BY_HAND,
    ("restore", "is_not_root"): "only root can give a file to another user; no network",
    ("restore", "adds_no_capability"): "DAC_OVERRIDE writes, CHOWN and FOWNER give owner and mode",
    ("log-snapshot", "is_started_again"): BY_HAND,
    ("log-snapshot", "has_a_health_check"): BY_HAND,
    ("elasticsearch-setup", "is_started_again"): ONE_SHOT,
    ("elasticsearch-setup", "has_a_health_check"): ONE_SHOT,
    ("kibana-setup", "is_started_again"): ONE_SHOT,
    ("kibana-setup", "has_a_health_check"): ONE_SHOT,
    ("elasticsearch", "has_a_read_only_root"): "its start writes a keystore among the image's own files",
    ("logstash", "has_a_read_only_root"): "its documentation does not say that it can, and none was tried",
    ("filebeat", "is_not_root"): "Docker's log files are root's; no engine socket, no way out",
    ("filebeat", "adds_no_capability"): "DAC_READ_SEARCH reads the inbox' journal and files of other users",
    ("filebeat", "mounts_nothing_of_the_machine"): "the logs of containers are there; read-only",
    ("container-names", "is_not_root"): "Docker's files that hold the names are root's; no network at all",
    ("container-names", "adds_no_capability"): "DAC_READ_SEARCH: an engine may give its files to others",
    ("container-names", "mounts_nothing_of_the_machine"): "the names of containers are there; read-only",
}  # fmt: skip


def is_started_again(service: Service) -> bool:
    return bool(service["restart"] == "unless-stopped")


def has_a_health_check(service: Service) -> bool:
    return bool(service.get("healthcheck", {}).get("test"))


def waits_for_setup(service: Service) -> bool:
    setup = service.get("depends_on", {}).get("setup", {})
    return bool(setup.get("condition") == "service_completed_successfully" and setup.get("required"))


def is_not_root(service: Service) -> bool:
    uid, _, gid = service.get("user", "0").partition(":")
    return uid.isdigit() and int(uid) > 0 and gid.isdigit()


def drops_every_capability(service: Service) -> bool:
    return bool(service["cap_drop"] == ["ALL"])


def adds_no_capability(service: Service) -> bool:
    return not service.get("cap_add")


def gains_no_privilege(service: Service) -> bool:
    return "no-new-privileges:true" in service["security_opt"] and not service.get("privileged")


def keeps_its_profiles(service: Service) -> bool:
    """No service switches off seccomp or AppArmor, or takes part in the machine's namespaces."""
    shared = ("pid", "ipc", "uts", "cgroup", "userns_mode")
    loose = any("unconfined" in option for option in service["security_opt"])
    on_host = service.get("network_mode") == "host"
    return not loose and not on_host and not any(service.get(name) for name in shared)


def has_a_read_only_root(service: Service) -> bool:
    return service.get("read_only") is True


def has_a_memory_limit(service: Service) -> bool:
    return int(service.get("mem_limit", 0)) > 0


def rotates_its_log(service: Service) -> bool:
    options = service.get("logging", {}).get("options", {})
    return {"max-size", "max-file"} <= set(options)


def has_no_fixed_name(service: Service) -> bool:
    return not {"container_name", "hostname"} & service.keys()


def publishes_on_loopback_alone(service: Service) -> bool:
    return all(port.get("host_ip") == "127.0.0.1" for port in service.get("ports", []))


def mounts_folders_and_not_files(service: Service) -> bool:
    """An editor replaces a file; what was mounted would go on showing the old one."""
    return all(Path(mount["source"]).is_dir() for mount in _of_the_checkout(service))


def mounts_the_checkout_read_only(service: Service) -> bool:
    return all(mount.get("read_only") for mount in _of_the_checkout(service))


def mounts_nothing_of_the_machine(service: Service) -> bool:
    return len(_binds(service)) == len(_of_the_checkout(service))


def mounts_no_engine_socket(service: Service) -> bool:
    above = ("/", "/var", "/run", "/var/run")
    return not any(m["source"] in above or m["source"].endswith(".sock") for m in _binds(service))


def gets_no_device(service: Service) -> bool:
    return not service.get("devices")


def keeps_its_data_in_named_volumes(service: Service) -> bool:
    """No anonymous volume: `down` and `up` would begin with another."""
    return all(mount.get("source") for mount in service.get("volumes", []))


def names_its_networks(service: Service) -> bool:
    """The network `default` would join everybody."""
    return service.get("network_mode") == "none" or "default" not in service.get(
        "networks", {"default": None}
    )


def has_one_image_with_a_pinned_tag(service: Service) -> bool:
    image, _, tag = str(service.get("image", "")).rpartition(":")
    return bool(image) and bool(re.search(r"\d+\.\d+", tag))


def holds_no_secret_in_its_environment(service: Service) -> bool:
    secret = re.compile(r"PASSWORD|SECRET|TOKEN|API_?KEY", re.IGNORECASE)
    kept = re.compile(r"__FILE$|_FILE$|PUBLIC_KEY_RETRIEVAL")
    return not any(secret.search(name) and not kept.search(name) for name in service.get("environment", {}))


RULES: tuple[Callable[[Service], bool], ...] = (
    is_started_again,
    has_a_health_check,
    waits_for_setup,
    is_not_root,
    drops_every_capability,
    adds_no_capability,
    gains_no_privilege,
    keeps_its_profiles,
    has_a_read_only_root,
    has_a_memory_limit,
    rotates_its_log,
    has_no_fixed_name,
    publishes_on_loopback_alone,
    mounts_folders_and_not_files,
    mounts_the_checkout_read_only,
    mounts_nothing_of_the_machine,
    mounts_no_engine_socket,
    gets_no_device,
    keeps_its_data_in_named_volumes,
    names_its_networks,
    has_one_image_with_a_pinned_tag,
    holds_no_secret_in_its_environment,
)


def _binds(service: Service) -> list[Mapping[str, Any]]:
    return [mount for mount in service.get("volumes", []) if mount["type"] == "bind"]


def _of_the_checkout(service: Service) -> list[Mapping[str, Any]]:
    return [mount for mount in _binds(service) if mount["source"].startswith(f"{ROOT}/")]


@pytest.fixture(scope="module")
def services(render: Render) -> Mapping[str, Service]:
    found: Mapping[str, Service] = render()["services"]
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_service_keeps_the_rule_or_says_why_not(
    rule: Callable[[Service], bool], services: Mapping[str, Service]
) -> None:
    broken = {name for name, service in services.items() if not rule(service)}
    excepted = {service for service, name in EXCEPTIONS if name == rule.__name__}
    assert broken == excepted, f"{rule.__name__}: {rule.__doc__ or ''}"


BIND = {"type": "bind", "target": "/x"}
BROKEN: Mapping[str, Mapping[str, Any]] = {
    "is_started_again": {"restart": "no"},
    "has_a_health_check": {"healthcheck": None},
    "waits_for_setup": {"depends_on": {"setup": {"condition": "service_started", "required": True}}},
    "is_not_root": {"user": "0:65534"},
    "drops_every_capability": {"cap_drop": ["NET_RAW"]},
    "adds_no_capability": {"cap_add": ["NET_RAW"]},
    "gains_no_privilege": {"security_opt": []},
    "keeps_its_profiles": {"pid": "host"},
    "has_a_read_only_root": {"read_only": None},
    "has_a_memory_limit": {"mem_limit": None},
    "rotates_its_log": {"logging": {"driver": "json-file", "options": {"max-size": "10m"}}},
    "has_no_fixed_name": {"container_name": "prometheus"},
    "publishes_on_loopback_alone": {"ports": [{"target": 9090, "published": "9090"}]},
    "mounts_folders_and_not_files": {"volumes": [{**BIND, "source": f"{ROOT}/Makefile", "read_only": True}]},
    "mounts_the_checkout_read_only": {"volumes": [{**BIND, "source": f"{ROOT}/docs"}]},
    "mounts_nothing_of_the_machine": {"volumes": [{**BIND, "source": "/etc", "read_only": True}]},
    "mounts_no_engine_socket": {"volumes": [{**BIND, "source": "/var/run/docker.sock"}]},
    "gets_no_device": {"devices": [{"source": "/dev/kmsg"}]},
    "keeps_its_data_in_named_volumes": {"volumes": [{"type": "volume", "target": "/prometheus"}]},
    "names_its_networks": {"networks": {"default": None}},
    "has_one_image_with_a_pinned_tag": {"image": "prom/prometheus:latest"},
    "holds_no_secret_in_its_environment": {"environment": {"GF_SECURITY_ADMIN_PASSWORD": "x"}},
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_sees_a_service_that_breaks_it(
    rule: Callable[[Service], bool], services: Mapping[str, Service]
) -> None:
    changed = {**services["prometheus"], **BROKEN[rule.__name__]}
    assert not rule({name: value for name, value in changed.items() if value is not None})


def test_every_exception_has_a_rule_and_a_reason() -> None:
    assert {name for _, name in EXCEPTIONS} <= {rule.__name__ for rule in RULES}
    assert all(len(reason.split()) > 3 for reason in EXCEPTIONS.values())


LOG_HALF = {
    *("elasticsearch", "elasticsearch-setup", "logstash", "filebeat", "kibana", "kibana-setup"),
    *("container-names", "log-retention", "logs-exporter", "elasticsearch-exporter", "logs-targets"),
}


def test_the_services_that_are_promised_are_there(render: Render) -> None:
    always = {
        *("setup", "prometheus", "alertmanager", "grafana", "inbox", "qdrant-exporter", "dragonfly-exporter"),
        *("hnsw-probe", "node-exporter", "cadvisor", "blackbox-exporter", "jaeger", "status"),
        *("benchmark", "docker-socket"),
        *LOG_HALF,
    }
    assert render(()).get("services", {}).keys() == always
    assert render(("gpu",))["services"].keys() - always == {"gpu-exporter", "gpu-targets"}
    assert render(("backup",))["services"].keys() - always == {"backup", "restore", "log-snapshot"}
    assert render(("demo",))["services"].keys() - always == {
        *("qdrant", "dragonfly", "workload", "demo-app", "demo-load", "demo-targets"),
    }


# ── The log half ─────────────────────────────────────────────────────────────────────────────────────────


def test_one_value_switches_the_log_half_off_and_nothing_else(render: Render) -> None:
    for logs in ("0", "1"):
        scales = {name: service.get("scale", 1) for name, service in render(LOGS=logs)["services"].items()}
        assert {name for name, scale in scales.items() if scale == 0} == (LOG_HALF if logs == "0" else set())


def test_what_does_not_run_need_not_be_fetched(render: Render) -> None:
    """Compose pulls the image also of a service whose scale is 0, as a real engine showed."""
    services = render(LOGS="0", LOGS_PULL_POLICY="never")["services"]
    assert {services[name]["pull_policy"] for name in LOG_HALF} == {"never"}


def test_nothing_waits_for_the_log_half_so_that_alerts_go_out_without_it(
    services: Mapping[str, Service],
) -> None:
    for name in services.keys() - LOG_HALF:
        assert not LOG_HALF & services[name].get("depends_on", {}).keys(), name


def test_each_step_of_the_log_half_waits_for_what_it_needs(services: Mapping[str, Service]) -> None:
    def conditions(name: str) -> dict[str, str]:
        waits = services[name]["depends_on"].items()
        return {other: how["condition"] for other, how in waits if other != "setup"}

    healthy, done = "service_healthy", "service_completed_successfully"
    assert conditions("elasticsearch") == {}
    assert conditions("elasticsearch-setup") == {"elasticsearch": healthy}
    for name in ("logstash", "kibana", "log-retention"):
        assert conditions(name) == {"elasticsearch": healthy, "elasticsearch-setup": done}
    assert conditions("kibana-setup") == {"kibana": healthy}
    assert conditions("filebeat") == {"logstash": "service_started"}
    # They tell what is down, so they wait for nothing.
    for name in ("logs-exporter", "elasticsearch-exporter"):
        assert conditions(name) == {}


def test_all_parts_from_elastic_are_of_one_version(services: Mapping[str, Service]) -> None:
    tags = {s["image"].rpartition(":")[2] for s in services.values() if "docker.elastic.co" in s["image"]}
    assert len(tags) == 1


def test_elasticsearch_is_closed_free_of_charge_and_alone(services: Mapping[str, Service]) -> None:
    environment = services["elasticsearch"]["environment"]
    assert environment["xpack.license.self_generated.type"] == "basic"
    for part in ("xpack.security", "xpack.security.http.ssl", "xpack.security.transport.ssl"):
        assert environment[f"{part}.enabled"] == "true"
    for part in ("autoconfiguration", "enrollment"):
        assert environment[f"xpack.security.{part}.enabled"] == "false"
    assert environment["ingest.geoip.downloader.enabled"] == "false"
    assert environment["discovery.type"] == "single-node"
    assert environment["bootstrap.memory_lock"] == "true"
    assert services["elasticsearch"]["ulimits"]["memlock"] == {"soft": -1, "hard": -1}
    assert services["elasticsearch"]["ulimits"]["nofile"]["soft"] >= 65535  # its own least
    assert "ports" not in services["elasticsearch"]


def test_elasticsearch_finds_the_files_that_setup_writes(services: Mapping[str, Service]) -> None:
    folder = "/usr/share/elasticsearch/config"
    place = volumes_of(services["elasticsearch"])["elasticsearch_secrets"]["target"]
    assert place.startswith(f"{folder}/"), "outside of it Elasticsearch may read nothing"
    [keyring] = [one for one in KEYRINGS if one.service == "elasticsearch"]
    written = {f"{place}/{name}" for name in (*keyring.signed, *keyring.shared)}
    environment = services["elasticsearch"]["environment"]
    named = {
        str(Path(folder) / value)
        for name, value in environment.items()
        if name == "ELASTIC_PASSWORD_FILE" or re.search(r"\.ssl\.(key|certificate\w*)$", name)
    }
    assert named == written


def test_the_watermarks_of_the_disk_rise(services: Mapping[str, Service]) -> None:
    environment = services["elasticsearch"]["environment"]
    marks = [
        environment[f"cluster.routing.allocation.disk.watermark.{name}"]
        for name in ("low", "high", "flood_stage")
    ]
    full = [int(mark.removesuffix("%")) for mark in marks]
    assert full == sorted(set(full))
    # Each needs the next: Elasticsearch does not start with the first alone.
    left = [
        int(environment[f"cluster.routing.allocation.disk.watermark.{name}.max_headroom"].removesuffix("gb"))
        for name in ("low", "high", "flood_stage")
    ]
    assert left == sorted(set(left), reverse=True)


def test_heaps_are_fixed_and_leave_room_beside_them(render: Render) -> None:
    services = render()["services"]
    for name, variable in (("elasticsearch", "ES_JAVA_OPTS"), ("logstash", "LS_JAVA_OPTS")):
        least, most = re.findall(r"-Xm[sx](\d+[mg])", services[name]["environment"][variable])
        assert least == most
        heap = int(most[:-1]) * (1 << 30 if most.endswith("g") else 1 << 20)
        assert int(services[name]["mem_limit"]) >= 2 * heap
    larger = render(ELASTICSEARCH_HEAP="4g", ELASTICSEARCH_MEMORY="9g")["services"]["elasticsearch"]
    assert "-Xms4g -Xmx4g" in larger["environment"]["ES_JAVA_OPTS"]
    assert int(larger["mem_limit"]) == 9 << 30


def test_kibana_calls_nobody_and_keeps_its_secrets_out_of_arguments(
    repository: Path, services: Mapping[str, Service]
) -> None:
    kibana = services["kibana"]
    [file] = re.findall(r"exec bin/kibana --config (\S+)", " ".join(kibana["entrypoint"]))
    assert {mount["target"] for mount in _of_the_checkout(kibana)} == {str(Path(file).parent)}
    # There its start script looks for options of Node.js; without them any rejection ends Kibana.
    assert "KBN_PATH_CONF" not in kibana["environment"]
    settings = yaml.safe_load((repository / "kibana/settings/kibana.yml").read_text(encoding="utf-8"))
    for name in ("telemetry.optIn", "telemetry.allowChangingOptInStatus", "newsfeed.enabled"):
        assert settings[name] is False
    assert settings["map.includeElasticMapsService"] is False
    assert settings["xpack.fleet.isAirGapped"] is True
    # The image's script `kibana-docker` would make an argument of each variable.
    assert "kibana-docker" not in " ".join(kibana["entrypoint"])
    text = (repository / "kibana/settings/kibana.yml").read_text(encoding="utf-8")
    exported = set(re.findall(r"(\w+)=", " ".join(kibana["entrypoint"]))) | kibana["environment"].keys()
    assert set(re.findall(r"\$\{(\w+)\}", re.sub(r"(?m)^#.*", "", text))) <= exported


def test_a_password_that_a_program_wants_in_its_environment_comes_from_its_own_volume(
    services: Mapping[str, Service],
) -> None:
    for name in ("logstash", "kibana", "elasticsearch-exporter"):
        [keyring] = [one for one in KEYRINGS if name in one.mounted_by]
        read = set(re.findall(r"/run/secrets/(\w+)", " ".join(services[name]["entrypoint"])))
        assert read
        assert read <= {*keyring.random, *keyring.shared}
        assert volumes_of(services[name])[f"{keyring.service}_secrets"]["target"] == "/run/secrets"


def test_filebeat_reads_whose_line_it_is_and_never_its_own_lines(services: Mapping[str, Service]) -> None:
    for name, service in services.items():
        logging = service["logging"]
        if name == "filebeat":
            assert logging["driver"] == "local"
        else:
            assert logging["driver"] == "json-file"
            labels = logging["options"]["labels"].split(",")
            assert labels == ["com.docker.compose.project", "com.docker.compose.service"], name


def test_filebeat_reads_what_containers_write_wherever_docker_keeps_it(render: Render) -> None:
    services = render(DOCKER_ROOT="/mnt/docker", LOG_FILES="/var/log/mine")["services"]
    for name in ("filebeat", "container-names"):
        places = {mount["target"]: mount for mount in services[name]["volumes"]}
        place = places["/var/lib/docker/containers"]
        assert (place["source"], place["read_only"]) == ("/mnt/docker/containers", True)
    files = {mount["target"]: mount for mount in services["filebeat"]["volumes"]}["/var/log/vectorwatch"]
    assert (files["type"], files["source"], files["read_only"]) == ("bind", "/var/log/mine", True)


def test_folders_that_appear_inside_the_checkout_exist_there(
    repository: Path, services: Mapping[str, Service]
) -> None:
    """Docker cannot make the place for a mount in a folder that is mounted read-only."""
    for name, service in services.items():
        for outer in _of_the_checkout(service):
            for inner in service["volumes"]:
                if inner["target"].startswith(f"{outer['target']}/"):
                    below = inner["target"].removeprefix(f"{outer['target']}/")
                    assert (Path(outer["source"]) / below).is_dir(), f"{name}: {inner['target']}"


# ── Health checks ────────────────────────────────────────────────────────────────────────────────────────


def test_a_health_check_asks_the_container_itself_seldom_and_can_fail(
    services: Mapping[str, Service],
) -> None:
    for name, service in services.items():
        check = service.get("healthcheck")
        if check is None:
            continue
        test = " ".join(check["test"])
        assert not re.search(r"localhost|\|\| *(true|echo|:)|exit 0", test), name
        addresses = re.findall(r"\d+\.\d+\.\d+\.\d+", test)
        assert set(addresses) <= {"127.0.0.1"}, name
        assert addresses or "healthcheck" in test or "heartbeat" in test, name
        public = test.replace("secrets/ca.crt", "")
        assert not re.search(r"password|secret|token| -[au] ", public, re.IGNORECASE), f"{name}: in argv"
        assert check["interval"] == "30s", name
        assert check["start_interval"] == "2s", name
        assert check["timeout"] == "5s", name


# What each image holds for a probe, as docs of the images say; ours has `healthcheck` and Debian's tools.
PROBES = {
    "prom/prometheus": ("promtool", "wget"),
    "prom/alertmanager": ("amtool", "wget"),
    "prom/node-exporter": ("wget",),
    "prom/blackbox-exporter": ("wget",),
    "grafana/grafana": ("wget",),
    "ghcr.io/google/cadvisor": ("wget",),
    "haproxy": ("wget",),
    "jaegertracing/jaeger": ("wget",),
    "qdrant/qdrant": ("bash",),
    "docker.dragonflydb.io/dragonflydb/dragonfly": ("redis-cli",),
    "docker.elastic.co/elasticsearch/elasticsearch": ("curl",),
    "docker.elastic.co/logstash/logstash": ("curl",),
    "docker.elastic.co/kibana/kibana": ("curl",),
    "docker.elastic.co/beats/filebeat": ("curl",),
    "prometheuscommunity/elasticsearch-exporter": ("wget",),
    "vectorwatch/vectorwatch": ("find", "healthcheck"),
    "vectorwatch/demo": ("find", "healthcheck"),
}


def test_a_health_check_uses_only_what_its_image_contains(services: Mapping[str, Service]) -> None:
    for name, service in services.items():
        if "healthcheck" in service:
            kind, program, *_ = service["healthcheck"]["test"]
            assert kind in ("CMD", "CMD-SHELL"), name
            assert program.split()[0] in PROBES[service["image"].rpartition(":")[0]], name


# ── Ports ────────────────────────────────────────────────────────────────────────────────────────────────

# The service, its port, and the port on this machine where that is another.
PUBLISHED = {
    "GRAFANA_PORT": ("grafana", 3000, 3000),
    "PROMETHEUS_PORT": ("prometheus", 9090, 9090),
    "ALERTMANAGER_PORT": ("alertmanager", 9093, 9093),
    "INBOX_PORT": ("inbox", 9446, 9446),
    "STATUS_PORT": ("status", 9448, 9448),
    "JAEGER_PORT": ("jaeger", 16686, 16686),
    "OTLP_GRPC_PORT": ("jaeger", 4317, 4317),
    "OTLP_HTTP_PORT": ("jaeger", 4318, 4318),
    "KIBANA_PORT": ("kibana", 5601, 5601),
    "LOGSTASH_BEATS_PORT": ("logstash", 5044, 5044),
    "LOGSTASH_HTTP_PORT": ("logstash", 8080, 8088),  # 8080 is many a program's
    "LOGSTASH_TCP_PORT": ("logstash", 5000, 50000),  # 5000 is AirPlay's on macOS
}


def test_only_what_people_open_is_published_and_each_port_can_be_moved(render: Render) -> None:
    def published(**variables: str) -> set[tuple[str, int, int, str]]:
        return {
            (name, port["target"], int(port["published"]), port["host_ip"])
            for name, service in render(**variables)["services"].items()
            for port in service.get("ports", [])
        }

    assert published() == {(*place, "127.0.0.1") for place in PUBLISHED.values()}
    moved = {variable: str(port + 5_000) for variable, (_, port, _) in PUBLISHED.items()}
    assert published(BIND_ADDRESS="192.0.2.7", **moved) == {
        (name, port, port + 5_000, "192.0.2.7") for name, port, _ in PUBLISHED.values()
    }


def test_links_follow_the_ports_and_the_name_of_the_machine(render: Render) -> None:
    services = render(PUBLIC_HOST="watch.example.net", PROMETHEUS_PORT="19090", GRAFANA_PORT="13000")[
        "services"
    ]
    assert "--web.external-url=http://watch.example.net:19090" in services["prometheus"]["command"]
    assert "--web.external-url=http://watch.example.net:9093" in services["alertmanager"]["command"]
    assert services["grafana"]["environment"]["GF_SERVER_ROOT_URL"] == "http://watch.example.net:13000"
    assert services["setup"]["environment"]["GRAFANA_URL"] == "http://watch.example.net:13000"


def test_alerts_can_link_to_a_grafana_of_ones_own(render: Render) -> None:
    address = "https://grafana.example.com"
    services = render(GRAFANA_URL=address)["services"]
    assert services["setup"]["environment"]["GRAFANA_URL"] == address
    assert services["grafana"]["environment"]["GF_SERVER_ROOT_URL"] == "http://127.0.0.1:3000"


def test_prometheus_asks_each_service_at_the_port_that_its_health_check_asks(
    repository: Path, services: Mapping[str, Service]
) -> None:
    text = (repository / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    for path in (repository / "prometheus" / "profiles").rglob("*.yml"):
        text += path.read_text(encoding="utf-8")
    scraped = dict(re.findall(r"^[^#\n]*?\b([a-z-]+):(\d{4,5})\b", text, re.MULTILINE))
    # What has no port to ask shows by a heartbeat that it lives.
    checks = {
        name: " ".join(service["healthcheck"]["test"])
        for name, service in services.items()
        if "healthcheck" in service
    }
    # Without a network nobody asks `docker-socket`: that it works shows in what cAdvisor sees.
    asked_by_exporters = {"elasticsearch", "logstash", "filebeat", "kibana", "docker-socket"}
    asking = {name for name, check in checks.items() if "heartbeat" not in check}
    assert scraped.keys() == asking - asked_by_exporters
    for name, port in scraped.items():
        # redis-cli knows its port; Jaeger's health has one of its own.
        if name not in ("dragonfly", "jaeger"):
            assert re.search(rf"\b{port}\b", checks[name]), name


# ── Networks ─────────────────────────────────────────────────────────────────────────────────────────────


def reachable(services: Mapping[str, Service], name: str) -> set[str]:
    own = services[name].get("networks", {}).keys()
    return {other for other, s in services.items() if other != name and own & s.get("networks", {}).keys()}


def test_a_front_end_reaches_only_what_it_shows(services: Mapping[str, Service]) -> None:
    front = {"prometheus", "alertmanager", "grafana", "jaeger", "elasticsearch", "kibana", "status"}
    assert reachable(services, "grafana") == front - {"grafana"}
    assert reachable(services, "alertmanager") == front - {"alertmanager"} | {"inbox"}
    # Of `traces`: Jaeger, and the exporters that send spans there as the inbox does.
    senders = {"gpu-exporter", "logs-exporter"}
    assert reachable(services, "inbox") == {"prometheus", "alertmanager", "jaeger", "status", *senders}


def test_elasticsearch_is_reached_only_by_those_who_have_a_password_for_it(
    render: Render, services: Mapping[str, Service]
) -> None:
    holders = {name for name in LOG_HALF if "logs" in services[name].get("networks", {})}
    assert holders == LOG_HALF - {"container-names", "logs-targets"}
    front = {name for name, service in services.items() if "frontend" in service.get("networks", {})}
    assert reachable(services, "elasticsearch") == (holders | front | {"log-snapshot"}) - {"elasticsearch"}
    assert render()["networks"]["logs"]["internal"] is True


def test_what_is_watched_reaches_no_front_end(services: Mapping[str, Service]) -> None:
    for name in ("qdrant", "dragonfly", "workload", "demo-app", "demo-load"):
        assert not reachable(services, name) & {
            "grafana",
            "alertmanager",
            "inbox",
            "cadvisor",
            "node-exporter",
        }


def test_who_measures_the_machine_has_no_way_out(render: Render) -> None:
    project = render()
    for name in ("cadvisor", "node-exporter"):
        assert [*project["services"][name]["networks"]] == ["metrics"]
    assert project["services"]["gpu-exporter"]["networks"].keys() == {"metrics", "traces"}
    assert all(project["networks"][name]["internal"] for name in ("metrics", "traces"))


def test_whoever_may_send_spans_reaches_jaeger_and_jaeger_reaches_its_metrics(
    services: Mapping[str, Service],
) -> None:
    senders = {
        name
        for name, service in services.items()
        if any(variable.endswith("TRACES_ENDPOINT") for variable in service.get("environment", {}))
    }
    exporters = {
        "qdrant-exporter",
        "dragonfly-exporter",
        "hnsw-probe",
        "gpu-exporter",
        "logs-exporter",
        "inbox",
    }
    # The demo service always sends: it is there to be looked at.
    assert senders == exporters | {"demo-app"}
    # Applications on `targets` as well, and Prometheus, which the Monitor tab asks.
    assert reachable(services, "jaeger") >= {*exporters, "prometheus", "grafana", "workload"}


def test_nobody_sends_spans_until_one_value_says_where(render: Render) -> None:
    def told(**variables: str) -> set[str]:
        services = render(**variables)["services"]
        found = (service.get("environment", {}) for name, service in services.items() if name != "demo-app")
        return {
            value for values in found for name, value in values.items() if name.endswith("TRACES_ENDPOINT")
        }

    assert told() == {""}
    assert told(TRACES_ENDPOINT="http://jaeger:4318") == {"http://jaeger:4318"}


def test_prometheus_reaches_all_that_it_scrapes(services: Mapping[str, Service]) -> None:
    assert reachable(services, "prometheus") == services.keys() - {
        *("prometheus", "setup", "backup", "restore", "demo-targets", "gpu-targets", "logs-targets"),
        # What these do shows in what the logs exporter and the Elasticsearch exporter read.
        *("elasticsearch-setup", "kibana-setup", "log-retention", "filebeat", "container-names"),
        "log-snapshot",
        "docker-socket",  # in what cAdvisor sees
    }


# ── Data and secrets ─────────────────────────────────────────────────────────────────────────────────────


def volumes_of(service: Service) -> dict[str, Mapping[str, Any]]:
    return {mount["source"]: mount for mount in service.get("volumes", []) if mount["type"] == "volume"}


def test_secrets_are_mounted_by_setup_and_by_those_alone_who_read_them(
    services: Mapping[str, Service],
) -> None:
    for keyring in KEYRINGS:
        volume = f"{keyring.service}_secrets"
        users = {name for name, service in services.items() if volume in volumes_of(service)}
        users -= {"backup", "restore"}  # all volumes: test_backup.py
        assert users == {"setup", *keyring.mounted_by}
        assert volumes_of(services["setup"])[volume]["target"] == f"/secrets/{keyring.service}"
        for reader in keyring.mounted_by:
            assert volumes_of(services[reader])[volume]["read_only"] is True
            assert services[reader]["user"].split(":")[0] == str(keyring.uid)
    described = {name for service in services.values() for name in volumes_of(service) if "secret" in name}
    assert described == {f"{keyring.service}_secrets" for keyring in KEYRINGS}


def test_grafana_takes_its_secrets_from_the_files_that_setup_writes(services: Mapping[str, Service]) -> None:
    grafana = services["grafana"]
    place = volumes_of(grafana)["grafana_secrets"]["target"]
    [keyring] = [one for one in KEYRINGS if one.service == "grafana"]
    files = {value for name, value in grafana["environment"].items() if name.endswith("__FILE")}
    assert files == {f"{place}/{name}" for name in keyring.random}
    [login] = [one for one in LOGINS if one.page == "grafana"]
    assert grafana["environment"]["GF_SECURITY_ADMIN_USER"] == login.user
    assert grafana["environment"]["GF_SECURITY_ADMIN_PASSWORD__FILE"] == f"{place}/{login.secret}"


def test_alertmanager_finds_each_secret_where_setup_puts_it(
    repository: Path, services: Mapping[str, Service]
) -> None:
    alertmanager = services["alertmanager"]
    place = volumes_of(alertmanager)["alertmanager_secrets"]["target"]
    text = (repository / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    for relative in re.findall(r"_file: (\S+)", text):
        assert str(Path(alertmanager["working_dir"]) / relative).startswith(f"{place}/")


def test_who_lists_a_profiles_servers_belongs_to_the_group_that_may(services: Mapping[str, Service]) -> None:
    for name in ("demo-targets", "gpu-targets", "logs-targets"):
        assert services[name]["user"] == f"{OWN_GROUP}:{OWN_GROUP}"


def test_setup_gives_each_data_folder_to_the_user_of_its_service(services: Mapping[str, Service]) -> None:
    owners = {name: uid for name, uid in DATA_OWNERS.items() if name != CADDY}
    for name, uid in owners.items():
        service, _, rest = name.partition("_")
        volume = name if rest else f"{name}_data"
        assert volumes_of(services["setup"])[volume]["target"] == f"/data/{name}"
        assert volume in volumes_of(services[service])
        assert services[service]["user"].partition(":")[0] == str(uid)
    given = {place["target"] for place in services["setup"]["volumes"] if "/data/" in place["target"]}
    assert given == {f"/data/{name}" for name in owners}


def test_prometheus_runs_the_rules_that_setup_has_made(services: Mapping[str, Service]) -> None:
    place = volumes_of(services["prometheus"])["prometheus_rules"]
    assert (place["target"], place["read_only"]) == ("/etc/prometheus/rules", True)
    assert volumes_of(services["setup"])["prometheus_rules"]["target"] == "/rules"  # the command's default
    assert "--enable-feature=auto-reload-config" in services["prometheus"]["command"]


def test_grafana_reads_the_dashboards_that_setup_has_made(
    services: Mapping[str, Service], repository: Path
) -> None:
    place = volumes_of(services["grafana"])["grafana_dashboards"]
    providers = yaml.safe_load((repository / "grafana/provisioning/dashboards/dashboards.yml").read_text())
    [provider] = providers["providers"]
    assert (place["target"], place["read_only"]) == (provider["options"]["path"], True)
    assert volumes_of(services["setup"])["grafana_dashboards"]["target"] == "/dashboards"


def test_every_volume_that_is_declared_is_used(render: Render) -> None:
    project = render()
    used = {name for service in project["services"].values() for name in volumes_of(service)}
    assert used == project["volumes"].keys()
    assert all(volume["name"] == f"vectorwatch_{name}" for name, volume in project["volumes"].items())


def test_prometheus_forgets_by_time_and_by_size(render: Render) -> None:
    command = render(PROMETHEUS_RETENTION_TIME="7d", PROMETHEUS_RETENTION_SIZE="3GB")["services"][
        "prometheus"
    ]["command"]
    assert "--storage.tsdb.retention.time=7d" in command
    assert "--storage.tsdb.retention.size=3GB" in command


def test_grafana_calls_nobody(services: Mapping[str, Service]) -> None:
    environment = services["grafana"]["environment"]
    off = (
        "REPORTING_ENABLED",
        "CHECK_FOR",
        "AUTO_UPDATE",
        "PLUGIN_ADMIN",
        "ANONYMOUS",
        "SIGN_UP",
        "NEWS_FEED",
        "FEEDBACK_LINKS",
        "SNAPSHOTS_EXTERNAL",
        "PUBLIC_DASHBOARDS",
    )
    for word in off:
        values = {value for name, value in environment.items() if word in name}
        assert values == {"false"}, word
    for word in ("PREINSTALL_DISABLED", "PUBLIC_KEY_RETRIEVAL_DISABLED", "DISABLE_GRAVATAR"):
        assert {value for name, value in environment.items() if word in name} == {"true"}, word
    assert not any("INSTALL_PLUGINS" in name for name in environment)


def test_grafana_opens_on_the_first_of_the_dashboards_that_it_reads(
    repository: Path, services: Mapping[str, Service]
) -> None:
    grafana = services["grafana"]
    assert "/etc/grafana/provisioning" in {mount["target"] for mount in _of_the_checkout(grafana)}
    file = repository / "grafana/provisioning/dashboards/dashboards.yml"
    [provider] = yaml.safe_load(file.read_text(encoding="utf-8"))["providers"]
    assert provider["options"]["foldersFromFilesStructure"] is True
    assert (provider["allowUiUpdates"], provider["disableDeletion"]) == (False, False)
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (repository / "grafana/dashboards" / home.relative_to(provider["options"]["path"])).is_file()


def test_the_panels_are_of_the_grafana_that_runs(services: Mapping[str, Service]) -> None:
    minor, _, _ = PLUGIN_VERSION.rpartition(".")
    assert services["grafana"]["image"].rpartition(":")[2].startswith(f"{minor}.")


def test_grafana_refreshes_as_often_as_prometheus_scrapes_and_no_more(
    repository: Path, services: Mapping[str, Service]
) -> None:
    config = yaml.safe_load((repository / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    sources = repository / "grafana/provisioning/datasources/datasources.yml"
    [prometheus] = [
        source
        for source in yaml.safe_load(sources.read_text(encoding="utf-8"))["datasources"]
        if source["type"] == "prometheus"
    ]
    every = config["global"]["scrape_interval"]
    assert prometheus["jsonData"]["timeInterval"] == every
    assert services["grafana"]["environment"]["GF_DASHBOARDS_MIN_REFRESH_INTERVAL"] == every


# ── One fact, one place ──────────────────────────────────────────────────────────────────────────────────


def tracked_texts(repository: Path, *, without: tuple[str, ...]) -> dict[str, str]:
    kept = (".yml", ".yaml", ".md", ".py", ".toml", ".sh", "", ".json", ".example")
    skipped = (".git", ".venv", ".tools", ".demo", "build", "fixtures", "golden", "__pycache__")
    return {
        str(path.relative_to(repository)): path.read_text(encoding="utf-8", errors="replace")
        for path in repository.rglob("*")
        if path.is_file()
        and path.suffix in kept
        and not set(path.relative_to(repository).parts) & {*skipped, *without}
    }


def test_each_image_is_pinned_in_one_place(repository: Path, services: Mapping[str, Service]) -> None:
    text = (repository / "docker-compose.yml").read_text(encoding="utf-8")
    others = tracked_texts(repository, without=("docker-compose.yml",))
    for image in {service["image"] for service in services.values()}:
        name, _, tag = image.rpartition(":")
        assert text.count(image) == 1, image
        assert [path for path, content in others.items() if f"{name}:{tag}" in content] == [], image


def test_our_own_images_carry_the_version_of_the_package(
    repository: Path, services: Mapping[str, Service]
) -> None:
    text = (repository / "exporters" / "pyproject.toml").read_text(encoding="utf-8")
    version = tomllib.loads(text)["project"]["version"]
    own = {service["image"] for service in services.values() if service["image"].startswith("vectorwatch/")}
    assert own == {f"vectorwatch/{name}:{version}" for name in ("vectorwatch", "demo")}
    for name, service in services.items():
        if service["image"] in own:
            assert service["pull_policy"] == "never", f"{name}: somebody else may own that name in a registry"


def test_each_image_of_ours_is_built_by_one_service(services: Mapping[str, Service]) -> None:
    built = {name: service["image"] for name, service in services.items() if "build" in service}
    own = {service["image"] for service in services.values() if service.get("pull_policy") == "never"}
    assert sorted(built.values()) == sorted(own)
    assert built.keys() == {"setup", "workload"}


def test_all_that_run_our_image_wait_for_the_service_that_builds_it(services: Mapping[str, Service]) -> None:
    for name, service in services.items():
        if service.get("pull_policy") == "never" and name != "setup":
            assert "setup" in service["depends_on"], name


def test_the_file_names_no_deprecated_version(repository: Path) -> None:
    text = (repository / "docker-compose.yml").read_text(encoding="utf-8")
    assert "version" not in yaml.safe_load(text)
