"""Questions to Elasticsearch, in the form of Grafana's data source (@grafana/schema, elasticsearch)."""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.builders import elasticsearch as builders
from grafana_foundation_sdk.models import common, elasticsearch

from .panel import Panel, Search

ELASTICSEARCH = common.DataSourceRef("elasticsearch", "elasticsearch")
TIME_FIELD = "@timestamp"
PERCENTS = ["50", "95", "99"]


def search_target(panel: Panel, index: int) -> builders.Dataquery:
    """Return the target of one search of a panel."""
    one = panel.searches[index]
    target = builders.Dataquery().ref_id(string.ascii_uppercase[index]).datasource(ELASTICSEARCH)
    target.query(one.lucene).time_field(TIME_FIELD).alias(one.legend)
    if panel.kind == "logs":
        newest = builders.ElasticsearchLogsSettings().limit(str(one.most))
        return target.metrics([builders.Logs().id("1").settings(newest)]).bucket_aggs([])
    if not one.by and not one.over_time:
        newest_raw = builders.ElasticsearchRawDataSettings().size(str(one.most))
        return target.metrics([builders.RawData().id("1").settings(newest_raw)]).bucket_aggs([])
    metrics = list(_figures(one))
    return target.metrics(metrics).bucket_aggs(list(_groups(one, first=len(metrics) + 1)))


def _figures(one: Search) -> Iterator[Any]:
    """Yield the metrics; their ids count from 1."""
    for number, (figure, field) in enumerate(one.figures, 1):
        if figure == "count":
            yield builders.Count().id(str(number))
        elif figure == "max":
            yield builders.Max().id(str(number)).field(field)
        else:
            percents = builders.ElasticsearchPercentilesSettings().percents(PERCENTS)
            yield builders.Percentiles().id(str(number)).field(field).settings(percents)


def _groups(one: Search, first: int) -> Iterator[Any]:
    """Yield the buckets, the outermost first; their ids count from `first`."""
    largest = "_count" if one.figures[0][0] == "count" else "1"
    for number, field in enumerate(one.by, first):
        settings = (
            builders.ElasticsearchTermsSettings()
            .order(elasticsearch.TermsOrder.DESC)
            .order_by(largest)
            .size(str(one.most))
            .min_doc_count("1")
        )
        yield builders.Terms().id(str(number)).field(field).settings(settings)
    if one.over_time:
        every = builders.ElasticsearchDateHistogramSettings().interval("auto").min_doc_count("0")
        yield builders.DateHistogram().id(str(first + len(one.by))).field(TIME_FIELD).settings(every)
