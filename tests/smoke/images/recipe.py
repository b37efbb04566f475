"""What stands in for which official image, and why some have none: data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SUITES = ("unstable", "testing")
"""Newest first: their programs are nearest to what the compose file names."""


@dataclass(frozen=True)
class GoProgram:
    """An image like Prometheus' own: a program of a Debian package beside busybox, and nothing else.

    `names` are paths in the official image that lead to `program`; `data` is the folder that `uid` owns;
    `beside` are packages with more programs that the official image has.
    """

    package: str
    program: str
    names: Sequence[str]
    user: str = "nobody"
    uid: int = 65534
    data: str = ""
    ports: Sequence[int] = ()
    beside: Sequence[str] = ()


@dataclass(frozen=True)
class Built:
    """An image built from `tests/smoke/images/<folder>/Dockerfile` on the stand-in of Python's."""

    folder: str
    what: str
    context: str = ""
    """Folder of the checkout that the build may read; empty: the folder of the Dockerfile."""


@dataclass(frozen=True)
class GoModule:
    """An image of a program that a script of the checkout builds from its Go module, beside busybox.

    The script takes the folder to build into and ends with a line that holds the version in brackets.
    """

    script: str
    program: str
    module: str
    uid: int

    def as_program(self) -> GoProgram:
        """Return what the image holds: the program, as if a package had brought it."""
        path = f"/usr/bin/{self.program}"
        return GoProgram(self.program, path, (path,), user=str(self.uid), uid=self.uid)


@dataclass(frozen=True)
class Absent:
    """An image for which there is nothing: the service is named as not run."""

    reason: str


Recipe = GoProgram | GoModule | Built | Absent


def _prometheus_like(
    package: str, name: str, port: int, *beside: str, data: str = "", user: str = "nobody"
) -> GoProgram:
    names = (f"/bin/{name}",)
    return GoProgram(
        package, f"/usr/bin/{package}", names, user=user, data=data, ports=(port,), beside=beside
    )


RECIPES: Mapping[str, Recipe] = {
    "prom/prometheus": _prometheus_like("prometheus", "prometheus", 9090, "promtool", data="/prometheus"),
    "prom/alertmanager": _prometheus_like(
        "prometheus-alertmanager", "alertmanager", 9093, data="/alertmanager"
    ),
    "prom/node-exporter": _prometheus_like("prometheus-node-exporter", "node_exporter", 9100),
    # The official one names no user either.
    "prom/blackbox-exporter": _prometheus_like(
        "prometheus-blackbox-exporter", "blackbox_exporter", 9115, user="root"
    ),
    "qdrant/qdrant": Built("qdrant", "the demo's embedded engine", context="exporters"),
    "docker.dragonflydb.io/dragonflydb/dragonfly": Built("dragonfly", "Debian's Valkey"),
    "jaegertracing/jaeger": GoModule(
        "scripts/build-jaeger", "jaeger", "github.com/jaegertracing/jaeger", uid=10001
    ),
    "docker.elastic.co/elasticsearch/elasticsearch": Built(
        "elasticsearch", "a program of the tests, no Elasticsearch", context="."
    ),
    "docker.elastic.co/logstash/logstash": Built(
        "logstash", "the pipelines' own Ruby in a program of the tests, no Logstash", context="."
    ),
    "docker.elastic.co/beats/filebeat": Built("filebeat", "a program of the tests, no Filebeat", context="."),
    "docker.elastic.co/kibana/kibana": Built("kibana", "a program of the tests, no Kibana", context="."),
    "prometheuscommunity/elasticsearch-exporter": GoProgram(
        "prometheus-elasticsearch-exporter",
        "/usr/bin/prometheus-elasticsearch-exporter",
        ("/bin/elasticsearch_exporter",),
        ports=(9114,),
    ),
    "haproxy": Built("haproxy", "Debian's HAProxy"),
    "caddy": Built("caddy", "Debian's Caddy"),
    "quay.io/oauth2-proxy/oauth2-proxy": Absent("is of the profile sign-on, which this test leaves off"),
    "grafana/grafana": Absent("neither Debian nor PyPI has Grafana"),
    "ghcr.io/google/cadvisor": Absent("neither Debian, PyPI nor Go's module proxy has cAdvisor"),
}
"""By repository of the image, without its tag."""


def find_recipe(image: str, recipes: Mapping[str, Recipe] = RECIPES) -> Recipe:
    """Return how to replace `image` (`repository:tag`)."""
    repository = image.partition("@")[0].rpartition(":")[0] or image
    return recipes.get(repository, Absent("tests/smoke/images/recipe.py has no recipe for it"))


@dataclass(frozen=True)
class Provided:
    """What was found for an image of the compose file."""

    image: str
    kind: str
    """`official`, `own`, `stand-in` or `none`."""
    what: str = ""

    @property
    def runs(self) -> bool:
        """Tell whether services with this image can run."""
        return self.kind != "none"
