"""What is sent with a request for a photo. The MLS token goes to the API's own origin and to hosts that the preset
names, and nowhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from mls_tui.reso.net.netguard import Origin, Target
from mls_tui.reso.presets import ProviderPreset


class PhotoHeaders:
    """``home`` is the API's origin; ``token`` gives a token that has not expired (``TokenSource.token``)."""

    def __init__(
        self, preset: ProviderPreset, home: Origin, token: Callable[[], Awaitable[str]], user_agent: str
    ) -> None:
        self._preset = preset
        self._home = home
        self._token = token
        self._user_agent = user_agent
        self._wants_token = preset.media_auth or any("{token}" in value for value in preset.media_headers.values())
        self._without_token = self._with("")

    async def __call__(self, target: Target) -> Mapping[str, str]:
        if self._wants_token and self._may_have_token(target):
            return self._with(await self._token())
        return self._without_token

    def _with(self, token: str) -> dict[str, str]:
        headers = {"accept": "image/*", "user-agent": self._user_agent}
        for name, value in self._preset.media_headers.items():
            if "{token}" not in value or token:
                headers[name.lower()] = value.replace("{token}", token)
        if self._preset.media_auth and token:
            headers["authorization"] = f"Bearer {token}"
        headers["accept-encoding"] = "identity"
        return headers

    def _may_have_token(self, target: Target) -> bool:
        scheme, _, port = target.origin
        named = target.host in self._preset.media_token_hosts and scheme == "https" and port == 443
        return target.origin == self._home or named
