"""Hyperdimensional computing: operations on hypervectors, how long they take, and what they need."""

from __future__ import annotations

from ..board import ERROR_LOGS, TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    BYTES,
    COUNT,
    EVENTS_PER_SECOND,
    OPERATIONS_PER_SECOND,
    PERCENT,
    RATIO,
    SECONDS,
    Limits,
    bars,
    gauge,
    heatmap,
    query,
    stat,
    timeseries,
)

CHOSEN = TARGETS
LATENCY = Limits(warning="hdc_latency_p95_seconds")
ERRORS = Limits(critical="hdc_error_ratio")
MEMORY = Limits(critical="hdc_memory_bytes")


def failing(labels: str, window: str) -> str:
    """Return the share of operations that fail; those that were cancelled count for neither."""
    return f"""(sum by ({labels}) (rate(hdc_operation_total{{{CHOSEN}, status="error"}}[{window}]))
        or 0 * sum by ({labels}) (rate(hdc_operation_total{{{CHOSEN}}}[{window}])))
        / (sum by ({labels}) (rate(hdc_operation_total{{{CHOSEN}, status!="cancelled"}}[{window}])) > 0)"""


BOARD = Board(
    name="hdc",
    folder="Applications",
    title="Hyperdimensional computing",
    about="Operations on hypervectors: rate, errors, duration, and the memory, processors and GPUs that they take.",
    components=("hdc",),
    restarts=f"process_start_time_seconds{{{CHOSEN}}}",
    variables=job_and_instance("hdc_operation_total"),
    links=(
        ("Performance", "/d/vw-performance?${job:queryparam}&${instance:queryparam}"),
        ("GPU", "/d/vw-gpu"),
        logs_of(only="var-dataset=application"),
    ),
    rows=(
        row(
            "Is it well?",
            stat(
                "Operations per second",
                "Of all instances, those that end well. 0 while there should be work: look at the errors and the callers.",
                OPERATIONS_PER_SECOND,
                query(f"sum(hdc_throughput_ops_per_second{{{CHOSEN}}})", "operations"),
            ),
            stat(
                "Slowest operation",
                "95 of 100 are faster, of the slowest kind on the slowest instance, over five minutes. Above the limit look at the "
                "size of batches first.",
                SECONDS,
                query(f'max(hdc_latency_percentiles{{{CHOSEN}, quantile="0.95"}}) / 1000', "slowest"),
                limits=LATENCY,
            ),
            stat(
                "Failing operations",
                "Share of the worst kind on the worst instance. The classes of the errors stand below; unequal dimensions "
                "are the most frequent cause.",
                RATIO,
                query(f"max({failing('instance, operation', '$__rate_interval')})", "worst"),
                limits=ERRORS,
            ),
            stat(
                "Memory of hypervectors",
                "Of the instance that holds most, all components together. Near the limit: forget old hypervectors, or store them "
                "packed.",
                BYTES,
                query(f"max(sum by (job, instance) (hdc_memory_usage_bytes{{{CHOSEN}}}))", "largest"),
                limits=MEMORY,
            ),
            stat(
                "Active hypervectors",
                "In memory, of all instances. What only grows is never forgotten, and its memory will end.",
                COUNT,
                query(f"sum(hdc_active_hypervectors{{{CHOSEN}}})", "hypervectors"),
            ),
            gauge(
                "GPU utilization",
                "Of each device that the computing uses. Low while operations run: batches are too small to fill it, or the work "
                "is done on the processor.",
                PERCENT,
                query(
                    f"topk(8, max by (instance, device) (hdc_gpu_utilization_percent{{{CHOSEN}}}))",
                    "{{instance}} {{device}}",
                ),
                maximum=100,
                limits=Limits(warning="hdc_gpu_used_percent", below=True),
            ),
        ),
        row(
            "Operations",
            timeseries(
                "Throughput by operation",
                "Operations that end well. One kind that stops while others go on: see its errors.",
                OPERATIONS_PER_SECOND,
                query(f"sum by (operation) (hdc_throughput_ops_per_second{{{CHOSEN}}})", "{{operation}}"),
            ),
            timeseries(
                "Latency by operation, slowest twentieth",
                "95 of 100 are faster, failures included, on the slowest instance. Growing with the batch is natural; growing at "
                "the same size means too few cores or too little memory bandwidth.",
                SECONDS,
                query(
                    f"""max by (operation) (histogram_quantile(0.95, sum by (le, instance, operation)
                    (rate(hdc_operation_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))))""",
                    "{{operation}}",
                    exemplars=True,
                ),
                limits=LATENCY,
            ),
            timeseries(
                "Latency percentiles",
                "Of the slowest kind of operation. A wide gap between half and the slowest hundredth: something else takes the "
                "processor from time to time.",
                SECONDS,
                query(
                    f"max by (quantile) (hdc_latency_percentiles{{{CHOSEN}}}) / 1000", "quantile {{quantile}}"
                ),
                limits=LATENCY,
            ),
            timeseries(
                "Failing operations by kind",
                "Share of each kind that raised an error, on the worst instance. One kind alone: what it is given; all of them: the machine.",
                RATIO,
                query(
                    f"max by (operation) ({failing('instance, operation', '$__rate_interval')})",
                    "{{operation}}",
                ),
                limits=ERRORS,
            ),
            timeseries(
                "Errors by class",
                "What was raised. `ValueError` is mostly dimensions that do not fit, `MemoryError` and `OutOfMemoryError` a machine "
                "or card that is full.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (error_type) (rate(hdc_operation_errors_total{{{CHOSEN}}}[$__rate_interval]))
                    or label_replace(0 * sum(rate(hdc_operation_total{{{CHOSEN}}}[$__rate_interval])), "error_type", "none", "", "")""",
                    "{{error_type}}",
                ),
                alerts=("HDCHighErrorRate",),
                links=(ERROR_LOGS,),
            ),
            timeseries(
                "Operations by device and outcome",
                "`cancelled` were given up by the caller: it waits less long than they take.",
                OPERATIONS_PER_SECOND,
                query(
                    f"""sum by (device, status) (rate(hdc_operation_total{{{CHOSEN}}}[$__rate_interval]))""",
                    "{{device}} {{status}}",
                ),
                stacked=True,
            ),
            heatmap(
                "Spread of durations",
                "Each cell is how many operations took that long. Several bands are several kinds; one that splits is a new "
                "size of batch, or a device that has become slow.",
                SECONDS,
                f"sum by (le) (increase(hdc_operation_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))",
            ),
            bars(
                "Slowest instances",
                "95 of 100 operations are faster, the ten slowest instances and kinds.",
                SECONDS,
                query(
                    f"""topk(10, max by (instance, operation)
                    (hdc_latency_percentiles{{{CHOSEN}, quantile="0.95"}})) / 1000""",
                    "{{instance}} {{operation}}",
                ),
                limits=LATENCY,
                width=12,
            ),
        ),
        row(
            "Batches",
            timeseries(
                "Hypervectors per second",
                "That operations ended well for: the real work done. Falling at the same number of operations: smaller batches.",
                OPERATIONS_PER_SECOND,
                query(
                    f"sum by (operation) (rate(hdc_hypervector_operations_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{operation}}",
                ),
            ),
            timeseries(
                "Size of batches",
                "Mean number of hypervectors in an operation. Small ones waste a GPU; large ones make others wait.",
                COUNT,
                query(
                    f"""sum by (operation) (rate(hdc_batch_size_distribution_sum{{{CHOSEN}}}[$__rate_interval]))
                    / (sum by (operation) (rate(hdc_batch_size_distribution_count{{{CHOSEN}}}[$__rate_interval])) > 0)""",
                    "{{operation}}",
                ),
            ),
            timeseries(
                "Time for a hypervector",
                "Time of operations by the hypervectors in them: the measure that does not depend on the size of batches. A step "
                "after a change of the code is its price.",
                SECONDS,
                query(
                    f"""sum by (operation) (rate(hdc_operation_duration_seconds_sum{{{CHOSEN}}}[$__rate_interval]))
                    / (sum by (operation) (rate(hdc_batch_size_distribution_sum{{{CHOSEN}}}[$__rate_interval])) > 0)""",
                    "{{operation}}",
                ),
            ),
        ),
        row(
            "What it takes",
            timeseries(
                "Memory usage by component",
                "Of all instances. What only grows is never forgotten: bound it.",
                BYTES,
                query(f"sum by (component) (hdc_memory_usage_bytes{{{CHOSEN}}})", "{{component}}"),
                stacked=True,
            ),
            timeseries(
                "Memory by instance",
                "All components together. Above the limit the machine may end the process.",
                BYTES,
                query(
                    f"sum by (instance) (hdc_memory_usage_bytes{{{CHOSEN}}})",
                    "{{instance}}",
                ),
                limits=MEMORY,
            ),
            timeseries(
                "Memory of a hypervector",
                "Bytes held for each in memory. 10,000 dimensions take 1,250 packed as bits, 10,000 as bytes and 40,000 as floats.",
                BYTES,
                query(
                    f"""sum(hdc_memory_usage_bytes{{{CHOSEN}}}) / (sum(hdc_active_hypervectors{{{CHOSEN}}}) > 0)""",
                    "mean",
                ),
            ),
            timeseries(
                "Processor usage",
                "Share of all cores of the machine. At 100 operations wait for one another.",
                PERCENT,
                query(f"max by (instance) (hdc_cpu_usage_percent{{{CHOSEN}}})", "{{instance}}"),
                maximum=100,
            ),
            timeseries(
                "GPU utilization over time",
                "Of the least used device of each instance. Below the limit while there is work HDCLowGPUUtilization tells.",
                PERCENT,
                query(
                    f"min by (instance) (hdc_gpu_utilization_percent{{{CHOSEN}}})",
                    "{{instance}}",
                ),
                maximum=100,
                limits=Limits(warning="hdc_gpu_used_percent", below=True),
            ),
            timeseries(
                "GPU memory",
                "That the computing holds on the fullest device of each instance. Compare with the card's own figure on the dashboard GPU.",
                BYTES,
                query(
                    f"max by (instance) (hdc_gpu_memory_usage_bytes{{{CHOSEN}}})",
                    "{{instance}}",
                ),
                links=(("GPU", "/d/vw-gpu"),),
            ),
        ),
    ),
)
