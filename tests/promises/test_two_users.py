"""User A never sees, changes or deletes what is B's, whatever verb A calls with whatever name of B's."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mls_tui import actions
from mls_tui.actions import ActionResult
from mls_tui.config import Settings
from mls_tui.domain.events import Event, RunFinished
from tests.promises.two_users import VERBS, Person, alice_and_bob

OF_THE_MACHINE = {"install_service", "remove_service", "service_status"}
"""Actions that read and change no user's data."""
FAIL_WITH_ANOTHERS_NAME = {
    name
    for name in VERBS
    if name
    not in {
        "get_imported_listings",
        "open_summaries",
        "listing_data",
        "get_listings",
        "run_worker",
        "export_listings",
        "get_connections",
        "connect_mls",
        "get_import_history",
        "init_storage",
        "check_storage",
        "rotate_keys",
    }
}

TAKE = {"undo_deletion", "delete_listing", "delete_listings", "delete_named"}


@pytest.mark.promise(11)
def test_every_verb_is_tried() -> None:
    verbs = {name for name in actions.__all__ if inspect.isfunction(getattr(actions, name))}
    assert verbs - OF_THE_MACHINE == set(VERBS)


@pytest.mark.promise(11)
async def test_no_verb_reaches_what_belongs_to_another(any_settings: Settings, tmp_path: Path) -> None:
    async with alice_and_bob(any_settings, tmp_path) as (alice, bob):
        await bob.settle()
        hers = await alice.settle()
        before, secrets = await alice.belongings(), await alice.secrets()
        for name in VERBS:
            answer = await VERBS[name](bob, hers)
            assert await alice.belongings() == before, f"{name} changed what is Alice's"
            _nothing_told(name, answer, secrets)
            if name in FAIL_WITH_ANOTHERS_NAME:
                assert _failed(answer), f"{name} worked with Alice's name"
        exported = tmp_path / "export.json"
        assert exported.read_text().strip() == "[]"


@pytest.mark.promise(11)
async def test_ones_own_names_work_and_leave_the_other_alone(local_settings: Settings, tmp_path: Path) -> None:
    async with alice_and_bob(local_settings, tmp_path) as (alice, bob):
        await alice.settle()
        before = await alice.belongings()
        his = await bob.settle()
        for name in VERBS:
            await VERBS[name](bob, his)
            assert await alice.belongings() == before, f"{name} changed what is Alice's"
            if name in TAKE:
                his = await bob.settle()


EXAMPLES = {"local": 8, "aws": 3}
"""Moto's server takes a second where SQLite takes thirty milliseconds."""


@pytest.mark.promise(11)
def test_no_sequence_of_verbs_reaches_over(any_settings: Settings, kind: str, tmp_path: Path) -> None:
    steps = st.lists(st.tuples(st.sampled_from(sorted(VERBS)), st.booleans(), st.booleans()), min_size=2, max_size=5)
    with asyncio.Runner() as runner:
        house = alice_and_bob(any_settings, tmp_path)
        people = runner.run(house.__aenter__())

        played: list[str] = []

        @settings(
            max_examples=EXAMPLES[kind],
            suppress_health_check=[HealthCheck.too_slow],
            phases=[Phase.explicit, Phase.generate],
        )
        @given(steps)
        def hold(sequence: list[tuple[str, bool, bool]]) -> None:
            runner.run(_play(people, sequence))
            played.extend(verb for verb, _, _ in sequence)

        hold()
        assert len(played) >= 2 * EXAMPLES[kind]
        runner.run(house.__aexit__(None, None, None))


async def _play(people: tuple[Person, Person], sequence: list[tuple[str, bool, bool]]) -> None:
    names = (await people[0].settle(), await people[1].settle())
    for verb, actor, owner in sequence:
        other = people[not actor]
        before, secrets = await other.belongings(), await other.secrets()
        answer = await VERBS[verb](people[actor], names[owner])
        assert await other.belongings() == before, verb
        _nothing_told(verb, answer, secrets)


def _nothing_told(verb: str, answer: object, secrets: set[str]) -> None:
    told = repr(answer)
    if verb == "undo_deletion":
        return  # it takes whole listings: what comes back is what was handed in
    for secret in secrets:
        assert secret not in told, f"{verb} told {secret!r}"


def _failed(answer: ActionResult[object] | list[object]) -> bool:
    if isinstance(answer, ActionResult):
        return not answer.success
    last = answer[-1]
    assert isinstance(last, Event)
    return isinstance(last, RunFinished) and last.result.error is not None


@pytest.mark.promise(11)
@pytest.mark.parametrize("name", ["a/b", "a#b", "", "..", "a\n", "é", "x" * 200])
async def test_an_id_that_could_leave_its_partition_is_refused(
    name: str, local_settings: Settings, tmp_path: Path
) -> None:
    from mls_tui.actions.workspace import Workspace
    from mls_tui.domain.errors import MlsTuiError
    from tests.promises.two_users import OneUser

    with pytest.raises(MlsTuiError):
        async with Workspace(local_settings, users=OneUser(name)) as ws:
            await ws.store.runs(ws.user_id)
