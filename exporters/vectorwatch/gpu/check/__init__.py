"""Check the exporter on a machine that has a card: run a load, show what appears, measure the counters.

`scripts/check-gpu` starts it. It changes no setting of the card unless `--power-limit-watts` is given.
"""
