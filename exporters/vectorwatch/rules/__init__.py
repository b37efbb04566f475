"""The rules that Prometheus runs: ours with the user's numbers in them, and those made from data.

Nothing is joined at run time. A missing or broken threshold therefore cannot silence an alert: it ends the
rendering with a line for each mistake, and the rules that run stay as they are.
"""
