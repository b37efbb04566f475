"""Where else a person goes from Kibana: words that setting Kibana up replaces by addresses of this stack."""

GRAFANA = "$GRAFANA_URL"
JAEGER = "$JAEGER_URL"


def dashboard(board_id: str) -> str:
    """Return where Kibana shows a dashboard."""
    return f"/app/dashboards#/view/{board_id}"


def discover(search_id: str) -> str:
    """Return where Kibana shows a saved search."""
    return f"/app/discover#/view/{search_id}"
