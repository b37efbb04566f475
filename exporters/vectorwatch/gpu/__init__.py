"""NVIDIA cards through NVML (the library of the driver; Maxwell and newer, drivers 470 to 610).

`client` is the only module that knows pynvml; everything above it works on plain values. NVML blocks, hence
two threads own it: one reads for scrapes (`driver_thread`), one waits for XID events (`xid`). What a card
does not know is left out, never shown as 0.
"""
