"""Models that applications run themselves: time, queue, errors, quality and memory."""

from __future__ import annotations

from ..board import ERROR_LOGS, TARGETS, Board, Variable, job_and_instance, logs_of, row
from ..panel import (
    BYTES,
    COUNT,
    OPERATIONS_PER_SECOND,
    RATIO,
    SECONDS,
    Column,
    Limits,
    bars,
    heatmap,
    query,
    stat,
    table,
    timeseries,
)

SERVICE = TARGETS
CHOSEN = f'{SERVICE}, model_name=~"$model_name"'
INFERENCES = "model_inference_duration_seconds_count"
INFERENCE_TIME = Limits(warning="model_inference_p95_seconds")
QUEUE = Limits(warning="model_queue_length")
WAIT = Limits(warning="model_queue_wait_p95_seconds")
ERRORS = Limits(warning="model_error_ratio")
ACCURACY = Limits(warning="model_accuracy_ratio", below=True)
VRAM = Limits(critical="model_vram_used_ratio")


def pace(counter: str, labels: str = "model_name") -> str:
    """Return how often something is counted in a second."""
    return f"sum by ({labels}) (rate({counter}{{{CHOSEN}}}[$__rate_interval]))"


def an_inference(counter: str) -> str:
    """Return how often something is counted for each inference, by service and model.

    That is 1 where it is counted without any inference, as in the rules.
    """
    counted, inferences = (pace(one, "instance, model_name") for one in (counter, INFERENCES))
    return f"({counted} or 0 * {inferences}) / ({inferences} > 0 or {counted} > 0)"


