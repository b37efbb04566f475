"""What language models, tools and retrieval cost, for whom, and what the cache saves."""

from __future__ import annotations

from ..board import TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    COUNT,
    DOLLARS,
    EVENTS_PER_SECOND,
    NONE,
    OPERATIONS_PER_SECOND,
    RATIO,
    SECONDS,
    Limits,
    bars,
    query,
    stat,
    timeseries,
)

SERVICE = TARGETS
COST = f"vital_estimated_cost_dollars_total{{{SERVICE}}}"
SAVED = f"vital_cache_cost_saved_dollars_total{{{SERVICE}}}"
CALL_ERRORS = Limits(warning="llm_error_ratio")

BOARD = Board(
    name="llm-cost",
    folder="AI",
    title="LLM cost",
    about="What language models, tools and retrieval cost by the price table, for whom, what the cache saves, and how "
    "calls of models go.",
    components=("cost", "workflow"),
    restarts=f"process_start_time_seconds{{{SERVICE}}}",
    variables=job_and_instance("vital_estimated_cost_dollars_total"),
    links=(
        ("Workflow quality", "/d/vw-workflow?${job:queryparam}&${instance:queryparam}"),
        ("Cache performance", "/d/vw-cache?${job:queryparam}&${instance:queryparam}"),
        ("AI models", "/d/vw-models?${job:queryparam}&${instance:queryparam}"),
        logs_of(only="var-dataset=application"),
    ),
    rows=(
        row(
            "Is it within budget?",
            bars(
                "Estimated daily cost",
                "Of the last 24 hours, of the dearest jobs. Beyond the limit see which tenant, mode and part it is.",
                DOLLARS,
                query(f"topk(3, sum by (job) (increase({COST}[1d])))", "{{job}}"),
                width=6,
                height=5,
                limits=Limits(warning="llm_daily_cost_dollars"),
            ),
            stat(
                "A day at the pace of now",
                "Cost of 24 hours like the last five minutes. Far above the daily cost: something has just begun.",
                DOLLARS,
                query('86400 * sum(job:vital_estimated_cost_dollars:rate5m{job=~"$job"})', "a day"),
                alerts=("LLMCostSpike",),
            ),
            stat(
                "Cost savings percentage",
                "What the cache saved in the last hour, of what there would be to pay without it. A fall is a rise of cost: see Cache "
                "performance.",
                RATIO,
                query(
                    f"""sum(rate({SAVED}[1h]))
                    / (sum(rate({SAVED}[1h])) + sum(rate({COST}[1h])) > 0)""",
                    "saved",
                ),
                links=(("Cache performance", "/d/vw-cache?${job:queryparam}&${instance:queryparam}"),),
            ),
            stat(
                "Cost of a thousand workflows",
                "At the mix of modes and models of the last hour. It rises with longer prompts, dearer models and fewer "
                "hits.",
                DOLLARS,
                query(
                    f"""1000 * sum(rate({COST}[1h]))
                    / (sum(rate(vital_workflow_requests_total{{{SERVICE}}}[1h])) > 0)""",
                    "a thousand",
                ),
                width=5,
            ),
            stat(
                "Calls that fail, worst model",
                "Share of calls that ended in an error, in the worst service. Failed ones may cost as well, and are tried again.",
                RATIO,
                query(
                    f"""max((sum by (instance, model) (rate(vital_llm_api_calls_total{{{SERVICE}, cached="false", status="error"}}[$__rate_interval]))
                    or 0 * sum by (instance, model) (rate(vital_llm_api_calls_total{{{SERVICE}, cached="false"}}[$__rate_interval])))
                    / (sum by (instance, model) (rate(vital_llm_api_calls_total{{{SERVICE}, cached="false", status!="cancelled"}}[$__rate_interval])) > 0))""",
                    "worst model",
                ),
                limits=CALL_ERRORS,
                width=5,
            ),
        ),
        row(
            "What it is spent on",
            timeseries(
                "Cost trend",
                "Dollars an hour by job. LLMCostSpike warns when it is twice the mean of the hour before.",
                DOLLARS,
                query('3600 * job:vital_estimated_cost_dollars:rate5m{job=~"$job"}', "{{job}} now"),
                query(
                    '3600 * avg_over_time(job:vital_estimated_cost_dollars:rate5m{job=~"$job"}[1h])',
                    "{{job}} mean of an hour",
                ),
                width=12,
            ),
            timeseries(
                "Cost by part",
                "Dollars an hour for models (llm), tools and retrieval (rag). The part that rises is where to look.",
                DOLLARS,
                query(f"3600 * sum by (component) (rate({COST}[$__rate_interval]))", "{{component}}"),
                width=12,
                stacked=True,
            ),
            bars(
                "Cost breakdown",
                "Models, tools and retrieval of the last 24 hours.",
                DOLLARS,
                query(f"sum by (component) (increase({COST}[1d]))", "{{component}}"),
                width=6,
            ),
            bars(
                "Cost per mode",
                "Of the last 24 hours. A dear mode that few ask for may be better served by another.",
                DOLLARS,
                query(f"sum by (mode) (increase({COST}[1d]))", "{{mode}}"),
                width=6,
            ),
            bars(
                "Most expensive tenants",
                "Of the last 24 hours. One far above its usual share: a loop on their side, or somebody with their key.",
                DOLLARS,
                query(f"topk(10, sum by (tenant_id) (increase({COST}[1d])))", "{{tenant_id}}"),
                width=6,
            ),
            bars(
                "Cost saved via cache",
                "What the answers that came from the cache would have cost in the last 24 hours, by mode.",
                DOLLARS,
                query(f"topk(4, sum by (mode) (increase({SAVED}[1d])))", "{{mode}}"),
                width=6,
            ),
        ),
        row(
            "What is used",
            timeseries(
                "LLM API calls",
                "Calls that asked a model, and those that the cache answered. Cached ones cost nothing.",
                OPERATIONS_PER_SECOND,
                query(
                    f"sum by (cached) (rate(vital_llm_api_calls_total{{{SERVICE}}}[$__rate_interval]))",
                    "cached {{cached}}",
                ),
                stacked=True,
            ),
            timeseries(
                "Token usage",
                "Tokens a second that models read and wrote. Input rising alone: prompts or sources grow.",
                EVENTS_PER_SECOND,
                query(
                    f"sum by (token_type) (rate(vital_llm_tokens_used_total{{{SERVICE}}}[$__rate_interval]))",
                    "{{token_type}}",
                ),
                stacked=True,
            ),
            timeseries(
                "Tokens a call",
                "Mean by model. It is what a call costs, and most of how long it takes.",
                NONE,
                query(
                    f"""sum by (model) (rate(vital_llm_tokens_used_total{{{SERVICE}}}[$__rate_interval]))
                    / (sum by (model) (rate(vital_llm_api_calls_total{{{SERVICE}, cached="false"}}[$__rate_interval])) > 0)""",
                    "{{model}}",
                ),
            ),
            bars(
                "Tool executions",
                "Of the last hour by tool. Each may cost, and each lengthens the next prompt.",
                COUNT,
                query(
                    f"topk(10, sum by (tool_name) (increase(vital_tool_executions_total{{{SERVICE}}}[1h])))",
                    "{{tool_name}}",
                ),
            ),
            bars(
                "RAG retrievals",
                "Of the last hour by source and mode. What they bring is paid as input of the model.",
                COUNT,
                query(
                    f"""topk(10, sum by (source_type, mode)
                    (increase(vital_rag_retrievals_total{{{SERVICE}}}[1h])))""",
                    "{{mode}} {{source_type}}",
                ),
            ),
            timeseries(
                "Tokens without a price",
                "A minute, by model. Their cost is in no figure here: add the model to the price table.",
                COUNT,
                query(
                    f"60 * sum by (model) (rate(vital_llm_unpriced_tokens_total{{{SERVICE}}}[$__rate_interval]))",
                    "{{model}}",
                ),
                alerts=("LLMTokensUnpriced",),
            ),
        ),
        row(
            "How calls of models go",
            timeseries(
                "Calls that fail by model",
                "Share that ended in an error, in the worst service. One model alone: its provider or its limits. All: the network or the key.",
                RATIO,
                query(
                    f"""max by (model) ((sum by (instance, model) (rate(vital_llm_api_calls_total{{{SERVICE}, cached="false", status="error"}}[$__rate_interval]))
                    or 0 * sum by (instance, model) (rate(vital_llm_api_calls_total{{{SERVICE}, cached="false"}}[$__rate_interval])))
                    / (sum by (instance, model) (rate(vital_llm_api_calls_total{{{SERVICE}, cached="false", status!="cancelled"}}[$__rate_interval])) > 0))""",
                    "{{model}}",
                ),
                limits=CALL_ERRORS,
                alerts=("LLMCallErrors",),
            ),
            timeseries(
                "Time of a call, slowest twentieth",
                "95 of 100 are faster in the slowest service. Rising at steady tokens: the provider or the queue before the "
                "model.",
                SECONDS,
                query(
                    f"max by (model) (model:vital_llm_call_duration_seconds:p95_5m{{{SERVICE}}})",
                    "{{model}}",
                ),
            ),
            timeseries(
                "Time to first token, slowest twentieth",
                "What users see as waiting when answers are streamed, in the slowest service. Rising alone: long prompts, or a queue.",
                SECONDS,
                query(
                    f"max by (model) (model:vital_llm_time_to_first_token_seconds:p95_5m{{{SERVICE}}})",
                    "{{model}}",
                ),
            ),
        ),
    ),
)
