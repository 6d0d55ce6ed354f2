"""Faults in how a hostile feed is met: its addresses, its bodies, its text; and in what the log tells of it."""

from __future__ import annotations

from tests.promises.breaks.breaks import Break

_ADDRESSES, _BODIES, _TEXT, _LOGS = "hostile addresses", "hostile bodies", "hostile text", "logs"
_E2E, _NETGUARD = "e2e/test_hostile_addresses.py", "unit/test_mls_netguard.py"
_NO_SPELLING = f"{_E2E}::test_no_spelling_leads_to_a_private_address"
_NO_OTHER_HOST = f"{_E2E}::test_the_token_goes_to_no_other_host_by_photo_redirect_or_link"
_PRIVATE_MLS = f"{_E2E}::test_a_private_mls_is_refused_before_anything_is_sent"
_PHOTOS = "e2e/test_hostile_bodies.py::test_photos_that_attack_cost_themselves_and_a_sentence_each"
_PAGES = "e2e/test_hostile_bodies.py::test_a_page_that_attacks_ends_the_import_with_a_sentence_and_its_state_saved"
_PACKED = "unit/test_mls_packed_bodies.py"
_INCOMING, _REUSED = "unit/test_mls_incoming.py", "unit/test_mls_reused_connections.py"
_WORDS = "e2e/test_hostile_text.py::test_no_word_of_a_feed_becomes_a_line_of_the_log_or_a_row_of_an_export"
_CLOUDWATCH = "e2e/test_import_log.py::test_cloudwatch_gets_each_line_that_the_file_gets"