BOARD = Board(
    name="models",
    folder="AI",
    title="AI models",
    about="Models that applications run themselves: how long they take, who waits for them, what fails, how right "
    "they are, and the memory that they take.",
    components=("model",),
    restarts=f"process_start_time_seconds{{{SERVICE}}}",
    variables=(
        *job_and_instance("model_inference_duration_seconds_count"),
        Variable("model_name", "Model", f"model_inference_duration_seconds_count{{{SERVICE}}}"),
    ),
    links=(
        ("GPU", "/d/vw-gpu"),
        ("LLM cost", "/d/vw-llm-cost?${job:queryparam}&${instance:queryparam}"),
        ("Workflow quality", "/d/vw-workflow?${job:queryparam}&${instance:queryparam}"),
        logs_of(only="var-dataset=application"),
    ),
    rows=(
        row(
            "Are they well?",
            stat(
                "Inference, slowest twentieth",
                "95 of 100 inferences of the slowest model are faster. Beyond the limit look at the GPU, at the size of "
                "requests and at other models beside it.",
                SECONDS,
                query(
                    f"max(model:model_inference_duration_seconds:p95_5m{{{CHOSEN}}})",
                    "slowest model",
                ),
                limits=INFERENCE_TIME,
            ),
            stat(
                "Longest queue",
                "Requests that wait for one model. Growing: more is asked than the model can do; add a worker or refuse "
                "early.",
                COUNT,
                query(f"max(model_queue_length{{{CHOSEN}}})", "waiting"),
                limits=QUEUE,
            ),
            stat(
                "Wait, slowest twentieth",
                "95 of 100 requests wait less before their model begins. Users feel it as the model's own time.",
                SECONDS,
                query(
                    f"max(model:model_queue_wait_seconds:p95_5m{{{CHOSEN}}})",
                    "longest wait",
                ),
                limits=WAIT,
            ),
            stat(
                "Errors an inference",
                "Of the worst model in the worst service. Out of memory and a lost card look alike: the class stands below.",
                RATIO,
                query(f"max({an_inference('model_errors_total')})", "worst model"),
                limits=ERRORS,
            ),
            stat(
                "Accuracy, worst model",
                "Share that is right, as the application measures it. A slow fall is data that has changed since the "
                "training.",
                RATIO,
                query(f"min(model_accuracy_score{{{CHOSEN}}})", "worst model"),
                limits=ACCURACY,
            ),
            stat(
                "GPU memory used",
                "Of what the fullest service may have on its card. Near 100 % the next request fails.",
                RATIO,
                query(
                    f"""max(model_vram_allocated_bytes{{{SERVICE}}}
                    / (model_vram_allocated_bytes{{{SERVICE}}} + model_vram_available_bytes{{{SERVICE}}} > 0))""",
                    "used",
                ),
                limits=VRAM,
            ),
        ),
        row(
            "Model inference",
            timeseries(
                "Inference time by model, slowest twentieth",
                "95 of 100 are faster, in the slowest service; dots are traces. One model alone: its requests or its settings. All: the card or "
                "the processors.",
                SECONDS,
                query(
                    f"""max by (model_name) (histogram_quantile(0.95, sum by (le, instance, model_name)
                    (rate(model_inference_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))) >= 0)""",
                    "{{model_name}}",
                    exemplars=True,
                ),
                limits=INFERENCE_TIME,
                alerts=("ModelInferenceSlow",),
            ),
            timeseries(
                "Inference time by model, mean",
                "Beside the slowest twentieth: far below it, few requests are slow; near it, all of them are.",
                SECONDS,
                query(
                    f"""sum by (model_name) (rate(model_inference_duration_seconds_sum{{{CHOSEN}}}[$__rate_interval]))
                    / ({pace(INFERENCES)} > 0)""",
                    "{{model_name}}",
                ),
            ),
            timeseries(
                "Inferences",
                "By model. None where there should be some: requests go to another model, or nowhere.",
                OPERATIONS_PER_SECOND,
                query(pace(INFERENCES), "{{model_name}}"),
            ),
            timeseries(
                "Model queue length",
                "Requests that wait, by model. It should come back to 0 between bursts.",
                COUNT,
                query(f"max by (model_name) (model_queue_length{{{CHOSEN}}})", "{{model_name}}"),
                limits=QUEUE,
                alerts=("ModelQueueBacklog",),
            ),
            timeseries(
                "Wait for a model, slowest twentieth",
                "95 of 100 requests wait less, in the slowest service. It rises before the time of the model does.",
                SECONDS,
                query(
                    f"""max by (model_name) (histogram_quantile(0.95, sum by (le, instance, model_name)
                    (rate(model_queue_wait_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))) >= 0)""",
                    "{{model_name}}",
                    exemplars=True,
                ),
                limits=WAIT,
                alerts=("ModelQueueWaitLong",),
            ),
            heatmap(
                "Spread of inference times",
                "How many inferences took how long. Two bands are two models, or short and long requests.",
                SECONDS,
                f"sum by (le) (increase(model_inference_duration_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))",
                width=8,
            ),
            timeseries(
                "Model accuracy",
                "Share that is right, by model. Below the limit: train again, or go back to the model before.",
                RATIO,
                query(f"min by (model_name) (model_accuracy_score{{{CHOSEN}}})", "{{model_name}}"),
                width=12,
                minimum=None,
                maximum=1,
                limits=ACCURACY,
                alerts=("ModelAccuracyLow",),
            ),
            table(
                "Loading models",
                "How often models were loaded since their service started, and the mean time. Many loads: models push each "
                "other out of memory.",
                query(f"sum by (model_name) (model_load_duration_seconds_count{{{CHOSEN}}})"),
                query(
                    f"""sum by (model_name) (model_load_duration_seconds_sum{{{CHOSEN}}})
                    / (sum by (model_name) (model_load_duration_seconds_count{{{CHOSEN}}}) > 0)"""
                ),
                columns=(
                    Column("model_name", "Model"),
                    Column("Value #A", "Loads", COUNT),
                    Column("Value #B", "Mean time", SECONDS, limits=Limits(warning="model_load_seconds")),
                ),
                sort_by="Mean time",
                width=12,
            ),
        ),
        row(
            "Model errors",
            timeseries(
                "Errors by model",
                "An inference, by model, in the worst service. Above the limit requests fail or another model answers.",
                RATIO,
                query(f"max by (model_name) ({an_inference('model_errors_total')})", "{{model_name}}"),
                width=6,
                limits=ERRORS,
                alerts=("ModelErrors",),
                links=(ERROR_LOGS,),
            ),
            bars(
                "Errors by class",
                "Of the last hour, loads included. Memory errors: fewer or smaller models on the card.",
                COUNT,
                query(
                    f"""topk(10, sum by (model_name, error_type) (increase(model_errors_total{{{CHOSEN}}}[1h]))
                    or 0 * sum by (model_name) (increase(model_inference_duration_seconds_count{{{CHOSEN}}}[1h])))""",
                    "{{model_name}} {{error_type}}",
                ),
                width=6,
            ),
            timeseries(
                "Timeouts by model",
                "An inference, by model, in the worst service: what took too long, loads too. Timeouts with a short queue: the model itself is "
                "slow.",
                RATIO,
                query(f"max by (model_name) ({an_inference('model_timeout_total')})", "{{model_name}}"),
                width=6,
                limits=Limits(warning="model_timeout_ratio"),
                alerts=("ModelTimeouts",),
            ),
            timeseries(
                "Fallbacks by model",
                "An inference of its own, in the worst service, how often another model had to answer for this one. Answers are then worse, "
                "or dearer.",
                RATIO,
                query(f"max by (model_name) ({an_inference('model_fallback_total')})", "{{model_name}}"),
                width=6,
                limits=Limits(warning="model_fallback_ratio"),
                alerts=("ModelFallbacks",),
            ),
        ),
        row(
            "VRAM usage",
            timeseries(
                "Model memory",
                "What each model takes, as the application says. The largest one decides which card it fits on.",
                BYTES,
                query(f"max by (model_name) (model_memory_usage_bytes{{{CHOSEN}}})", "{{model_name}}"),
            ),
            timeseries(
                "GPU memory of services",
                "What applications have allocated and may still allocate, by device. Allocated growing at steady load: a "
                "leak.",
                BYTES,
                query(
                    f"topk(10, model_vram_allocated_bytes{{{SERVICE}}})", "{{instance}} {{device}} allocated"
                ),
                query(
                    f"topk(10, model_vram_available_bytes{{{SERVICE}}})", "{{instance}} {{device}} available"
                ),
                alerts=("ModelVRAMExhausted",),
            ),
            timeseries(
                "VRAM of all cards",
                "Used and free, as the cards say, other programs included. Far more than the services allocate: somebody "
                "else is on the card.",
                BYTES,
                query("sum(vram_allocated_bytes)", "allocated"),
                query("sum(vram_available_bytes)", "available"),
                stacked=True,
                links=(("GPU", "/d/vw-gpu"),),
            ),
        ),
    ),
)
