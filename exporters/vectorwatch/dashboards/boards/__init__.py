"""One module a dashboard; each has a `BOARD`. What `build.py` finds here is what there is."""
