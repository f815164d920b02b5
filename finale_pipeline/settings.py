"""Every setting: its type, its default, its help; secrets never show themselves."""

import difflib
import os
import re
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

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


CRON = re.compile(
    r"(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/\d+)?(,(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/\d+)?)*"
)
OFF = "off"


def _cron_or_off(text: str) -> str:
    fields = text.split()
    if text.lower() == OFF:
        return OFF
    if len(fields) != 5 or not all(CRON.fullmatch(part) for part in fields):  # noqa: PLR2004
        message = f"{text!r} is no cron time of five fields, such as 0 2 * * *, nor `off`"
        raise ValueError(message)
    return " ".join(fields)


Cron = Annotated[str, AfterValidator(_cron_or_off)]
Minutes = Annotated[float, Field(gt=0)]


def _listed(value: object) -> object:
    """Split a list that is written with commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


ADDRESS = re.compile(r"[^\s@<>\"(),:;\[\]\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def _address(text: str) -> str:
    if not ADDRESS.fullmatch(text) or len(text) > 254:  # noqa: PLR2004 - RFC 5321
        message = f"{text!r} is no e-mail address"
        raise ValueError(message)
    return text


def _hours(text: str) -> str:
    begin, _, end = text.partition("-")
    try:
        same = time.fromisoformat(begin.strip()) == time.fromisoformat(end.strip())
    except ValueError:
        same = True
    if same:
        message = f"{text!r} is no span of hours; write it as 22:00-07:00"
        raise ValueError(message)
    return text


Address = Annotated[str, AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[float, Field(ge=0.5, lt=1)]

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
MAIL_SERVICE = ("SENDGRID_API_KEY", "SENDGRID_BASE_URL")
"""Settings whose names are the service's own, without our prefix."""


