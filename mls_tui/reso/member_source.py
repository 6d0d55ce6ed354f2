"""Who the credentials belong to: the Member and Office resources, as far as the MLS shows them. It must never fail a
connection because a server has no such resource."""

from __future__ import annotations

from collections.abc import Sequence

from mls_tui.domain.connection import Member
from mls_tui.domain.errors import AuthenticationError, MLSError, RateLimitedError
from mls_tui.reso.base import RawRecord
from mls_tui.reso.feed import Feed
from mls_tui.reso.odata import quoted, with_query


async def member_of(feed: Feed, agent_key: str | None) -> Member:
    """The agent with this key, else the only one that the token sees; empty where the MLS does not tell.

    Raises:
        AuthenticationError: the token is refused.
    """
    resource = feed.preset.member_resource
    if agent_key:
        rows = await _rows(feed, resource, *(f"{field} eq {quoted(agent_key)}" for field in _MEMBER_KEYS))
        agent = next((row for row in rows if agent_key in (_text(row, field) for field in _MEMBER_KEYS)), None)
    else:
        rows = await _rows(feed, resource, "")
        agent = rows[0] if len(rows) == 1 else None
    if agent is None:
        return Member(member_key=agent_key) if agent_key else Member()
    office_key = _text(agent, "OfficeKey", "OfficeMlsId")
    return Member(
        member_key=_text(agent, "MemberKey", "MemberMlsId"),
        member_name=_name(agent),
        office_key=office_key,
        office_name=_text(agent, "OfficeName") or await _office_name(feed, agent),
    )


_MEMBER_KEYS = ("MemberKey", "MemberMlsId")
_OFFICE_KEYS = ("OfficeKey", "OfficeMlsId")


async def _office_name(feed: Feed, agent: RawRecord) -> str | None:
    filters = [f"{field} eq {quoted(key)}" for field in _OFFICE_KEYS if (key := _text(agent, field))]
    keys = {_text(agent, field) for field in _OFFICE_KEYS} - {None}
    rows = await _rows(feed, feed.preset.office_resource, *filters) if filters else []
    office = next((row for row in rows if keys & {_text(row, field) for field in _OFFICE_KEYS}), None)
    return _text(office, "OfficeName") if office else None


async def _rows(feed: Feed, resource: str, *filters: str) -> Sequence[RawRecord]:
    """Rows of the first filter that gives any; none where the resource is not served."""
    for where in filters:
        options = [("$filter", where)] if where else []
        try:
            page = await feed.follow(with_query(f"{feed.preset.base_url}/{resource}", [*options, ("$top", "2")]))
        except (AuthenticationError, RateLimitedError):
            raise
        except MLSError:
            continue
        if page.rows:
            return page.rows
    return ()


def _name(agent: RawRecord) -> str | None:
    whole = _text(agent, "MemberFullName", "MemberPreferredName")
    parts = [part for field in ("MemberFirstName", "MemberLastName") if (part := _text(agent, field))]
    return whole or " ".join(parts) or None


def _text(row: RawRecord, *fields: str) -> str | None:
    for field in fields:
        value = row.get(field)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            return "".join(char for char in str(value) if char.isprintable()).strip()[:200] or None
    return None
