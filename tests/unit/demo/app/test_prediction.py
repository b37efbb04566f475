from __future__ import annotations

import pytest

from vectorwatch.demo.app.prediction import LoadPrediction


def observe(prediction: LoadPrediction, *loads: float) -> None:
    for load in loads:
        prediction.observe(load)


def test_nothing_is_judged_before_a_prediction_met_its_window() -> None:
    prediction = LoadPrediction()
    assert prediction.judge() is None
    observe(prediction, 1.0)
    assert prediction.judge() is None


def test_a_steady_load_is_predicted_exactly() -> None:
    prediction = LoadPrediction()
    observe(prediction, *[0.5] * 10)
    judgement = prediction.judge()
    assert judgement is not None
    assert (judgement.accuracy, judgement.mean_absolute_error, judgement.confidence) == (1.0, 0.0, 1.0)


def test_accuracy_is_one_less_the_share_of_the_error() -> None:
    prediction = LoadPrediction()
    observe(prediction, 1.0, 2.0)  # the first predicts 1 for what became 2
    judgement = prediction.judge()
    assert judgement is not None
    assert judgement.accuracy == pytest.approx(0.5)
    assert judgement.mean_absolute_error == pytest.approx(1.0)


def test_a_rise_is_followed_with_its_trend() -> None:
    prediction = LoadPrediction()
    observe(prediction, *(float(load) for load in range(1, 60)))
    assert prediction.predicted == pytest.approx(60, rel=0.1)
    assert prediction.importance["trend"] > 0


def test_a_distortion_ruins_the_accuracy_and_only_that_of_late() -> None:
    prediction = LoadPrediction()
    prediction.distortion = 3.0
    observe(prediction, *[1.0] * 5)
    spoilt = prediction.judge()
    prediction.distortion = 1.0
    observe(prediction, *[1.0] * 25)
    mended = prediction.judge()
    assert spoilt is not None
    assert mended is not None
    assert spoilt.accuracy == 0
    assert mended.accuracy == pytest.approx(1)


def test_the_shares_of_the_features_add_up() -> None:
    prediction = LoadPrediction()
    assert sum(prediction.importance.values()) == 1
    observe(prediction, 1.0, 3.0, 2.0)
    assert sum(prediction.importance.values()) == pytest.approx(1)
