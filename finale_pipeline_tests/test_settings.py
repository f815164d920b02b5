from pathlib import Path

import pytest

from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import Settings, load_settings, setting_name
from finale_pipeline.settings.groups import Hooks


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(setting_name(name), raising=False)


def test_without_any_setting_the_sandbox_is_used() -> None:
    assert load_settings().is_sandbox


@pytest.mark.parametrize("where", ["environment", "file"])
def test_a_misspelt_name_is_refused_with_the_right_one(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "environment":
        monkeypatch.setenv("FINALE_ACCUNT", "x")
    else:
        Path(".env").write_text("# a comment = 1\nexport FINALE_ACCUNT=x\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"FINALE_ACCUNT.*Did you mean FINALE_ACCOUNT\?"):
        load_settings()


def test_half_an_account_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINALE_ACCOUNT", "demo")

    with pytest.raises(ConfigError, match="FINALE_API_KEY and FINALE_API_SECRET missing"):
        load_settings()


def test_writes_without_a_zone_are_refused_as_soon_as_the_account_is_a_real_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("ACCOUNT", "demo"), ("API_KEY", "k"), ("API_SECRET", "s")):
        monkeypatch.setenv(f"FINALE_{name}", value)
    monkeypatch.setenv("FINALE_ALLOW_WRITES", "true")
    with pytest.raises(ConfigError, match="FINALE_TIMEZONE is not set"):
        load_settings()

    monkeypatch.setenv("FINALE_TIMEZONE", "UTC")  # named, though it is the default
    assert load_settings().allow_writes
    monkeypatch.delenv("FINALE_TIMEZONE")
    monkeypatch.setenv("FINALE_ALLOW_WRITES", "false")
    assert not load_settings().allow_writes


@pytest.mark.parametrize(
    ("name", "value"), [("TIMEZONE", "Mars/Base"), ("UI_PORT", "x"), ("SHRINK_LIMIT", "7")]
)
def test_a_wrong_value_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FINALE_{name}", value)

    with pytest.raises(ConfigError, match=f"FINALE_{name}"):
        load_settings()


def test_secrets_show_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINALE_ACCOUNT", "demo")
    monkeypatch.setenv("FINALE_API_KEY", "canary-key")
    monkeypatch.setenv("FINALE_API_SECRET", "canary-secret")
    monkeypatch.setenv("FINALE_DATABASE_URL", "postgresql://u:canary-word@h/d")

    settings = load_settings()

    assert "canary" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert set(settings.secret_values()) == {"canary-key", "canary-secret", "canary-word"}


def test_the_example_file_names_every_setting_and_no_other() -> None:
    example = Path(__file__).parents[1] / ".env.example"
    lines = example.read_text(encoding="utf-8").splitlines()
    prefixes = ("# FINALE_", "# SENDGRID_")
    named = {line.lstrip("# ").partition("=")[0] for line in lines if line.startswith(prefixes)}
    for_operators = Settings.model_fields.keys() - Hooks.model_fields
    assert named == {setting_name(name) for name in for_operators}


def test_a_setting_that_is_gone_is_refused_with_what_holds_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FINALE_SERVICE_LEVEL_A", "0.99")
    with pytest.raises(ConfigError, match=r"no longer a setting: .*product_term") as refused:
        load_settings()
    assert refused.value.step == "Remove it."


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"FINALE_ALERT_EMAILS": "a@b.example, nobody"}, "'nobody' is no e-mail address"),
        ({"FINALE_ALERT_EMAILS": "a@b.example\r\nBcc: c@d.example"}, "is no e-mail address"),
        ({"FINALE_QUIET_HOURS": "at night"}, "FINALE_QUIET_HOURS"),
        ({"SENDGRID_API_KEY": "x"}, "FINALE_ALERT_EMAILS and FINALE_ALERT_FROM missing"),
        ({"FINALE_SMTP_HOST": "mail", "FINALE_ALERT_EMAILS": "a@b.example"}, "FINALE_ALERT_FROM"),
    ],
)
def test_mails_that_could_not_be_sent_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str
) -> None:
    """M12."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError, match=said):
        load_settings()


@pytest.mark.parametrize("url", ["http://api.sendgrid.com", "file:///etc", "ftp://x.example"])
def test_the_mail_key_goes_to_https_or_to_this_machine_only(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "x")
    monkeypatch.setenv("FINALE_ALERT_EMAILS", "a@b.example,c@d.example")
    monkeypatch.setenv("FINALE_ALERT_FROM", "e@f.example")
    assert load_settings().alert_emails == ("a@b.example", "c@d.example")
    monkeypatch.setenv("SENDGRID_BASE_URL", url)

    with pytest.raises(ConfigError, match="SENDGRID_BASE_URL"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("SENDGRID_APIKEY", "SENDGRID_API_KEY"), ("SENDGRID_KEY", "SENDGRID_API_KEY"),
     ("SEND_GRID_API_KEY", "SENDGRID_API_KEY"), ("FINAL_API_KEY", "FINALE_API_KEY"),
     ("finale_api_ky", "FINALE_API_KEY")],
)  # fmt: skip
@pytest.mark.parametrize("where", ["environment", "file"])
def test_near_misses_of_all_names_that_are_read_are_named(
    monkeypatch: pytest.MonkeyPatch, where: str, name: str, meant: str
) -> None:
    if where == "environment":
        monkeypatch.setenv(name, "x")
    else:
        Path(".env").write_text(f"{name}='x y'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"Did you mean {meant}\?"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "sample"),
    [("SINCE", "01.02.2020", "2019-05-31"), ("ALLOW_WRITES", "maybe", "true or false"),
     ("UI_PORT", "http", "42"), ("SERVICE_LEVEL", "95 %", "0.95"),
     ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'")],
)  # fmt: skip
def test_a_wrong_value_is_answered_with_a_sample_of_the_right_form(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sample: str
) -> None:
    monkeypatch.setenv(f"FINALE_{name}", value)
    with pytest.raises(ConfigError) as refused:
        load_settings()
    assert f"FINALE_{name}" in refused.value.what
    assert sample in refused.value.what


@pytest.mark.parametrize("name", ["SENDGRID_API_KEY", "FINALE_API_SECRET", "FINALE_DATABASE_URL"])
@pytest.mark.parametrize(
    ("harm", "is_taken"), [("{}\n", True), (" {}\r\n", True), ("a\n{}", False)]
)
def test_a_secret_loses_the_line_break_that_came_along_and_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, harm: str, is_taken: bool
) -> None:
    monkeypatch.setenv("FINALE_ALERT_EMAILS", "a@b.example")
    monkeypatch.setenv("FINALE_ALERT_FROM", "a@b.example")
    monkeypatch.setenv("FINALE_ACCOUNT", "demo")
    monkeypatch.setenv("FINALE_API_KEY", "k")
    monkeypatch.setenv("FINALE_API_SECRET", "s")
    value = "postgresql://u:canary@h/x" if name.endswith("URL") else "canary"
    monkeypatch.setenv(name, harm.format(value))
    if is_taken:
        assert "canary" in load_settings().secret_values()
        return
    with pytest.raises(ConfigError, match=name) as refused:
        load_settings()
    assert "canary" not in str(refused.value)


def test_a_number_sign_in_the_databases_url_is_refused_unseen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FINALE_DATABASE_URL", "postgresql://u:can#ary@host/x")
    with pytest.raises(ConfigError, match="write # as %23") as refused:
        load_settings()
    assert "ary" not in str(refused.value).replace("necessary", "")


@pytest.mark.parametrize("character", ["\n", "\t", "\x1b", "\u2028"])
def test_a_folder_that_no_file_can_name_is_refused_with_the_character(
    monkeypatch: pytest.MonkeyPatch, character: str
) -> None:
    monkeypatch.setenv("FINALE_HOME", f"/srv/a{character}b")
    with pytest.raises(ConfigError, match="FINALE_HOME") as refused:
        load_settings()
    assert repr(character) in str(refused.value)
