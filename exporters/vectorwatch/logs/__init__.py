"""Exporter of the log pipeline: Logstash, Filebeat, Kibana, and what has arrived in Elasticsearch.

Logstash, Filebeat and Kibana have no `/metrics`; their own HTTP answers are read at each scrape, side by
side, and one that fails takes nothing from the others. Events by service and level are counted in
Elasticsearch by a search every few seconds (`watch`); a scrape only shows what that left. Elasticsearch's own
state is the business of the third-party elasticsearch_exporter; no name is equal to one of its.

Written for 8.x and 9.x: field names are those of the source of Logstash 9.5 and Beats 9, and tests play
answers written after it. The search runs in tests against a real OpenSearch.
"""
