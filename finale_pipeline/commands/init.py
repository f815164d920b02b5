"""`finale init`: settings of a real account, its folder, its database; may be run again."""

import getpass
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from finale_pipeline.backup import manifest
from finale_pipeline.commands import env_file
from finale_pipeline.commands.common import answering
from finale_pipeline.errors import ConfigError
from finale_pipeline.health import doctor
from finale_pipeline.health.findings import NOT_WELL, Finding
from finale_pipeline.settings import ENV_FILE, MAIL_SERVICE, Settings, load_settings
from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import connect, prepare_dagster_database, running_server

QUESTIONS = {
    "FINALE_ACCOUNT": "Account (the first part of the address after logging in to Finale)",
    "FINALE_API_KEY": "API key (Application settings → Users → API keys; not shown)",
    "FINALE_API_SECRET": "Its secret (not shown)",
    "FINALE_TIMEZONE": "Time zone of the account, such as Europe/Berlin",
    "FINALE_SINCE": "First day of the account, such as 2019-05-01",
    "FINALE_ALERT_EMAILS": "Who gets mails (addresses with commas; empty = files in FINALE_HOME)",
    "FINALE_ALERT_FROM": "Sender of the mails (empty = none yet)",
}
NEEDED = ("FINALE_ACCOUNT", "FINALE_API_KEY", "FINALE_API_SECRET")
NAMES = {
    "account": "FINALE_ACCOUNT",
    "timezone": "FINALE_TIMEZONE",
    "since": "FINALE_SINCE",
    "mail": "FINALE_ALERT_EMAILS",
    "mail_from": "FINALE_ALERT_FROM",
    "home": "FINALE_HOME",
}
"""Settings of the options. Secrets are no options: all users of a machine see arguments."""
SECRETS = ("FINALE_API_KEY", "FINALE_API_SECRET", "SENDGRID_API_KEY", "FINALE_DATABASE_URL")

Ask = Callable[[str], str]


def _typed() -> str:
    return "\n".join(getpass.getpass(f"{what} (not shown): ") for what in ("API key", "Secret"))


