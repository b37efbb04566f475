"""`vectorwatch demo up`: everything embedded, in the foreground, until Ctrl-C."""

from __future__ import annotations

from vectorwatch.demo.interruption import Interruption, InterruptionError, catch_signals
from vectorwatch.demo.stack import Stack, gather_needs, run_stack

_LOOK_SECONDS = 1.0


def run(ports: str = "default") -> None:
    """Run the demo on `default` or `free` ports until Ctrl-C or SIGTERM, which is its regular end.

    Raises VectorwatchError when a port is taken, a tool is missing or a service does not start.
    """
    needs = gather_needs(ports)
    with catch_signals() as interruption:
        try:
            with run_stack(needs, interruption) as stack:
                print(_explain(stack), flush=True)
                _watch(stack, interruption)
        except InterruptionError:
            print("\ndemo: everything has ended; goodbye", flush=True)


def _explain(stack: Stack) -> str:
    cache = stack.cache_process_id()
    inbox = stack.site.url("inbox")
    hints = {
        "is all well?": f"{stack.site.url('status')}   (in the terminal: scripts/health-check --url …)",
        "Slack messages and mails": f"{inbox}   (always, whatever alertmanager/secrets/ holds)",
        "targets, rules, queries": stack.site.url("prometheus"),
        "see an alert": f"kill -STOP {cache}   (freezes the cache; CacheDown is there after some 90 s)",
        "mend it": f"kill -CONT {cache}",
        "watch more": "add its address to a list in prometheus/targets/ (no restart)",
        "end all of it": "Ctrl-C",
    }
    if "jaeger" in stack.site.ports:
        hints["traces"] = stack.site.url("jaeger")
        hints["send traces (OTLP)"] = stack.site.url("jaeger-otlp")
    lines = [f"demo: all of it runs after {stack.start_seconds:.0f} s; logs are in {stack.logs}"]
    if stack.tools_have_no_pages:
        hints["targets, rules, queries"] += "/api/v1/targets, /rules, /query (Debian's build has no pages)"
    if stack.jaeger_has_no_pages:
        hints["traces"] += "/api/traces?service=hnsw-probe (built from its Go module it has no pages)"
    return "\n".join([*lines, *(f"  {what + ':':<26}{how}" for what, how in hints.items())])


def _watch(stack: Stack, interruption: Interruption) -> None:
    while True:
        interruption.pause(_LOOK_SECONDS)
        for report in stack.supervisor.collect_ended():
            print(f"{report}\ndemo: going on without it", flush=True)
        for report in stack.site.configuration.target_lists.follow():
            print(report, flush=True)
