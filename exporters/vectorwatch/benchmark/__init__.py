"""Benchmarks: the same small work on the live servers, again and again, held against what it took once.

Traffic changes all the time; these requests do not, so that a change of their time is one of the server, the
machine or the network. Prometheus keeps the history, a file of our own the baseline.
"""