ATTACKS: tuple[Break, ...] = (
    Break(
        _ADDRESSES,
        "an IPv4 address within an IPv6 one is not seen",
        "mls/net/netguard.py",
        "plain = unmapped(ipaddress.ip_address(address))",
        "plain = ipaddress.ip_address(address)",
        (f"{_NETGUARD}::test_spelling_of_a_private_address_is_refused_before_any_connection", _NO_SPELLING),
    ),
    Break(
        _ADDRESSES,
        "the resolver's answers are not checked",
        "mls/net/names.py",
        "        self._guard.addresses(host, [str(info[4][0]) for info in found])\n",
        "",
        (f"{_NETGUARD}::test_name_with_one_private_answer_is_refused",),
    ),
    Break(
        _ADDRESSES,
        "the guard is off",
        "actions/session.py",
        "allow_private_hosts=workspace.settings.allow_private_hosts",
        "allow_private_hosts=True",
        (_NO_SPELLING, _PRIVATE_MLS),
    ),
    Break(
        _ADDRESSES,
        "a redirect goes anywhere",
        "mls/photos.py",
        'target = self._guard.target(answer, "photo")',
        "target = Target(answer, target.host, target.origin)",
        ("unit/test_mls_photos.py::test_redirect_to_a_private_address_is_refused",),
    ),
    Break(
        _ADDRESSES,
        "redirects go on and on",
        "mls/photos.py",
        "if hops > _REDIRECTS:",
        "if hops > 30:",
        ("unit/test_mls_photos.py::test_three_redirects_are_followed_and_a_fourth_is_not",),
    ),
    Break(
        _ADDRESSES,
        "a photo's host gets the token",
        "mls/media_headers.py",
        "return target.origin == self._home or named",
        "return True",
        (_NO_OTHER_HOST,),
    ),
    Break(
        _ADDRESSES,
        "a page's redirect takes the token along",
        "mls/http.py",
        "        if origin(target) != self._home:\n",
        "        if False:\n",
        (_NO_OTHER_HOST,),
    ),
    Break(
        _ADDRESSES,
        "the environment's proxy is used",
        "mls/net/connections.py",
        "        scheme, host, port = origin\n",
        "        proxy = httpx.URL(__import__('os').environ.get('HTTP_PROXY', 'http://{}:{}'.format(*origin[1:])))\n"
        "        scheme, host, port = proxy.scheme, proxy.host, proxy.port or 80\n",
        (f"{_E2E}::test_environment_proxies_get_neither_photo_nor_page",),
    ),
    Break(
        _BODIES,
        "bytes are counted once all are there",
        "mls/exchange.py",
        "        if size > cap:\n",
        "        if size > 4 * cap:\n",
        (_PHOTOS, _PAGES, f"{_PACKED}::test_a_bomb_is_cut_off_at_its_cap_and_never_held_whole"),
    ),
    Break(
        _BODIES,
        "a packed body is unpacked at once",
        "mls/exchange.py",
        "_PIECE = 256 * 1024\n",
        "_PIECE = 1 << 30\n",
        (f"{_PACKED}::test_a_bomb_is_cut_off_at_its_cap_and_never_held_whole",),
    ),
    Break(
        _BODIES,
        "what was packed twice passes",
        "mls/exchange.py",
        '.strip().lower() or "identity"',
        '.split(",")[0].strip().lower() or "identity"',
        (_PAGES, f"{_PACKED}::test_what_was_not_asked_for_is_not_unpacked"),
    ),
    Break(
        _BODIES,
        "a body that breaks off is whole",
        "mls/net/incoming.py",
        "if clean and self._headed and self._error is None and not self._bounded():",
        "if self._headed:",
        (f"{_INCOMING}::test_answer_that_is_cut_off_is_never_whole",),
    ),
    Break(
        _BODIES,
        "heads may go on and on",
        "mls/net/incoming.py",
        "if self._headless > _HEAD_AT_MOST:",
        "if False:",
        (f"{_INCOMING}::test_lines_without_end_are_cut_off",),
    ),
    Break(
        _BODIES,
        "a connection is used again with half an answer on it",
        "mls/net/connections.py",
        "        if not reusable or not connection.usable:\n",
        "        if not connection.usable:\n",
        (f"{_REUSED}::test_connection_of_a_photo_that_was_given_up_halfway_is_not_used_again",),
    ),
    Break(
        _BODIES,
        "a connection is used again although its server has spoken unasked",
        "mls/net/connection.py",
        "        if self._answer is None:\n            self.abort()\n        else:\n",
        "        if self._answer is not None:\n",
        (f"{_REUSED}::test_answer_that_nobody_asked_for_is_not_taken_for_the_next_photo",),
    ),
    Break(
        _BODIES,
        "no limit on the whole time",
        "mls/exchange.py",
        "asyncio.timeout(seconds)",
        "asyncio.timeout(None)",
        (_PHOTOS, _PAGES),
    ),
    Break(
        _BODIES,
        "a packed photo is taken",
        "mls/photos.py",
        'if packing(reply.headers) != "identity":',
        "if False:",
        (_PHOTOS,),
    ),
    Break(
        _BODIES,
        "pixels are not counted before decoding",
        "importer/variants.py",
        "if picture.width * picture.height > MAX_PIXELS:",
        "if False:",
        ("e2e/test_hostile_bodies.py::test_a_header_that_lies_about_its_pixels_is_kept_as_served_and_never_decoded",),
    ),
    Break(
        _TEXT,
        "a number may hold what parts a key",
        "domain/keys.py",
        'return quote(text, safe="-._~")',
        'return quote(text, safe="-._~/#")',
        ("e2e/test_hostile_text.py::test_no_number_or_key_becomes_a_path_or_another_key",),
    ),
    Break(
        _TEXT,
        "a quote ends a filter's literal",
        "mls/odata.py",
        """text.replace("'", "''")""",
        "text",
        ("unit/test_hostile_words.py::test_no_quote_ends_a_literal_of_a_filter",),
    ),
    Break(
        _TEXT,
        "a log line holds what it is given",
        "logs.py",
        "return json.dumps(self.fields(record))",
        'return str(self.fields(record)["message"]) + str(record.__dict__.get("mls_number"))',
        (_WORDS, "unit/test_logs.py::test_no_text_of_a_feed_breaks_a_line_or_reaches_the_terminal"),
    ),
    Break(
        _TEXT,
        "a cell may be a formula",
        "export.py",
        "{name: harmless(value) for name, value in row_of(listing).items()}",
        "row_of(listing)",
        (_WORDS, "unit/test_export.py::test_no_text_of_a_feed_becomes_a_formula"),
    ),
    Break(
        _TEXT,
        "text is markup",
        "widgets/plain.py",
        "return Content(clean(text))",
        "return Content.from_markup(clean(text))",
        ("ui/test_plain_text.py::test_markup_is_shown_letter_by_letter",),
    ),
    Break(
        _TEXT,
        "the terminal gets escapes",
        "cli/text.py",
        "    if not text.isprintable():\n",
        "    if False:\n",
        ("unit/test_hostile_words.py::test_no_word_brings_a_control_character_to_the_terminal",),
    ),
    Break(
        _LOGS,
        "a photo's failure is filed with the listings'",
        "logged_events.py",
        "_fields(ErrorCategory.PHOTO, event.mls_number, event.attempts, event.cause)",
        "_fields(ErrorCategory.IMPORT, event.mls_number, event.attempts, event.cause)",
        (_CLOUDWATCH, "unit/test_logs.py::test_each_kind_of_error_has_its_category"),
    ),
    Break(
        _LOGS,
        "the log grows for ever",
        "logs.py",
        "maxBytes=MAX_BYTES",
        "maxBytes=0",
        ("unit/test_logs.py::test_the_log_rotates_and_rotated_files_stay_private",),
    ),
    Break(
        _LOGS,
        "an import waits for CloudWatch",
        "cloudwatch.py",
        "            self._ready.set()\n        except Exception:",
        "            self._send(self._batch())\n        except Exception:",
        ("unit/test_logs_cloudwatch.py::test_a_stuck_aws_holds_nobody_up_and_costs_bounded_memory",),
    ),
    Break(
        _LOGS,
        "what CloudWatch never got is not told",
        "logs.py",
        'if lost := getattr(handler, "dropped", 0):',
        "if lost := 0:",
        (
            "e2e/test_import_log.py::"
            "test_a_cloudwatch_that_is_slow_broken_or_away_holds_nothing_up_and_is_told_in_the_file",
        ),
    ),
    Break(
        _LOGS,
        "lines of a millisecond are sent by their letters",
        "cloudwatch.py",
        "sorted(batch, key=lambda entry: entry[0])",
        "sorted(batch)",
        (_CLOUDWATCH,),
    ),
    Break(
        _LOGS,
        "the oldest lines are shown first",
        "screens/log.py",
        "(await asyncio.to_thread(recent, path))[::-1]",
        "(await asyncio.to_thread(recent, path))",
        ("ui/test_log_screen.py::test_f2_shows_each_error_with_its_kind_number_attempts_and_cause",),
    ),
)
