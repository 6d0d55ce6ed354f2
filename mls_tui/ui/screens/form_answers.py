"""What a test of a connection found, or why it failed, as the form shows it. Pure."""

from __future__ import annotations

from textual.content import Content

from mls_tui.actions import ConnectionTest
from mls_tui.domain.words import plural
from mls_tui.ui.widgets.plain import one_line, plain


def found_words(found: ConnectionTest) -> Content:
    """What a test found, for the user to recognise as theirs."""
    member = found.member
    who = one_line(member.member_name or member.member_key or "the MLS does not say", 60)
    office = one_line(member.office_name or member.office_key or "the MLS does not say", 60)
    waiting = "the MLS does not count" if found.waiting is None else plural(found.waiting, "listing")
    lines = [
        Content.assemble(("✔ Signed in. This test stored nothing; ctrl+s saves the connection.", "bold $text-success")),
        Content.assemble(("  Agent    ", "$foreground 60%"), who),
        Content.assemble(("  Office   ", "$foreground 60%"), office),
        Content.assemble(("  Waiting  ", "$foreground 60%"), waiting),
    ]
    lines += [Content.assemble(("  ! ", "$text-warning"), one_line(note, 200)) for note in found.notes]
    return Content("\n").join(lines)


def failed_words(error: str) -> Content:
    """Why a test or a save did not work."""
    return Content.assemble(("✖ ", "bold $text-error"), plain(error or "It did not work."))
