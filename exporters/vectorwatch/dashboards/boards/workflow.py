"""How good the answers of workflows are, and the parts that make them: tools, retrieval, agents, pools."""

from __future__ import annotations

from ..board import ERROR_LOGS, TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    OPERATIONS_PER_SECOND,
    RATIO,
    SECONDS,
    Column,
    Limits,
    bars,
    query,
    stat,
    table,
    timeseries,
)

SERVICE = TARGETS
QUALITY = Limits(warning="workflow_quality_score", below=True)
DEGRADED = Limits(warning="workflow_degraded_ratio")
FAILED = Limits(warning="workflow_error_ratio")
TOOLS = Limits(warning="tool_failure_ratio")

BOARD = Board(
    name="workflow",
    folder="Applications",
    title="Workflow quality",
    about="How good the answers of workflows are, why some are not, and the health of what makes them: tools, "
    "retrieval, agents, pools.",
    components=("workflow",),
    restarts=f"process_start_time_seconds{{{SERVICE}}}",
    variables=job_and_instance("vital_workflow_requests_total"),
    links=(
        ("Performance overview", "/d/vw-performance?${job:queryparam}&${instance:queryparam}"),
        ("Query API and RAG", "/d/vw-rag?${job:queryparam}&${instance:queryparam}"),
        ("LLM cost", "/d/vw-llm-cost?${job:queryparam}&${instance:queryparam}"),
        ("AI models", "/d/vw-models?${job:queryparam}&${instance:queryparam}"),
        logs_of(only="var-dataset=application"),
    ),
    rows=(
        row(
            "Is it well?",
            stat(
                "Quality, worst mode",
                "Mean rating of answers, 0 to 1, as the application gives it, in the worst service. Below the limit look at what degraded them, "
                "and at retrieval.",
                NONE,
                query(
                    f"""min(sum by (instance, mode) (rate(vital_quality_score_sum{{{SERVICE}}}[$__rate_interval]))
                    / (sum by (instance, mode) (rate(vital_quality_score_count{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "worst mode",
                ),
                limits=QUALITY,
            ),
            stat(
                "Degraded answers, worst mode",
                "Share of answers that are worse than they should be, in the worst service. The reasons stand below.",
                RATIO,
                query(
                    f"""max((sum by (instance, mode) (rate(vital_degraded_responses_total{{{SERVICE}}}[$__rate_interval]))
                    or 0 * sum by (instance, mode) (rate(vital_quality_score_count{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, mode) (rate(vital_quality_score_count{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "worst mode",
                ),
                limits=DEGRADED,
            ),
            stat(
                "Workflows that fail, worst mode",
                "Share that raised, in the worst service. Cancelled ones are neither success nor failure.",
                RATIO,
                query(
                    f"""max((sum by (instance, mode) (rate(vital_workflow_requests_failed_total{{{SERVICE}}}[$__rate_interval]))
                    or 0 * sum by (instance, mode) (rate(vital_workflow_requests_total{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, mode) (rate(vital_workflow_requests_total{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "worst mode",
                ),
                limits=FAILED,
            ),
            stat(
                "Tool success rate",
                "Of the worst tool in the worst service. A model that gets no answer from a tool makes one up, or gives up.",
                RATIO,
                query(
                    f"""min(sum by (instance, tool_name) (rate(vital_tool_executions_total{{{SERVICE}, status="success"}}[$__rate_interval]))
                    / (sum by (instance, tool_name) (rate(vital_tool_executions_total{{{SERVICE}, status!="cancelled"}}[$__rate_interval])) > 0))""",
                    "worst tool",
                ),
                alerts=("ToolFailureRateHigh",),
            ),
            stat(
                "RAG success rate",
                "Retrievals that brought documents back without an error, of all that were not cancelled.",
                RATIO,
                query(
                    f"""sum(rate(vital_rag_retrievals_total{{{SERVICE}, status="success"}}[$__rate_interval]))
                    / (sum(rate(vital_rag_retrievals_total{{{SERVICE}, status!="cancelled"}}[$__rate_interval])) > 0)""",
                    "succeed",
                ),
                alerts=("RAGFailureRateHigh",),
                links=(("Query API and RAG", "/d/vw-rag?${job:queryparam}&${instance:queryparam}"),),
            ),
            stat(
                "System uptime",
                "Since the last start of the service that started last. Short again and again: it crashes.",
                SECONDS,
                query(
                    f"""min(time() - (process_start_time_seconds{{{SERVICE}}}
                    and on (job, instance) vital_active_workflows{{{SERVICE}}}))""",
                    "up for",
                ),
                alerts=("ProcessRestarting",),
            ),
        ),
        row(
            "How good answers are",
            timeseries(
                "Quality score trend",
                "Mean rating by mode, in the worst service. A step down at a restart mark is a prompt or a model that was changed.",
                NONE,
                query(
                    f"""min by (mode) (sum by (instance, mode) (rate(vital_quality_score_sum{{{SERVICE}}}[$__rate_interval]))
                    / (sum by (instance, mode) (rate(vital_quality_score_count{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "{{mode}}",
                ),
                width=12,
                minimum=None,
                maximum=1,
                limits=QUALITY,
            ),
            timeseries(
                "Worst tenth of answers",
                "One answer in ten is rated lower, by mode. The mean hides it: here a kind of question that goes wrong "
                "shows first.",
                NONE,
                query(
                    f"""histogram_quantile(0.1, sum by (le, mode)
                    (rate(vital_quality_score_bucket{{{SERVICE}}}[$__rate_interval])))""",
                    "{{mode}}",
                ),
                width=12,
                minimum=None,
                maximum=1,
            ),
            timeseries(
                "Degraded answers by mode",
                "Share of each mode's answers, in the worst service. One mode alone: its model, tools or sources.",
                RATIO,
                query(
                    f"""max by (mode) ((sum by (instance, mode) (rate(vital_degraded_responses_total{{{SERVICE}}}[$__rate_interval]))
                    or 0 * sum by (instance, mode) (rate(vital_quality_score_count{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, mode) (rate(vital_quality_score_count{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "{{mode}}",
                ),
                limits=DEGRADED,
            ),
            bars(
                "Reasons for degraded answers",
                "Of the last hour, by mode. The first reason to mend is the longest bar.",
                COUNT,
                query(
                    f"""topk(10, sum by (reason, mode) (increase(vital_degraded_responses_total{{{SERVICE}}}[1h]))
                    or 0 * sum by (mode) (increase(vital_quality_score_count{{{SERVICE}}}[1h])))""",
                    "{{mode}} {{reason}}",
                ),
            ),
            timeseries(
                "Warnings rate",
                "Warnings in answers by kind. They are no failures yet; a rise tells what will be one.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (warning) (rate(vital_warnings_total{{{SERVICE}}}[$__rate_interval]))
                    or 0 * sum(rate(vital_quality_score_count{{{SERVICE}}}[$__rate_interval]))""",
                    "warning {{warning}}",
                ),
            ),
        ),
        row(
            "Errors and time",
            timeseries(
                "Workflows that fail by mode",
                "Share that raised, in the worst service. One mode alone: what only this mode uses.",
                RATIO,
                query(
                    f"""max by (mode) ((sum by (instance, mode) (rate(vital_workflow_requests_failed_total{{{SERVICE}}}[$__rate_interval]))
                    or 0 * sum by (instance, mode) (rate(vital_workflow_requests_total{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, mode) (rate(vital_workflow_requests_total{{{SERVICE}}}[$__rate_interval])) > 0))""",
                    "{{mode}}",
                ),
                limits=FAILED,
                links=(ERROR_LOGS,),
            ),
            bars(
                "Error types distribution",
                "Workflows of the last hour that raised, by class. Timeouts: a part is too slow. Connection errors: a "
                "part is gone. Anything else: a defect.",
                COUNT,
                query(
                    f"""topk(10, sum by (error_type) (increase(vital_workflow_requests_failed_total{{{SERVICE}}}[1h]))
                    or 0 * sum(increase(vital_workflow_requests_total{{{SERVICE}}}[1h])))""",
                    "failed {{error_type}}",
                ),
                alerts=("WorkflowHighErrorRate",),
            ),
            timeseries(
                "Workflow time by mode, slowest twentieth",
                "95 of 100 are faster in the slowest service, with answers from the cache. The traces on Performance overview show which part took it.",
                SECONDS,
                query(
                    f"max by (mode) (mode:vital_workflow_duration_seconds:p95_5m{{{SERVICE}}})",
                    "{{mode}}",
                ),
                limits=Limits(warning="workflow_latency_p95_seconds"),
            ),
        ),
        row(
            "Tools and agents",
            timeseries(
                "Tools that fail",
                "Share of runs that ended in an error, by tool, in the worst service. Above the limit answers are made without it.",
                RATIO,
                query(
                    f"""max by (tool_name) ((sum by (instance, tool_name) (rate(vital_tool_executions_total{{{SERVICE}, status="error"}}[$__rate_interval]))
                    or 0 * sum by (instance, tool_name) (rate(vital_tool_executions_total{{{SERVICE}}}[$__rate_interval])))
                    / (sum by (instance, tool_name) (rate(vital_tool_executions_total{{{SERVICE}, status!="cancelled"}}[$__rate_interval])) > 0))""",
                    "{{tool_name}}",
                ),
                width=6,
                limits=TOOLS,
                links=(ERROR_LOGS,),
            ),
            timeseries(
                "Runs of tools",
                "By tool and outcome. Many more runs for the same requests: an agent in a loop.",
                OPERATIONS_PER_SECOND,
                query(
                    f"""topk(15, sum by (tool_name, status)
                    (rate(vital_tool_executions_total{{{SERVICE}}}[$__rate_interval])))""",
                    "{{tool_name}} {{status}}",
                ),
                width=6,
            ),
            timeseries(
                "Time of tools, slowest twentieth",
                "95 of 100 runs are faster. A workflow waits for each tool in turn.",
                SECONDS,
                query(
                    f"""histogram_quantile(0.95, sum by (le, tool_name)
                    (rate(vital_tool_duration_seconds_bucket{{{SERVICE}}}[$__rate_interval]))) >= 0""",
                    "{{tool_name}}",
                    exemplars=True,
                ),
                width=6,
            ),
            timeseries(
                "Agent usage",
                "Uses by agent, the most used. One that vanishes is no longer chosen, or no longer loaded.",
                OPERATIONS_PER_SECOND,
                query(
                    f"topk(10, sum by (agent_name) (rate(vital_agent_usage_total{{{SERVICE}}}[$__rate_interval])))",
                    "{{agent_name}}",
                ),
                width=6,
            ),
        ),
        row(
            "What runs, and its pools",
            timeseries(
                "Connection pool status",
                "Share of each pool that is in use, of the fullest service. At 100 % workflows wait for a connection.",
                RATIO,
                query(
                    f"""max by (pool_type) (vital_active_connections{{{SERVICE}}}
                    / (vital_connection_pool_size{{{SERVICE}}} > 0))""",
                    "{{pool_type}}",
                ),
                maximum=1,
            ),
            timeseries(
                "Active connections",
                "In use by pool. Rising and never falling: connections are not given back.",
                COUNT,
                query(f"sum by (pool_type) (vital_active_connections{{{SERVICE}}})", "{{pool_type}}"),
            ),
            table(
                "Build information",
                "What runs, and in how many services. Two commits for long: an update that stopped half-way.",
                query(f"sum by (version, commit, environment) (vital_build_info{{{SERVICE}}})"),
                columns=(
                    Column("version", "Version"),
                    Column("commit", "Commit"),
                    Column("environment", "Environment"),
                    Column("Value", "Services", COUNT),
                ),
                width=8,
            ),
        ),
    ),
)
