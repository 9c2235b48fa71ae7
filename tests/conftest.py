"""Fixtures that several test files share."""

from browsing import browser, open_page

__all__ = ["browser", "open_page"]
