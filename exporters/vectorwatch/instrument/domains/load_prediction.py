"""The model that predicts the load of a connection pool, and what it changes."""

from __future__ import annotations

from collections.abc import Mapping

from vectorwatch.instrument.metric import Counter, Gauge

from .limits import names

ACCURACY = Gauge("db_load_prediction_accuracy", "How often the model is right, 0 to 1.")
MEAN_ABSOLUTE_ERROR = Gauge("db_load_prediction_mae", "Mean absolute error, in the unit of the load.")
CONFIDENCE = Gauge("db_connection_pool_ml_prediction_confidence", "How sure the model is, 0 to 1.")
PREDICTED = Gauge("db_connection_pool_ml_predicted_load", "Load that the model expects, 1 is full.")
CURRENT = Gauge("db_connection_pool_current_load_factor", "Load now, 1 is full.")
IMPORTANCE = Gauge(
    "db_connection_pool_ml_feature_importance",
    "Weight of a feature in the model, 0 to 1.",
    {"feature": names()},
)
CONFIG_CHANGES = Counter(
    "db_adaptive_config_changes_total",
    "Changes of the pool's configuration that the model made.",
    {"config_type": names(), "adaptation_strategy": names()},
)


def load_prediction(
    *,
    accuracy: float | None = None,
    mae: float | None = None,
    confidence: float | None = None,
    predicted_load: float | None = None,
    current_load: float | None = None,
    feature_importance: Mapping[str, float] | None = None,
) -> None:
    """Set what the model says and how good it is; what is left out stays as it was."""
    for gauge, value in (
        (ACCURACY, accuracy),
        (MEAN_ABSOLUTE_ERROR, mae),
        (CONFIDENCE, confidence),
        (PREDICTED, predicted_load),
        (CURRENT, current_load),
    ):
        if value is not None:
            gauge.set(value)
    for feature, weight in (feature_importance or {}).items():
        IMPORTANCE.set(weight, feature)


def adaptive_config_change(config_type: str, strategy: str) -> None:
    """Count one change of the configuration."""
    CONFIG_CHANGES.inc(config_type, strategy)
