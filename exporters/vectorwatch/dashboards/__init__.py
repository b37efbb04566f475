"""Grafana's dashboards: declared in `boards/`, written as JSON to `grafana/dashboards/` by `make dashboards`.

A board says what is shown (`board.py`, `panel.py`); `look.py` says how each kind of panel looks, `limits.py`
where it becomes red, `grafana.py` writes all of it down.
"""
