"""Bring Elasticsearch and Kibana to what this repository says, and keep the logs within their bound."""
