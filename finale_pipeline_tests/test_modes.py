"""What other users of the machine can open, and what a command shows of secrets."""

import os
import stat
import subprocess
from pathlib import Path

from finale_pipeline.health.doctor import examine
from finale_pipeline.settings import Settings
from finale_pipeline_tests.processes import command, environment


def test_what_a_command_makes_is_for_its_user_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = Settings(home=home)
    done = subprocess.run(
        ["/bin/sh", "-c", 'umask 0; exec "$@"', "sh", *command("alerts", "revoke-links")],
        env=environment(settings), check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    passable = 0o011 if os.geteuid() == 0 else 0  # the database of root runs as another user
    assert stat.S_IMODE(home.stat().st_mode) & ~passable == 0o700
    made = list(home.rglob("*"))
    assert made
    for path in made:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_the_doctor_names_what_others_can_open(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://127.0.0.1:1/x")
    (tmp_path / "outbox").mkdir(mode=0o700)
    report = tmp_path / "outbox" / "mail.eml"
    report.touch(0o600)
    report.chmod(0o644)
    found = {f.what: f for f in examine(settings)}
    assert found["files"].state == "warning"
    assert str(report) in found["files"].says
    subprocess.run(found["files"].step.removeprefix("Run: ").split(), check=True)
    assert {f.what: f.state for f in examine(settings)}["files"] == "ok"


def test_a_password_in_a_parameter_of_the_url_shows_nowhere(tmp_path: Path) -> None:
    secret = "canary-7f3a91"
    url = f"postgresql://me@127.0.0.1:1/finale?password={secret}&sslpassword={secret}"
    settings = Settings(home=tmp_path, database_url=url)
    for arguments in (("db", "url"), ("status",), ("doctor",), ("watch",), ("sync", "full")):
        done = subprocess.run(
            command(*arguments), env=environment(settings), check=False, capture_output=True,
            text=True, cwd=tmp_path, timeout=60,
        )  # fmt: skip
        assert secret not in done.stdout + done.stderr, arguments
    assert all(secret not in path.read_text() for path in tmp_path.rglob("*") if path.is_file())
