"""Every setting: its type, its default, its help; secrets never show themselves."""

import difflib
import os
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from finale_pipeline.errors import ConfigError

PREFIX = "FINALE_"
ENV_FILE = ".env"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"{name!r} is no time zone; use a name such as Europe/Berlin"
        raise ValueError(message) from error
    return name


Port = Annotated[int, Field(ge=1, le=65535)]
Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[float, Field(ge=0.5, lt=1)]


class Settings(BaseSettings):
    """The program's settings, from `FINALE_…` variables and a `.env` file beside it.

    A name that starts with `FINALE_` and is not listed here is refused, with the nearest right one.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", env_ignore_empty=True
    )

    base_url: str = Field(
        "https://app.finaleinventory.com", description="Address of Finale; https, or loopback."
    )
    account: str | None = Field(
        None, description="Account: the first part of the address after logging in to Finale."
    )
    api_key: SecretStr | None = Field(None, description="API key of a user of the account.")
    api_secret: SecretStr | None = Field(None, description="Secret of that API key.")
    database_url: SecretStr | None = Field(
        None, description="postgresql://… of the warehouse; unset = a server of our own in HOME."
    )
    dagster_database_url: SecretStr | None = Field(
        None,
        description="Dagster's own database; unset = the warehouse's name with `_dagster` added.",
    )
    home: Path = Field(Path(".finale"), description="Folder of everything we write on disk.")
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="The account's time zone; decides what a business day is."
    )
    since: date = Field(
        date(2016, 1, 1), description="First day of the account; nothing older is asked for."
    )
    ui_port: Port = Field(3000, description="Port of Dagster's UI under `finale dev`.")
    api_port: Port = Field(3001, description="Port of our API and pages under `finale dev`.")
    sandbox_port: Port = Field(3002, description="Port of the sandbox under `finale dev`.")
    sandbox_products: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        2_500, description="Products of the sandbox under `finale dev`."
    )
    sandbox_orders: Path | None = Field(
        None, description="Parquet file of real order lines to build the sandbox from."
    )
    get_per_minute: Annotated[int, Field(ge=1)] = Field(
        120, description="Finale's budget of GETs a minute; lower it when others share the key."
    )
    post_per_minute: Annotated[int, Field(ge=1)] = Field(
        120, description="Finale's budget of POSTs a minute."
    )
    collections_per_hour: Annotated[int, Field(ge=1)] = Field(
        300, description="Finale's budget of collection reads an hour."
    )
    lanes: Annotated[int, Field(ge=1, le=4)] = Field(
        4, description="Requests under way at the same time."
    )
    row_cap: Annotated[int, Field(ge=2)] = Field(
        120_000, description="Rows at which Finale cuts an answer without saying so."
    )
    window_rows: Annotated[int, Field(ge=100, le=50_000)] = Field(
        8_000, description="Rows a catalogue window aims at; bounds the memory of a sync."
    )
    compress: bool | None = Field(
        None, description="Ask for compressed answers; unset = yes, except on loopback."
    )
    reject_limit: Share = Field(
        0.01, description="Share of unreadable rows above which a table is left as it was."
    )
    shrink_limit: Share = Field(
        0.2, description="Share of products that may lose their stock, or vanish, in one read."
    )

    service_level: Level = Field(
        0.95, description="Share of lead times to get through without running out."
    )
    service_level_a: Level | None = Field(
        None, description="The same for products of class A; unset = SERVICE_LEVEL."
    )
    service_level_b: Level | None = Field(
        None, description="The same for products of class B; unset = SERVICE_LEVEL."
    )
    service_level_c: Level | None = Field(
        None, description="The same for products of class C; unset = SERVICE_LEVEL."
    )
    default_lead_time_days: Annotated[float, Field(ge=0, le=730)] = Field(
        14, description="Days from order to shelf where neither Finale nor the past says."
    )
    review_period_days: Annotated[int, Field(ge=1, le=90)] = Field(
        7, description="Days between two chances to order from a vendor."
    )
    cover_days: Annotated[int, Field(ge=1, le=730)] = Field(
        28, description="Days of sales that one order should last."
    )

    @property
    def is_sandbox(self) -> bool:
        """Whether no account is configured, so that the sandbox takes its place."""
        return self.account is None

    @cached_property
    def zone(self) -> ZoneInfo:
        """The account's time zone."""
        return ZoneInfo(self.timezone)

    def secret_values(self) -> tuple[str, ...]:
        """The secrets in use, for whoever must keep them out of what is shown."""
        values = [s.get_secret_value() for s in (self.api_key, self.api_secret) if s]
        for url in (self.database_url, self.dagster_database_url):
            password = urlsplit(url.get_secret_value()).password if url else None
            values.extend([password] if password else [])
        return tuple(values)


def load_settings() -> Settings:
    """Read the settings from the environment and `.env`.

    Raises:
        ConfigError: A name is not known, a value is of the wrong type, or the account's three
            settings are not given together.
    """
    _refuse_unknown_names()
    try:
        settings = Settings()
    except ValidationError as error:
        raise ConfigError(_what_is_wrong(error), step="Correct it and start again.") from None
    _refuse_half_an_account(settings)
    return settings


def _given_names() -> set[str]:
    """Names with our prefix in the environment and in the `.env` file."""
    names = {name.upper() for name in os.environ}
    env_file = Path(ENV_FILE)
    if env_file.is_file():
        lines = env_file.read_text(encoding="utf-8").splitlines()
        names |= {
            line.split("=", 1)[0].removeprefix("export ").strip().upper()
            for line in lines
            if "=" in line and not line.lstrip().startswith("#")
        }
    return {name for name in names if name.startswith(PREFIX)}


def _refuse_unknown_names() -> None:
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    for name in sorted(_given_names() - set(known)):
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f"Did you mean {nearest[0]}?" if nearest else "See .env.example for the names."
        raise ConfigError(f"{name} is not a setting.", step=hint)


def _what_is_wrong(error: ValidationError) -> str:
    """Name each wrong setting and why, without its value: it may be a secret."""
    parts = [
        f"{PREFIX}{str(e['loc'][0]).upper() if e['loc'] else '?'}: {e['msg']}."
        for e in error.errors(include_input=False, include_url=False)
    ]
    return " ".join(parts)


def _refuse_half_an_account(settings: Settings) -> None:
    trio = {
        "FINALE_ACCOUNT": settings.account,
        "FINALE_API_KEY": settings.api_key,
        "FINALE_API_SECRET": settings.api_secret,
    }
    missing = [name for name, value in trio.items() if not value]
    if missing and len(missing) < len(trio):
        raise ConfigError(
            f"{' and '.join(missing)} missing: an account needs all three of {', '.join(trio)}.",
            step="Set them together, or none of them to use the sandbox.",
        )
