"""What a page complains about in the browser's console: a test fails of it unless it said so before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, WebError


class Console:
    """Errors of all pages of the contexts it watches: logged ones and uncaught exceptions."""

    def __init__(self) -> None:
        self._errors: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        self._is_over = False

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._logged)
        context.on("weberror", self._raised)

    def stop(self) -> None:
        """What comes now is no longer the test's."""
        self._is_over = True

    def expect(self, pattern: str) -> None:
        """Errors in which this regular expression is found are part of the test."""
        self._expected.append(re.compile(pattern))

    @property
    def unexpected(self) -> list[str]:
        return [error for error in self._errors if not any(pattern.search(error) for pattern in self._expected)]

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not self._is_over:
            self._errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _raised(self, error: WebError) -> None:
        self._errors.append(f"uncaught: {error.error}")
