"""Load prediction: what is told is shown, what is not told is not there."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from vectorwatch.instrument import track


def test_what_is_told_is_shown(readings: Any) -> None:
    track.load_prediction(
        accuracy=0.9, mae=0.05, confidence=0.8, predicted_load=0.6, current_load=0.5,
        feature_importance={"hour": 0.7, "queue": 0.3},
    )  # fmt: skip
    assert readings.value("db_load_prediction_accuracy") == 0.9
    assert readings.value("db_load_prediction_mae") == 0.05
    assert readings.value("db_connection_pool_ml_prediction_confidence") == 0.8
    assert readings.value("db_connection_pool_ml_predicted_load") == 0.6
    assert readings.value("db_connection_pool_current_load_factor") == 0.5
    assert readings.value("db_connection_pool_ml_feature_importance", feature="queue") == 0.3


def test_changes_are_counted(readings: Any) -> None:
    track.adaptive_config_change("pool_size", "grow")
    labels = {"config_type": "pool_size", "adaptation_strategy": "grow"}
    assert readings.added("db_adaptive_config_changes_total", **labels) == 1


def test_an_accuracy_that_nobody_told_is_no_series_since_0_would_alarm() -> None:
    program = (
        "from vectorwatch.instrument import track; import prometheus_client;"
        "track.adaptive_config_change('pool_size', 'grow'); track.load_prediction(current_load=0.5);"
        "print(prometheus_client.generate_latest().decode())"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "db_connection_pool_current_load_factor 0.5" in output
    assert "db_load_prediction_accuracy" not in output
