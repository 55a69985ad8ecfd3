"""The page's slots go to a writer that writes down what is called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from uploads.tests.writers.writing import WriterView

from .recorder import Recorder


@pytest.fixture(autouse=True)
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Recorder]]:
    Recorder.made.clear()
    Recorder.steps.clear()
    monkeypatch.setattr(WriterView, "make", Recorder)
    monkeypatch.setattr(WriterView, "check", staticmethod(lambda entry: None))
    yield Recorder
    Recorder.steps.clear()
