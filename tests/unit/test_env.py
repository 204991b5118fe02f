"""The typed environment: good values are read, bad ones stop the start with a sentence (PRE-13, PRE-14)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from reviewapp.config import env


def test_sqlite_is_the_default_and_takes_the_write_lock_at_begin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    read = env.read_database(tmp_path)
    assert read["NAME"] == str(tmp_path / "softproof.sqlite3")
    assert read["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert read["OPTIONS"]["timeout"] == 20
    assert "journal_mode=WAL" in read["OPTIONS"]["init_command"]


def test_postgres_url_with_quoted_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:p%40ss%2Fword@db.example:5433/proofs?sslmode=require")
    read = env.read_database(tmp_path)
    assert (read["USER"], read["PASSWORD"], read["HOST"], read["PORT"]) == ("ann", "p@ss/word", "db.example", "5433")
    assert (read["NAME"], read["OPTIONS"]) == ("proofs", {"sslmode": "require"})


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("DATABASE_URL", "mysql://x/y", "postgresql://"),
        ("DATABASE_URL", "postgresql://host", "names no database"),
        ("DATABASE_URL", "postgresql://host:abc/x", "port"),
        ("DATABASE_URL", "sqlite://", "needs a path"),
    ],
)
def test_a_bad_database_url_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        env.read_database(tmp_path)
    assert name in str(caught.value) and words in str(caught.value)


@pytest.mark.parametrize("value", ["http://localhost", "localhost:6379", "file:///x"])
def test_a_bad_redis_url_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REDIS_URL", value)
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL"):
        env.read_redis()


def test_no_redis_is_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "none")
    assert env.read_redis() == ""


@pytest.mark.parametrize("value, wanted", [("1", True), ("yes", True), ("off", False), ("", False), ("TRUE", True)])
def test_yes_and_no(monkeypatch: pytest.MonkeyPatch, value: str, wanted: bool) -> None:
    monkeypatch.setenv("DEMO", value)
    assert env.read_bool("DEMO", not wanted) is wanted


@pytest.mark.parametrize("value, words", [("80a", "not a whole number"), ("0", "1 to 65535"), ("70000", "1 to 65535")])
def test_a_bad_port_is_named(monkeypatch: pytest.MonkeyPatch, value: str, words: str) -> None:
    monkeypatch.setenv("PORT", value)
    with pytest.raises(ImproperlyConfigured, match=words):
        env.read_int("PORT", 8000, low=1, high=65535)


def test_an_unknown_log_level_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "debug")
    assert env.read_choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO")) == "DEBUG"
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(ImproperlyConfigured, match="LOG_LEVEL='LOUD' is unknown: use DEBUG, INFO"):
        env.read_choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO"))


def test_maybe_is_not_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO", "maybe")
    with pytest.raises(ImproperlyConfigured, match="DEMO='maybe'"):
        env.read_bool("DEMO", False)


def test_s3_location(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_URL", "s3://photos/studio/a?endpoint=http://127.0.0.1:9000&region=eu-central-1")
    assert env.read_storage() == env.S3Location("photos", "studio/a", "http://127.0.0.1:9000", "eu-central-1")
    monkeypatch.setenv("STORAGE_URL", "s3://photos?colour=red")
    with pytest.raises(ImproperlyConfigured, match="colour"):
        env.read_storage()


def test_sec08_the_secret_is_made_once_and_only_its_owner_reads_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    first = env.read_secret(tmp_path / "new")
    assert len(first) >= 50 and env.read_secret(tmp_path / "new") == first
    mode = stat.S_IMODE(os.stat(tmp_path / "new" / "secret_key").st_mode)
    assert mode == 0o600
    monkeypatch.setenv("SECRET_KEY", "short")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        env.read_secret(tmp_path)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("smtp://ann:p%40ss@mail.example:2525?from=a@b.example", ("mail.example", 2525, "ann", "p@ss", False, True)),
        ("smtp://mail.example?from=a@b.example", ("mail.example", 587, "", "", False, True)),
        ("smtp://localhost:25?from=a@b.example&tls=0", ("localhost", 25, "", "", False, False)),
        ("smtps://mail.example?from=a@b.example", ("mail.example", 465, "", "", True, False)),
    ],
)
def test_a_mail_server_is_read(monkeypatch: pytest.MonkeyPatch, value: str, wanted: tuple[object, ...]) -> None:
    monkeypatch.setenv("EMAIL_URL", value)
    read = env.read_mail()
    assert read is not None and read.sender == "a@b.example"
    assert (read.host, read.port, read.user, read.password, read.is_ssl, read.is_starttls) == wanted


def test_sec08_a_mail_server_with_its_password_is_read_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "mail"
    place.write_text("smtp://ann:hunter2@mail.example?from=a@b.example\n")
    monkeypatch.setenv("EMAIL_URL_FILE", str(place))
    read = env.read_mail()
    assert read is not None and (read.password, read.sender) == ("hunter2", "a@b.example")
    assert "hunter2" not in repr(read)
    monkeypatch.setenv("EMAIL_URL", "smtp://mail.example?from=a@b.example")
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.read_mail()


def test_no_mail_server_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMAIL_URL", raising=False)
    assert env.read_mail() is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("http://mail.example?from=a@b.example", "smtp://"),
        ("smtp://?from=a@b.example", "names no host"),
        ("smtp://mail.example", "who writes"),
        ("smtp://mail.example?from=a@b.example&ssl=1", "unknown option 'ssl'"),
        ("smtp://mail.example:x?from=a@b.example", "port"),
    ],
)
def test_a_bad_mail_server_is_named(monkeypatch: pytest.MonkeyPatch, value: str, words: str) -> None:
    monkeypatch.setenv("EMAIL_URL", value)
    with pytest.raises(ImproperlyConfigured, match=words):
        env.read_mail()


def test_sec08_a_secret_comes_from_a_file_and_no_message_tells_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "secret"
    place.write_text("s3cr3t-" * 8 + "\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(place))
    assert env.read_secret(tmp_path) == "s3cr3t-" * 8
    monkeypatch.setenv("SECRET_KEY", "other-" * 8)
    with pytest.raises(ImproperlyConfigured, match="both set") as refused:
        env.read_secret(tmp_path)
    assert "s3cr3t" not in str(refused.value) and "other-" not in str(refused.value)
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "gone"))
    with pytest.raises(ImproperlyConfigured, match="can't be read"):
        env.read_secret(tmp_path)


def test_sec08_a_malformed_address_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for wrong in ("hunter2hunter2", "mysql://me:hunter2@db/x", "postgresql://me:hunter2@db:port/x"):
        monkeypatch.setenv("DATABASE_URL", wrong)
        with pytest.raises(ImproperlyConfigured) as refused:
            env.read_database(tmp_path)
        assert "hunter2" not in str(refused.value)


def test_sec08_keys_of_the_audit_log_are_a_list_the_first_in_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert env.read_keys("SOFTPROOF_AUDIT_KEYS") == []
    place = tmp_path / "keys"
    place.write_text("a" * 32 + "\n" + "b" * 32 + "\n")
    monkeypatch.setenv("SOFTPROOF_AUDIT_KEYS_FILE", str(place))
    assert env.read_keys("SOFTPROOF_AUDIT_KEYS") == [b"a" * 32, b"b" * 32]
    place.write_text("short")
    with pytest.raises(ImproperlyConfigured, match="shorter than 32") as refused:
        env.read_keys("SOFTPROOF_AUDIT_KEYS")
    assert "short'" not in str(refused.value)


def test_obs24_heads_are_kept_beside_the_data_elsewhere_or_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert env.read_anchor(tmp_path) == tmp_path / "audit.anchor"
    monkeypatch.setenv("SOFTPROOF_AUDIT_ANCHOR", str(tmp_path / "else"))
    assert env.read_anchor(tmp_path) == tmp_path / "else"
    monkeypatch.setenv("SOFTPROOF_AUDIT_ANCHOR", "none")
    assert env.read_anchor(tmp_path) is None


def test_sec08_storage_credentials_of_files_are_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ID", "KEY"):
        (tmp_path / name).write_text(f"hunter2-{name}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID_FILE", str(tmp_path / "ID"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_FILE", str(tmp_path / "KEY"))
    monkeypatch.setenv("STORAGE_URL", "s3://bucket/prefix")
    place = env.read_storage()
    assert place is not None and (place.access_key, place.secret_key) == ("hunter2-ID", "hunter2-KEY")
    assert "hunter2" not in repr(place)
