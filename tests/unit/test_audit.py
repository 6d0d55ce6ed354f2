"""The audit asks about every locked version, and a database that does not answer is no clean result."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests import audit


def test_every_locked_version_but_our_own_is_asked_about_and_each_name_once_at_a_time() -> None:
    lock = audit.LOCK.read_text(encoding="utf-8")
    every = {f"{each['name']}=={each['version']}" for each in tomllib.loads(lock)["package"]}
    lists = audit.locked(lock)
    assert {version for versions in lists for version in versions} == {
        version for version in every if not version.startswith("mls-tui==")
    }
    for versions in lists:
        names = [version.split("==")[0] for version in versions]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("body", "answers"),
    [
        (json.dumps({"vulnerabilities": [{"id": "PYSEC-2019-217"}]}), True),
        (json.dumps({"vulnerabilities": []}), False),
        (json.dumps({"info": {}}), False),
        ("<html>Not found</html>", False),
        (None, False),
    ],
)
def test_a_database_that_knows_no_old_weakness_is_not_asked(tmp_path: Path, body: str | None, answers: bool) -> None:
    answer = tmp_path / "json"
    if body is not None:
        answer.write_text(body)
    assert (audit.unanswered(answer.as_uri()) == "") is answers


def test_where_it_does_not_answer_the_audit_is_skipped_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "KNOWN", (tmp_path / "nowhere").as_uri())
    assert audit.main() == 2
    assert capsys.readouterr().out.startswith("SKIPPED: the advisory database cannot be asked from here")


@pytest.mark.parametrize(("found", "code"), [(False, 0), (True, 1)])
def test_what_pip_audit_finds_is_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: bool, code: int
) -> None:
    asked: list[str] = []

    def audited(folder: Path, versions: list[str]) -> bool:
        asked.extend(versions)
        return found

    answer = tmp_path / "json"
    answer.write_text('{"vulnerabilities": [{}]}')
    monkeypatch.setattr(audit, "KNOWN", answer.as_uri())
    monkeypatch.setattr(audit, "_run", lambda command: None)
    monkeypatch.setattr(audit, "_audited", audited)
    assert audit.main() == code
    assert len(asked) > 100
