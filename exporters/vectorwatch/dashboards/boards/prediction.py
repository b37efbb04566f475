"""The model that predicts the load of the connection pool: what it says, how right it is, what it changes."""

from __future__ import annotations

from ..board import TARGETS, Board, job_and_instance, logs_of, row
from ..panel import COUNT, NONE, RATIO, Column, Limits, bars, query, scatter, stat, timeseries

CHOSEN = TARGETS
ACCURACY = Limits(warning="database_load_prediction_accuracy_ratio", below=True)
LOAD = f"db_connection_pool_current_load_factor{{{CHOSEN}}}"
PREDICTED = f"db_connection_pool_ml_predicted_load{{{CHOSEN}}}"
DEGRADED = ("DatabaseConnectionPoolMLModelDegraded",)

BOARD = Board(
    name="prediction",
    folder="Applications",
    title="Predictive load",
    about="The model that predicts the load of the applications' connection pools: what it says, whether it comes true, "
    "and what it changes. A load of 1 is full.",
    components=("database",),
    restarts=f"process_start_time_seconds{{{CHOSEN}}}",
    variables=job_and_instance("db_load_prediction_accuracy"),
    links=(
        ("Database connection pool", "/d/vw-database?${job:queryparam}&${instance:queryparam}"),
        ("Capacity", "/d/vw-capacity"),
        logs_of(only="var-dataset=application"),
    ),
    rows=(
        row(
            "Can the model be trusted?",
            stat(
                "Accuracy now",
                "How often the model is right, on the worst instance. Below the limit let it change nothing: train it anew, or "
                "see what changed in the traffic.",
                RATIO,
                query(f"min(db_load_prediction_accuracy{{{CHOSEN}}})", "accuracy"),
                limits=ACCURACY,
            ),
            stat(
                "Accuracy of the last hour",
                "The mean of an hour, on the worst instance. Lower than the accuracy now: it is recovering.",
                RATIO,
                query(f"min(avg_over_time(db_load_prediction_accuracy{{{CHOSEN}}}[1h]))", "accuracy"),
                limits=ACCURACY,
            ),
            stat(
                "Confidence",
                "How sure the model is of what it says, at the least sure instance. Much higher than its accuracy: it does not "
                "know what it does not know.",
                RATIO,
                query(f"min(db_connection_pool_ml_prediction_confidence{{{CHOSEN}}})", "confidence"),
            ),
            stat(
                "Mean error",
                "By how much of the load the model is wrong on average, on the worst instance. 0.1 is a tenth of the pool.",
                NONE,
                query(f"max(db_load_prediction_mae{{{CHOSEN}}})", "error"),
            ),
            stat(
                "Load now",
                "Of the fullest instance; at 1 it is full, and requests wait for a connection.",
                RATIO,
                query(f"max({LOAD})", "load"),
            ),
            stat(
                "Load expected",
                "What the model expects of the fullest instance. Near 1: add workers or connections before it comes true.",
                RATIO,
                query(f"max({PREDICTED})", "expected"),
            ),
        ),
        row(
            "Predicted and real load",
            timeseries(
                "Load predictions and actual load",
                "Mean of the instances. The prediction should run ahead of the real load; where it merely follows, it is of "
                "no use for adding capacity in time.",
                RATIO,
                query(f"avg({PREDICTED})", "predicted"),
                query(f"avg({LOAD})", "actual"),
                width=12,
            ),
            timeseries(
                "Error of the prediction",
                "Predicted less actual load at the same moment, mean of the instances. Long above 0 capacity is wasted, long "
                "below 0 it comes too late.",
                NONE,
                query(f"avg({PREDICTED} - {LOAD})", "predicted less actual"),
                width=12,
                minimum=None,
            ),
            timeseries(
                "Load by instance",
                "One far above the others: requests are spread unevenly.",
                RATIO,
                query(f"max by (instance) ({LOAD})", "{{instance}}"),
            ),
            timeseries(
                "Load expected by instance",
                "Which instance will need connections first. One that is expected to be full gets fewer requests, or more of them help.",
                RATIO,
                query(f"max by (instance) ({PREDICTED})", "{{instance}}"),
            ),
            timeseries(
                "Straight on",
                "The load in an hour if the trend of the last hour went on. Far from what the model "
                "says, one of both is wrong: look at the time of day.",
                RATIO,
                query(f"clamp_min(predict_linear({LOAD}[1h], 3600), 0)", "{{instance}}"),
            ),
        ),
        row(
            "How good is the model?",
            timeseries(
                "Prediction accuracy over time",
                "Of each instance. A cliff: the traffic has changed its kind. A slope: the model ages.",
                RATIO,
                query(f"db_load_prediction_accuracy{{{CHOSEN}}}", "{{instance}}"),
                width=12,
                maximum=1,
                limits=ACCURACY,
            ),
            timeseries(
                "Mean error, and that of a guess",
                "The guess is «as a minute ago», over the last hour. A model whose error is no smaller is not worth its "
                "trouble.",
                NONE,
                query(f"avg(db_load_prediction_mae{{{CHOSEN}}})", "model"),
                query(
                    f"avg(avg_over_time(abs({LOAD} - {LOAD} offset 1m)[1h:1m]))",
                    "as a minute ago",
                ),
                width=12,
                alerts=DEGRADED,
            ),
            timeseries(
                "Confidence over time",
                "Of each instance. It falls before accuracy does, when the traffic becomes unusual.",
                RATIO,
                query(f"db_connection_pool_ml_prediction_confidence{{{CHOSEN}}}", "{{instance}}"),
                width=12,
                maximum=1,
            ),
            scatter(
                "Confidence against accuracy",
                "A point for each instance, mean of the last hour. They should lie on the diagonal; right of it the model is "
                "surer than it should be.",
                (
                    query(
                        f"avg by (instance) (avg_over_time(db_connection_pool_ml_prediction_confidence{{{CHOSEN}}}[1h]))"
                    ),
                    Column("Value #A", "Confidence", RATIO),
                ),
                (
                    query(f"avg by (instance) (avg_over_time(db_load_prediction_accuracy{{{CHOSEN}}}[1h]))"),
                    Column("Value #B", "Accuracy", RATIO),
                ),
                labels=(Column("instance", "Instance"),),
            ),
        ),
        row(
            "What it looks at, and what it changes",
            bars(
                "Feature importance",
                "Weight of each feature in the model, mean of the instances. One with nearly all of it: the model is no better "
                "than that feature.",
                RATIO,
                query(
                    f"avg by (feature) (db_connection_pool_ml_feature_importance{{{CHOSEN}}})",
                    "{{feature}}",
                ),
                maximum=1,
            ),
            timeseries(
                "Feature importance over time",
                "Mean of the last hour. Weights that jump between features: the model has too few data, or two features say the "
                "same.",
                RATIO,
                query(
                    f"avg by (feature) (avg_over_time(db_connection_pool_ml_feature_importance{{{CHOSEN}}}[1h]))",
                    "{{feature}}",
                ),
                stacked=True,
            ),
            timeseries(
                "Changes of the configuration",
                "What the model changed within an hour, by strategy. Up and down in turns: its limits lie too close together.",
                COUNT,
                query(
                    f"""sum by (config_type, adaptation_strategy) (increase(db_adaptive_config_changes_total{{{CHOSEN}}}[1h]))
                    or label_replace(0 * sum({LOAD}), "config_type", "none", "", "")""",
                    "{{config_type}} {{adaptation_strategy}}",
                ),
            ),
        ),
    ),
)