def _secrets(text: str) -> dict[str, str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 2:  # noqa: PLR2004 - key and secret
        raise ConfigError(
            f"--secrets wants two lines, key and secret; there were {len(lines)}.",
            data="Nothing was written.",
            step='Such as: printf \'%s\\n\' "$KEY" "$SECRET" | finale init --secrets …',
        )
    return {"FINALE_API_KEY": lines[0], "FINALE_API_SECRET": lines[1]}


@dataclass(frozen=True, slots=True)
class Asking:
    """How a person is asked for what may be seen, and for what may not."""

    text: Ask
    secret: Ask


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was prepared; `added` and `changed` name the settings of the file that are so."""

    env_file: Path
    added: list[str]
    changed: list[str]
    home: Path
    findings: list[Finding]
    next_step: str

    @property
    def exit_code(self) -> int:
        """That of the worst finding; old data are no fault of a new key: the next sync reads."""
        return max({finding.exit_code for finding in self.findings} - {NOT_WELL}, default=0)


def prepare(options: Mapping[str, str], asking: Asking | None) -> Prepared:
    """Write the settings that are given or answered, make folder and database, examine all.

    Args:
        asking: Asks for what is missing; None = nobody is there.

    Raises:
        ConfigError: Something is missing or wrong; the settings are as they were.
    """
    path = Path(ENV_FILE)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    values = dict(options)
    if asking is not None:
        values |= _answers(path, set(values) | env_file.names(before), asking)
    _require(set(values) | env_file.names(before))
    after = env_file.changed(before or env_file.HEAD, values)
    settings = _checked(path, after, values)
    had = env_file.names(before)
    same = {n for n in values if n in had and env_file.changed(before, {n: values[n]}) == before}
    if after != before:
        env_file.write(path, after)
    path.chmod(0o600)
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with running_server(settings) as url:
        schema.upgrade(url)
        prepare_dagster_database(settings)
        _require_own_database(url, settings)
        findings = doctor.examine(settings)
    return Prepared(
        path.resolve(),
        sorted(set(values) - had),
        sorted((set(values) & had) - same),
        settings.home.resolve(),
        findings,
        _next_step(settings, findings),
    )


def _answers(path: Path, present: set[str], asking: Asking) -> dict[str, str]:
    """Ask for what is not known; an answer that is wrong is asked for again, and no other."""
    answers = {}
    for name, question in QUESTIONS.items():
        complaint, is_wrong = "", name not in present
        while is_wrong:
            ask = asking.secret if name in SECRETS else asking.text
            answers[name] = ask(f"{complaint}{question}: ").strip()
            complaint = _wrong(path, name, answers[name])
            is_wrong = bool(complaint)
    return {name: answer for name, answer in answers.items() if answer}


def _wrong(path: Path, name: str, answer: str) -> str:
    """Return what is wrong with an answer, as a line; empty = nothing."""
    if not answer:
        return ""
    values = {name: answer}
    try:
        _checked(path, env_file.changed(env_file.HEAD, values), values)
    except ConfigError as error:
        return f"{error.what}\n" if error.what.startswith(f"{name}:") else ""
    return ""


def _require(present: set[str]) -> None:
    missing = [name for name in NEEDED if name not in present]
    if missing:
        raise ConfigError(
            f"{' and '.join(missing)} missing.",
            data="Nothing was written.",
            step="Answer the questions of `finale init` at a terminal; or give --account, and key"
            " and secret as FINALE_API_KEY and FINALE_API_SECRET in the environment, or as two"
            " lines on standard input with --secrets.",
        )


def _checked(path: Path, text: str, values: Mapping[str, str]) -> Settings:
    """Return the settings that a text would give; it is written only when they are right."""
    trial = path.with_name(f"{path.name}.trial")
    env_file.write(trial, text)
    beside = {name: os.environ.pop(name) for name in values if name in os.environ}
    try:
        return load_settings(str(trial))
    except ConfigError as error:
        raise ConfigError(
            error.what,
            data="Nothing was written.",
            step="Run finale init again with the right value.",
        ) from None
    finally:
        os.environ.update(beside)
        trial.unlink(missing_ok=True)


def _require_own_database(url: str, settings: Settings) -> None:
    with connect(url, name="finale init") as connection:
        there = manifest.account_of(connection)
    if there is not None and there != settings.account:
        raise ConfigError(
            f"The database holds the account {there}, and the settings name {settings.account}.",
            data="The settings are written; no data were changed.",
            step="Give this account a place of its own: finale init --home .finale-live",
        )


def _next_step(settings: Settings, findings: list[Finding]) -> str:
    failed = [finding for finding in findings if finding.state == "failed"]
    if failed:
        return f"Mend this first: {failed[0].says} {failed[0].step} Then: finale doctor"
    step = "make run, which reads the whole account first; for good: deploy/README.md."
    if settings.sends_mail:
        return step
    return (
        f"{step} Mails need {MAIL_SERVICE[0]} or FINALE_SMTP_HOST in .env; until then they are"
        " files."
    )


def shown(prepared: Prepared) -> str:
    """Return what was prepared as lines to read; no value is among them."""
    lines = [f"settings   {prepared.env_file} (readable by you only)"]
    if prepared.added:
        lines.append(f"  added    {', '.join(prepared.added)}")
    if prepared.changed:
        lines.append(f"  changed  {', '.join(prepared.changed)}")
    if not prepared.added and not prepared.changed:
        lines.append("  as they were")
    lines.append(f"folder     {prepared.home}")
    return "\n".join(
        [*lines, "", doctor.shown(prepared.findings), "", f"Next: {prepared.next_step}"]
    )


@click.command()
@click.option("--account", help="First part of the address after logging in to Finale.")
@click.option("--timezone", metavar="ZONE", help="The account's, such as Europe/Berlin.")
@click.option("--since", metavar="DAY", help="First day of the account, such as 2019-05-01.")
@click.option("--mail", metavar="ADDRESSES", help="Who gets mails, with commas.")
@click.option("--mail-from", metavar="ADDRESS", help="Sender of the mails.")
@click.option("--home", metavar="FOLDER", help="Where everything is written.")
@click.option(
    "--secrets",
    is_flag=True,
    help="Key and secret anew: asked at a terminal, else two lines of standard input.",
)
@click.option("--yes", is_flag=True, help="Ask nothing.")
@answering(shown, lambda prepared: prepared.exit_code)
def command(*, secrets: bool, yes: bool, **options: str | None) -> Prepared:
    """Prepare for a real account: settings, folder, database."""
    values = {NAMES[name]: value for name, value in options.items() if value}
    values |= {name: os.environ[name] for name in SECRETS if os.environ.get(name)}
    if secrets:
        values |= _secrets(_typed() if sys.stdin.isatty() else sys.stdin.read())
    is_asked = not yes and not secrets and sys.stdin.isatty()
    return prepare(values, Asking(input, getpass.getpass) if is_asked else None)
