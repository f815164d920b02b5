"""Fixtures of mails, for commands that send some."""

from finale_pipeline_tests.notify.conftest import mailing, service, told, warehouse

__all__ = ["mailing", "service", "told", "warehouse"]
