"""A stylesheet that is parsed once. Textual parses all of it anew whenever it refreshes the look: twice before the
first frame alone, though no variable has changed, which takes a tenth of a second."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class ParsedOnce(Stylesheet):
    """Parses anew only under other variables, as another theme brings them; new sources alone are added to the rest."""

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
