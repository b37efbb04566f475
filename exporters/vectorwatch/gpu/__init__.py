"""NVIDIA cards through NVML, the library of the driver; what is older or lesser just has fewer series.

`client` is the only module that knows pynvml; everything above it works on plain values. NVML blocks, hence
two threads own it: one reads for scrapes (`driver_thread`), one waits for XID events (`xid`). What a card
does not know is left out, never shown as 0.
"""
