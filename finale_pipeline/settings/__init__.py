"""The program's settings, from the environment and `.env`; secrets never show themselves."""

import difflib
import os
import re
from functools import cached_property
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError

from finale_pipeline import logs
from finale_pipeline.errors import ConfigError
from finale_pipeline.settings.changed import changes
from finale_pipeline.settings.groups import (
    Access,
    Hooks,
    Mails,
    Ordering,
    Places,
    Planning,
    Reading,
    Schedules,
)
from finale_pipeline.settings.routes import Route, is_safe, parsed
from finale_pipeline.settings.types import LOOPBACK, OFF

__all__ = ["ENV_FILE", "LOOPBACK", "OFF", "PREFIX", "Settings", "load_settings", "setting_name"]

PREFIX = "FINALE_"
OURS = re.compile(r"FINALE?_|FINALLY_|SEND_?GRID", re.IGNORECASE)
"""Names that somebody who sets them means for us, also where they are misspelt."""
ENV_FILE = ".env"
SECRET_PARTS = ("password", "sslpassword")
"""Parameters of a database's URL that are secret."""
SAMPLES = {
    "date_from_datetime_parsing": "2019-05-31",
    "bool_parsing": "true or false",
    "int_parsing": "42",
    "float_parsing": "0.95",
}
"""What a value of the right form looks like, by what is wrong with one."""
MAIL_SERVICE = ("SENDGRID_API_KEY", "SENDGRID_BASE_URL")
"""Settings whose names are the service's own, without our prefix."""
BY_CLASS = "a product's own level is plan.product_term.service_level"
RETIRED = {
    "FINALE_STOCK_SINCE": "Dagster describes days without stock by itself",
    "FINALE_SERVICE_LEVEL_A": BY_CLASS,
    "FINALE_SERVICE_LEVEL_B": BY_CLASS,
    "FINALE_SERVICE_LEVEL_C": BY_CLASS,
    "FINALE_KEEP_LEDGER_DAYS": "the ledger keeps 400 days",
}
"""Settings of earlier versions, with what holds instead."""


class Settings(Ordering, Planning, Mails, Schedules, Hooks, Reading, Access, Places):
    """The program's settings; `load_settings` reads them."""

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

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Who else gets mails about items.

        Raises:
            ValueError: The setting is none; it is checked when settings are loaded.
        """
        return parsed(self.alert_routes.get_secret_value()) if self.alert_routes else ()

    @property
    def code_location(self) -> str:
        """How Dagster calls the process that has our definitions."""
        return self.location or "finale_pipeline.definitions"

    @property
    def dagster(self) -> str:
        """Address at which our API reaches Dagster's UI, without a slash at its end."""
        return (self.ui_url or f"http://127.0.0.1:{self.ui_port}").rstrip("/")

    @property
    def ui_prefix(self) -> str:
        """Path below which Dagster's UI is served; empty = at the root."""
        return urlsplit(self.dagster).path

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
        values = []
        for name in type(self).model_fields:
            secret = getattr(self, name)
            if isinstance(secret, SecretStr):
                text = secret.get_secret_value()
                values += _passwords(text) if name.endswith("_url") else [text]
        values += [route.target for route in self.routes if route.channel != "mail"]
        return tuple(value for value in values if value)


def _passwords(url: str) -> list[str]:
    """Return what a database's URL keeps secret, as it stands there and as it is meant."""
    parts = urlsplit(url)
    parameters = dict(parse_qsl(parts.query))
    raw = [v for n, _, v in (p.partition("=") for p in parts.query.split("&")) if n in SECRET_PARTS]
    named = [parameters[name] for name in SECRET_PARTS if name in parameters]
    password = parts.password or ""
    return [*raw, *named, password, unquote(password)]


def load_settings(env_file: str = ENV_FILE) -> Settings:
    """Read the settings from `FINALE_…` variables and `.env`; schedules as they were changed since.

    From then on no text of this process shows their secrets.

    Args:
        env_file: What it says counts where the environment says nothing.

    Raises:
        ConfigError: A name that starts with `FINALE_` is not known, a value is of the wrong type,
            the account's three settings are not given together, or the file of changed schedules is
            damaged.
    """
    try:
        settings = Settings.model_validate(_configured(env_file))
    except ValidationError as error:
        raise ConfigError(_what_is_wrong(error), step="Correct it and start again.") from None
    _refuse_routes_without_all(settings)
    logs.hide(settings.secret_values())
    _refuse_half_an_account(settings)
    _refuse_mail_without_ends(settings)
    _refuse_writes_without_zone(settings)
    changed = {f"schedule_{name}": change.cron for name, change in changes(settings.home).items()}
    return settings.model_copy(update=changed)


