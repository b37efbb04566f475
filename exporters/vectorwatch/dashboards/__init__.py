"""Grafana's dashboards: declared in `boards/`, written as JSON to `grafana/dashboards/` by `make dashboards`.

A board says what is shown (`board.py`, `panel.py`); `grafana.py` says how all of them look.
"""
