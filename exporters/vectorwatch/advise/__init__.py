"""Advice on HNSW settings from what the probe has measured."""