def setting_name(field: str) -> str:
    """Return the variable that a field is read from."""
    return field.upper() if field.upper() in MAIL_SERVICE else f"{PREFIX}{field.upper()}"


def _configured(env_file: str) -> dict[str, str]:
    """Return what is set, by field; an empty variable says nothing, capitals do not matter."""
    in_file = dotenv_values(env_file)
    _refuse_unknown_names({*os.environ, *in_file})
    texts = {n.upper(): text for n, text in (*in_file.items(), *os.environ.items()) if text}
    names = {field: setting_name(field) for field in Settings.model_fields}
    return {field: texts[name] for field, name in names.items() if name in texts}


def _refuse_unknown_names(variables: set[str]) -> None:
    """Refuse a name that is, or might be meant as, ours and is not."""
    names = [setting_name(name) for name in Settings.model_fields]
    ours = {name.upper() for name in variables if OURS.match(name)}
    for name in sorted(ours - set(names)):
        if name in RETIRED:
            raise ConfigError(f"{name} is no longer a setting: {RETIRED[name]}.", step="Remove it.")
        nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
        hint = f"Did you mean {nearest[0]}?" if nearest else "See .env.example for the names."
        raise ConfigError(f"{name} is not a setting.", step=hint)


def _what_is_wrong(error: ValidationError) -> str:
    """Name each wrong setting and why, without its value: it may be a secret."""
    parts = []
    for e in error.errors(include_input=False, include_url=False):
        name = setting_name(str(e["loc"][0])) if e["loc"] else "?"
        sample = f" (such as {name}={SAMPLES[e['type']]})" if e["type"] in SAMPLES else ""
        parts.append(f"{name}: {e['msg']}{sample}.")
    return " ".join(parts)


def _refuse_half_an_account(settings: Settings) -> None:
    trio = ("account", "api_key", "api_secret")
    missing = [setting_name(field) for field in trio if not getattr(settings, field)]
    if missing and len(missing) < len(trio):
        raise ConfigError(
            f"{' and '.join(missing)} missing: an account needs all three of"
            f" {', '.join(map(setting_name, trio))}.",
            step="Set them together, or none of them to use the sandbox.",
        )


def _refuse_routes_without_all(settings: Settings) -> None:
    """Routes get parts; somebody gets everything, or what belongs to no route is told to nobody."""
    try:
        routes = settings.routes
    except ValueError as error:
        raise ConfigError(f"FINALE_ALERT_ROUTES {error}.", step="Correct it.") from None
    if routes and not settings.alert_emails:
        raise ConfigError(
            "FINALE_ALERT_EMAILS missing: what belongs to no route would be told to nobody.",
            step="Set it to who gets everything.",
        )


def _refuse_mail_without_ends(settings: Settings) -> None:
    """Mail needs who it is for and who it is from, and a service that may be given the key."""
    if not settings.sends_mail:
        return
    ends = ("alert_emails", "alert_from")
    missing = [setting_name(field) for field in ends if not getattr(settings, field)]
    if missing:
        raise ConfigError(
            f"{' and '.join(missing)} missing: mails could not be sent.",
            step="Set both, or neither a SendGrid key nor an SMTP server.",
        )
    if not is_safe(settings.sendgrid_base_url):
        raise ConfigError(
            "SENDGRID_BASE_URL is neither https nor on this machine; the key would be readable.",
            step="Correct it, or leave it out.",
        )


def _refuse_writes_without_zone(settings: Settings) -> None:
    """The dates of an order are days of the account's zone; a guessed one shows other days."""
    is_set = "timezone" in settings.model_fields_set
    if settings.allow_writes and not settings.reads_sandbox and not is_set:
        raise ConfigError(
            "FINALE_ALLOW_WRITES is on and FINALE_TIMEZONE is not set: the dates of orders would"
            " be days of another zone.",
            step="Set FINALE_TIMEZONE to the account's zone, such as America/Denver.",
        )
