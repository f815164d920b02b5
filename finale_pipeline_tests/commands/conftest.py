"""Fixtures of mails and of the small warehouse that is mailed about."""

from finale_pipeline_tests.notify.conftest import mailing, service, told, warehouse

__all__ = ["mailing", "service", "told", "warehouse"]
