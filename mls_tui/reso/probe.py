"""Checks what one provider supports, with one or two requests for each check, for ``doctor``. What a server does not
support is a warning, not an exception."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mls_tui.domain.errors import AuthenticationError, MLSError, PhotoError, RateLimitedError, sentence
from mls_tui.domain.listing import ListingStatus
from mls_tui.reso.base import Connector, MediaCutError, RawRecord
from mls_tui.reso.connector import ResoConnector
from mls_tui.reso.dialect import refused
from mls_tui.reso.odata import Dialect, FeedPage, Request, StatusForm, filter_text, next_url, read_page, with_query
from mls_tui.reso.pager import Read, SeenRecords, is_offset
from mls_tui.reso.presets import MediaMode, ProviderPreset, Setting, guessed_limits
from mls_tui.storage.base import Check

_ROWS = 5
_XML = {"Accept": "application/xml, application/json;q=0.5"}
_LIMIT_WORDS = ("ratelimit", "rate-limit", "quota", "retry-after")


@dataclass
class _Findings:
    """Results of earlier checks that later ones use."""

    rows: Sequence[RawRecord] = ()
    headers: dict[str, str] = field(default_factory=dict)


def settings_checks(base: ProviderPreset, settings: Iterable[Setting]) -> list[Check]:
    """The preset and each setting that the user has changed. Sends no request."""
    head = Check("preset", "ok", f"{base.label}; not tried live. {' '.join(base.notes)}".strip())
    return [head, *(_own(setting) for setting in settings if setting.mine)]


def _own(setting: Setting) -> Check:
    return Check(f"setting {setting.name}", "ok", f"{setting.value} (set by you; the preset: {setting.default})")


async def probe(connector: Connector, mine: Collection[str] = ()) -> list[Check]:
    """Check the token, metadata, records and ``$top``, next link, ``$count``, ``$orderby``, ``$expand``, the filter by
    status, photos and limits. Stops if the server does not respond or sends no records. ``mine``: settings changed by
    the user. Nothing that the provider does raises an exception."""
    if not isinstance(connector, ResoConnector):
        return []
    probing = _Probe(connector, mine)
    checks = [await probing.guarded("token", probing.token)]
    if checks[-1].state == "failure":
        return checks
    questions: list[tuple[str, Callable[[], Awaitable[Check]]]] = [
        ("metadata", probing.metadata),
        ("records", probing.records),
        ("next link", probing.link),
        ("$count", probing.count),
        ("$orderby", probing.order),
        ("$expand", probing.expand),
        ("statuses", probing.statuses),
        ("photos", probing.photos),
        ("limits", probing.limits),
    ]
    for name, question in questions:
        checks.append(await probing.guarded(name, question))
        if probing.unreachable or (name == "records" and checks[-1].state == "failure"):
            break
    return checks


class _Probe:
    def __init__(self, connector: ResoConnector, mine: Collection[str]) -> None:
        self._connector = connector
        self._mine = mine
        self._preset = connector.preset
        self._found = _Findings()
        self.unreachable = False
        """The server does not respond, so that every further check would fail in the same way."""

    async def guarded(self, name: str, question: Callable[[], Awaitable[Check]]) -> Check:
        """The result of a check; an error of the MLS becomes a failed check."""
        try:
            return await question()
        except AuthenticationError as error:
            return Check(name, "failure", sentence(error), "Check the credentials of this connection.")
        except RateLimitedError as error:
            return Check(name, "warning", sentence(error), "Wait until the provider's window has passed; run it again.")
        except MLSError as error:
            self.unreachable = error.status is None
            return Check(name, "failure", sentence(error), "Check the base URL, and that the provider is up.")

    async def _page(self, *options: tuple[str, str], resource: str | None = None) -> FeedPage:
        url = with_query(f"{self._preset.base_url}/{resource or self._preset.property_resource}", options)
        answer = await self._connector.http.get_json(url)
        self._found.headers.update({name.lower(): value for name, value in answer.headers.items()})
        return read_page(url, answer.body, answer.headers)

    async def token(self) -> Check:
        await self._connector.authenticate()
        return Check("token", "ok", "the credentials give a token")

    async def metadata(self) -> Check:
        try:
            await self._connector.http.get_json(f"{self._preset.base_url}/$metadata", headers=_XML, attempts=1)
        except (AuthenticationError, RateLimitedError):
            raise
        except MLSError as error:
            if error.status is None:
                raise  # nothing answered
            if error.status != 200:  # metadata is usually XML, which is no JSON
                advice = "Nothing: imports do not need it."
                return Check("metadata", "warning", f"$metadata is not served ({error.status})", advice)
        return Check("metadata", "ok", "$metadata is served")

    async def records(self) -> Check:
        page = await self._page(("$top", str(_ROWS)))
        self._found.rows = page.rows
        if not page.rows:
            advice = "Ask the provider whether these credentials may see any listing."
            return Check("records", "warning", "the feed shows no record", advice)
        if len(page.rows) > _ROWS:
            detail = f"$top={_ROWS} was ignored: {len(page.rows)} records came"
            return Check("records", "warning", detail, "Nothing: pages are taken as large as the server makes them.")
        if not any(self._preset.key_field in row for row in page.rows):
            advice = f"Set key_field of this connection to the name of its key field (now {self._preset.key_field})."
            return Check("records", "failure", "the records have no key", advice)
        return Check("records", "ok", f"$top is honoured: {len(page.rows)} records")

    async def link(self) -> Check:
        page = await self._page(("$top", "1"))
        try:
            url = next_url(page, self._preset.base_url)
        except MLSError as error:
            return Check("next link", "failure", sentence(error), "Correct the base URL, or ask the provider.")
        if url is None:
            return Check("next link", "ok", "none; pages go on by timestamp and key")
        if is_offset(url):
            detail = "counts rows; pages go on by timestamp and key if the server's filters allow"
            return Check("next link", "ok", detail)
        return Check("next link", "ok", "a cursor, followed as given")

    async def _option(self, name: str, *options: tuple[str, str]) -> FeedPage | Check:
        try:
            return await self._page(*options, ("$top", str(_ROWS)))
        except MLSError as error:
            if not refused(error):
                raise
            return Check(name, "warning", f"refused ({error.status})", "Nothing: imports do without it.")

    async def count(self) -> Check:
        page = await self._option("$count", ("$count", "true"))
        if isinstance(page, Check):
            return page
        if page.total is None:
            advice = "Removals are found only by what the MLS marks as removed."
            return Check("$count", "warning", "ignored: the feed does not count its records", advice)
        if page.total and not self._found.rows:
            advice = "Ask whether every request needs a parameter of its own, and set query_parameters if so."
            return Check("$count", "warning", f"it counts {page.total:,} records and shows none", advice)
        if page.total < len(page.rows):
            return Check("$count", "warning", f"wrong: it counts {page.total}", "Nothing: the count is not relied on.")
        return Check("$count", "ok", f"{page.total} records")

    async def order(self) -> Check:
        field_name = self._preset.timestamp_field
        page = await self._option("$orderby", ("$orderby", f"{field_name} asc,{self._preset.key_field} asc"))
        if isinstance(page, Check):
            return page
        read = Read(SeenRecords(self._preset, field_name))
        read.take(page)
        if read.position is None and page.rows:
            advice = f"Set timestamp_field of this connection (now {field_name})."
            return Check("$orderby", "warning", f"the records have no {field_name}", advice)
        if not read.ordered:
            advice = "Nothing: an import that is cut short starts its sweep again."
            return Check("$orderby", "warning", "ignored: the records come in another order", advice)
        return Check("$orderby", "ok", f"by {field_name} and {self._preset.key_field}")

    async def expand(self) -> Check:
        if self._preset.media_mode is not MediaMode.EXPAND:
            return Check("$expand", "ok", f"not used: photos come {_MEDIA_MODES[self._preset.media_mode]}")
        page = await self._option("$expand", ("$expand", self._preset.media_resource))
        if isinstance(page, Check):
            return page
        if any(isinstance(row.get("Media"), list) for row in page.rows):
            self._found.rows = page.rows
            return Check("$expand", "ok", "photos come with their listings")
        return Check("$expand", "warning", "ignored: no Media came", "Nothing: the Media resource is asked instead.")

    async def statuses(self) -> Check:
        request = Request(
            self._preset.property_resource, statuses=frozenset({ListingStatus.ACTIVE, ListingStatus.PENDING})
        )
        for form in StatusForm:
            where = filter_text(request, Dialect(status_form=form), self._preset)
            if not where:
                break
            page = await self._option("statuses", ("$filter", where))
            if not isinstance(page, Check):
                return Check("statuses", "ok", f"filtered by {self._preset.status_field}, {_STATUS_FORMS[form]}")
        advice = "Nothing: the whole feed is read and filtered here."
        return Check("statuses", "warning", f"no filter on {self._preset.status_field} is understood", advice)

    async def photos(self) -> Check:
        for record in self._found.rows:
            try:
                media = await self._connector.media(record)
            except MediaCutError as error:
                return Check("photos", "warning", sentence(error), "Imports say which listings lack photos for it.")
            for row in media:
                url = next((row[name] for name in _URL_FIELDS if isinstance(row.get(name), str) and row[name]), None)
                if url is not None:
                    return await self._photo(url)
        return Check("photos", "warning", "none was found to try", "Nothing, if these listings have none.")

    async def _photo(self, url: str) -> Check:
        try:
            photo = await self._connector.photo(url)
        except PhotoError as error:
            advice = _photo_advice(url, self._preset)
            return Check("photos", "failure", sentence(error), advice)
        return Check("photos", "ok", f"{photo.content_type}, {len(photo.body):,} bytes")

    async def limits(self) -> Check:
        told = sorted(name for name in self._found.headers if any(word in name for word in _LIMIT_WORDS))
        windows = ", ".join(
            f"{window.host} {window.limit:,} {window.unit}/{window.seconds:g} s" for window in self._connector.budget()
        )
        if told:
            return Check("limits", "ok", f"announced in {', '.join(told)}; kept: {windows}")
        if "api_limits" in self._mine:
            return Check("limits", "ok", f"not announced; set by you: {windows}")
        if guessed_limits(self._preset):
            advice = "Ask the provider for its limits and set api_limits of this connection."
            return Check("limits", "warning", f"not announced; our guess: {windows}", advice)
        return Check("limits", "ok", f"not announced; the provider's published ones: {windows}")


def _photo_advice(url: str, preset: ProviderPreset) -> str:
    """What to do about a photo that was refused: photo hosts that need the token must be listed."""
    host = (urlsplit(url).hostname or "").lower()
    wants = preset.media_auth or any("{token}" in value for value in preset.media_headers.values())
    if wants and host and host not in preset.media_token_hosts and host != urlsplit(preset.base_url).hostname:
        known = ", ".join([*preset.media_token_hosts, host])
        return f"The token is not sent to {host}. If it is your provider's photo host, set media_token_hosts={known}."
    return "Check that this machine reaches the photo host, and whether it wants the token (media_auth)."


_URL_FIELDS = ("MediaURL", "UriLarge", "Uri1280", "Uri1024", "Uri800", "Uri640", "Uri300")
_MEDIA_MODES = {MediaMode.INLINE: "inside each record", MediaMode.SEPARATE: "from a resource of their own"}
_STATUS_FORMS = {
    StatusForm.ANY: "in any word and spelling",
    StatusForm.BOTH: "in either spelling",
    StatusForm.SPACED: "spelled with spaces",
    StatusForm.JOINED: "spelled without spaces",
    StatusForm.TYPED: "as a typed enumeration",
    StatusForm.NONE: "not at all",
}