class Settings(BaseSettings):
    """The program's settings, from `FINALE_…` variables and a `.env` file beside it.

    A name that starts with `FINALE_` and is not listed here is refused, with the nearest right one.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        extra="ignore",
        env_ignore_empty=True,
        populate_by_name=True,
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
    stock_since: date | None = Field(
        None,
        description="First day whose stock was read; `finale dev` finds it. Unset = FINALE_SINCE.",
    )
    ui_port: Port = Field(3000, description="Port of Dagster's UI under `finale dev`.")
    api_port: Port = Field(3001, description="Port of our API and pages under `finale dev`.")
    api_host: str = Field(
        "127.0.0.1", description="Address our API listens on; off loopback it needs a token."
    )
    api_token: SecretStr | None = Field(
        None, description="Bearer token of our API; who has it may read and start syncs."
    )
    api_read_token: SecretStr | None = Field(
        None, description="Bearer token of our API that may only read."
    )
    api_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="Host names our API answers to, beside loopback's; with commas."
    )
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
    low_stock_default_units: Annotated[float, Field(ge=0)] = Field(
        10, description="Below it a product without a reorder point is low."
    )
    breaker_share: Share = Field(
        0.1, description="Share of products that may worsen at once; above it one mail tells all."
    )
    alert_emails: Annotated[tuple[Address, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="Who gets the mails; addresses with commas between them."
    )
    alert_from: Address | None = Field(None, description="Sender of the mails.")
    quiet_hours: Annotated[str, AfterValidator(_hours)] | None = Field(
        None, description="Hours of the account's day without mails, such as 22:00-07:00."
    )
    digest_hour: Annotated[int, Field(ge=0, le=23)] = Field(
        7, description="Hour of the account's day at which the morning digest is sent."
    )
    pages_url: str | None = Field(
        None, description="Where mails link to our pages; unset = this machine, API_PORT."
    )
    smtp_host: str | None = Field(
        None, description="SMTP server for mails, where SendGrid is not used."
    )
    smtp_port: Port = Field(587, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How it is spoken to: starttls, tls or none."
    )
    smtp_user: str | None = Field(None, description="User there; unset = no log-in.")
    smtp_password: SecretStr | None = Field(None, description="That user's password.")
    sendgrid_api_key: SecretStr | None = Field(
        None,
        validation_alias="SENDGRID_API_KEY",
        description="Key of SendGrid; without it, and without SMTP, mails become files in HOME.",
    )
    sendgrid_base_url: str = Field(
        "https://api.sendgrid.com",
        validation_alias="SENDGRID_BASE_URL",
        description="Address of SendGrid; https, or loopback.",
    )

    schedule_critical: Cron = Field(
        "*/15 * * * *", description="When the critical sync runs, as cron in TIMEZONE; or `off`."
    )
    schedule_inventory: Cron = Field(
        "0 * * * *", description="When the inventory sync runs, as cron in TIMEZONE; or `off`."
    )
    schedule_active: Cron = Field(
        "0 2 * * *", description="When the active sync runs, as cron in TIMEZONE; or `off`."
    )
    schedule_full: Cron = Field(
        "0 3 * * SUN", description="When the full sync runs, as cron in TIMEZONE; or `off`."
    )
    schedule_smart: Cron = Field(
        "0 */6 * * *",
        description="When the sync that fits the data's age runs, as cron in TIMEZONE; or `off`.",
    )
    schedule_housekeeping: Cron = Field(
        "30 4 * * *", description="When old records are deleted, as cron in TIMEZONE; or `off`."
    )
    smart_critical: Minutes = Field(
        30, description="Minutes since the last good sync under which smart takes critical."
    )
    smart_inventory: Minutes = Field(
        120, description="Minutes since the last good sync under which smart takes inventory."
    )
    smart_active: Minutes = Field(
        1440, description="Minutes since the last good sync under which smart takes active."
    )
    active_days: Annotated[int, Field(ge=1)] = Field(
        365, description="Days without a change after which the active sync leaves a product out."
    )
    stuck_minutes: Minutes = Field(
        30, description="Minutes without a sign of life after which a sync is cancelled."
    )
    second_read_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        30, description="Pause before stock that cannot be believed is read a second time."
    )
    keep_runs_days: Annotated[int, Field(ge=1)] = Field(
        14, description="Days that Dagster keeps finished runs; failed ones four times as long."
    )
    keep_ledger_days: Annotated[int, Field(ge=30)] = Field(
        400, description="Days that ops.sync_run and ops.schedule_tick keep what happened."
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

    @property
    def pages(self) -> str:
        """Address that mails link to, without a slash at its end."""
        return (self.pages_url or f"http://127.0.0.1:{self.api_port}").rstrip("/")

    @property
    def reads_sandbox(self) -> bool:
        """Whether the data are invented: the source is on this machine."""
        return self.is_sandbox or urlsplit(self.base_url).hostname in LOOPBACK

    @property
    def sends_mail(self) -> bool:
        """Whether mails leave this machine; else they become files."""
        return self.sendgrid_api_key is not None or self.smtp_host is not None

    def secret_values(self) -> tuple[str, ...]:
        """The secrets in use, for whoever must keep them out of what is shown."""
        given = (
            self.api_key, self.api_secret, self.sendgrid_api_key, self.smtp_password,
            self.api_token, self.api_read_token,
        )  # fmt: skip
        values = [s.get_secret_value() for s in given if s]
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
    _refuse_mail_without_ends(settings)
    return settings


def setting_name(field: str) -> str:
    """Return the variable that a field is read from."""
    return field.upper() if field.upper() in MAIL_SERVICE else f"{PREFIX}{field.upper()}"


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
    known = [setting_name(name) for name in Settings.model_fields]
    for name in sorted(_given_names() - set(known)):
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f"Did you mean {nearest[0]}?" if nearest else "See .env.example for the names."
        raise ConfigError(f"{name} is not a setting.", step=hint)


def _what_is_wrong(error: ValidationError) -> str:
    """Name each wrong setting and why, without its value: it may be a secret."""
    parts = [
        f"{setting_name(str(e['loc'][0])) if e['loc'] else '?'}: {e['msg']}."
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


def _refuse_mail_without_ends(settings: Settings) -> None:
    """Mail needs who it is for and who it is from, and a service that may be given the key."""
    if not settings.sends_mail:
        return
    ends = {"FINALE_ALERT_EMAILS": settings.alert_emails, "FINALE_ALERT_FROM": settings.alert_from}
    missing = [name for name, value in ends.items() if not value]
    if missing:
        raise ConfigError(
            f"{' and '.join(missing)} missing: mails could not be sent.",
            step="Set both, or neither a SendGrid key nor an SMTP server.",
        )
    if not _is_safe(settings.sendgrid_base_url):
        raise ConfigError(
            "SENDGRID_BASE_URL is neither https nor on this machine; the key would be readable.",
            step="Correct it, or leave it out.",
        )


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
