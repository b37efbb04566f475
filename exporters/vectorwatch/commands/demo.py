"""`vectorwatch demo` and `vectorwatch demo-app`."""

from __future__ import annotations

from pathlib import Path

import click

from .options import CONFIG


@click.group()
def demo() -> None:
    """Run the whole stack embedded, without Docker."""


@demo.command("up")
@click.option(
    "--ports",
    type=click.Choice(["default", "free"]),
    default="default",
    show_default=True,
    help="Which to take.",
)
def demo_up(ports: str) -> None:
    """Run everything until Ctrl-C."""
    from vectorwatch.demo.up import run

    run(ports)


@demo.command("check")
def demo_check() -> None:
    """Break the cache, see the alert arrive, mend it, see it end."""
    from vectorwatch.demo.check import run

    run()


@demo.command("qdrant")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, default=6333, show_default=True, help="Port to listen on.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the collections.")
@click.option("--api-key-file", type=click.Path(path_type=Path), help="File with the key to demand.")
def demo_qdrant(host: str, port: int, data: Path, api_key_file: Path | None) -> None:
    """Run the embedded Qdrant alone: the real engine behind a stand-in of Qdrant's REST routes."""
    from vectorwatch.demo.engine import run

    run(host, port, data, api_key_file)


@click.group("demo-app", invoke_without_command=True)
@CONFIG
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 8000 if not given.")
@click.option("--qdrant-url", help="Qdrant that keeps the passages.")
@click.option("--cache-url", help="DragonflyDB, Valkey or Redis that keeps answers.")
@click.option("--database", help="SQLAlchemy URL; an SQLite file if not given.")
@click.option("--data", help="Folder of the API keys and of the SQLite file.")
@click.option("--traces-endpoint", help="OTLP over HTTP, such as http://127.0.0.1:4318.")
@click.option("--demo-faults", is_flag=True, default=None, help="Let anybody break it: serve /demo/faults.")
@click.pass_context
def demo_app(context: click.Context, /, config: Path | None, **options: str | int | bool | None) -> None:
    """Run a small RAG service that records every application metric; its language model is simulated.

    Each option has a setting `VECTORWATCH_APP_<OPTION>`; the option wins.
    """
    if context.invoked_subcommand:
        return
    from vectorwatch.demo.app.service import run

    run(
        config,
        {
            f"VECTORWATCH_APP_{name.upper()}": str(value)
            for name, value in options.items()
            if value is not None
        },
    )


_APP_URL = click.option(
    "--url", default="http://127.0.0.1:8000", show_default=True, help="Address of the demo service."
)


@demo_app.group("faults")
def demo_app_faults() -> None:
    """List, begin and end the faults of a demo service that runs with --demo-faults."""


@demo_app_faults.command("list")
@_APP_URL
def demo_app_faults_list(url: str) -> None:
    """List all faults."""
    from vectorwatch.demo.app.fault_client import FaultClient

    for line in FaultClient(url).describe():
        click.echo(line)


@demo_app_faults.command("begin")
@_APP_URL
@click.option("--seconds", type=float, default=300.0, show_default=True, help="When it ends by itself.")
@click.argument("name")
def demo_app_faults_begin(url: str, seconds: float, name: str) -> None:
    """Switch a fault on."""
    from vectorwatch.demo.app.fault_client import FaultClient

    click.echo(FaultClient(url).begin(name, seconds))


@demo_app_faults.command("end")
@_APP_URL
@click.argument("name")
def demo_app_faults_end(url: str, name: str) -> None:
    """Switch a fault off."""
    from vectorwatch.demo.app.fault_client import FaultClient

    click.echo(FaultClient(url).end(name))
