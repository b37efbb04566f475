"""Metrics by domain, one a file; a domain is imported, and its metrics exist, when it is first used."""
