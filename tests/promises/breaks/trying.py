"""Faults in what is tried again, how often and how fast, and in what one failure does to others."""

from __future__ import annotations

from tests.promises.breaks.breaks import Break

_FAILURES = "e2e/test_import_failures.py"
_STATUSES = "unit/test_mls_http_statuses.py"
_RETRY = "unit/test_importer_retry.py"
_BUDGET = "unit/test_mls_budget.py"

TRYING: tuple[Break, ...] = (
    Break(
        8,
        "a 400 is tried again",
        "mls/answer_errors.py",
        "retryable = raw.status in _RETRYABLE or raw.status >= 500",
        "retryable = raw.status >= 400",
        (f"{_STATUSES}::test_hopeless_status_is_not_tried_again",),
    ),
    Break(
        8,
        "a 500 is not tried again",
        "mls/answer_errors.py",
        "retryable = raw.status in _RETRYABLE or raw.status >= 500",
        "retryable = False",
        (f"{_STATUSES}::test_passing_fault_is_tried_again_after_the_contracts_wait",),
    ),
    Break(
        8,
        "waits are twice as long",
        "domain/retry.py",
        "return float(2 ** (failed_attempts - 1)) + rng.random()",
        "return float(2**failed_attempts) + rng.random()",
        (
            f"{_RETRY}::test_waits_are_a_power_of_two_and_up_to_a_second",
            f"{_STATUSES}::test_passing_fault_is_tried_again_after_the_contracts_wait",
        ),
    ),
    Break(
        8,
        "a listing has four attempts",
        "domain/retry.py",
        "LISTING_ATTEMPTS = 3",
        "LISTING_ATTEMPTS = 4",
        (
            f"{_RETRY}::test_a_listing_has_three_attempts_and_a_photo_two",
            f"{_FAILURES}::test_a_listing_the_store_refuses_fails_alone_and_comes_with_the_next_import",
        ),
    ),
    Break(
        8,
        "a photo has three attempts",
        "domain/retry.py",
        "PHOTO_ATTEMPTS = 2",
        "PHOTO_ATTEMPTS = 3",
        (
            f"{_RETRY}::test_a_listing_has_three_attempts_and_a_photo_two",
            f"{_FAILURES}::test_a_photo_that_cannot_be_had_keeps_its_url_and_is_had_by_the_next_import",
        ),
    ),
    Break(
        8,
        "whatever fails is tried again",
        "domain/retry.py",
        "    return isinstance(error, TimeoutError | ConnectionError)",
        "    return True",
        (f"{_RETRY}::test_what_cannot_help_is_tried_once_and_told_once",),
    ),
    Break(
        8,
        "a 429 uses up an attempt",
        "mls/http.py",
        "            if self._requester.throttled(target.host, slot, raw, status, fault):\n                continue\n",
        "",
        (f"{_STATUSES}::test_429_pauses_as_asked_and_uses_up_no_attempt",),
    ),
    Break(
        10,
        "an error that nobody foresaw stops the siblings",
        "importer/handlers.py",
        "            if not isinstance(error, MlsTuiError):\n",
        "            if not isinstance(error, MlsTuiError):\n                raise\n",
        (f"{_FAILURES}::test_an_error_that_nobody_foresaw_fails_one_listing_alone",),
    ),
    Break(
        10,
        "a listing that fails stops the run",
        "importer/handlers.py",
        "            if error.fatal or self._store_failures >= STORE_FAILURES:\n",
        "            if error:\n",
        (f"{_FAILURES}::test_a_listing_the_store_refuses_fails_alone_and_comes_with_the_next_import",),
    ),
    Break(
        10,
        "a photo that cannot be had fails its listing",
        "importer/photos.py",
        "            self._failed(index, photo, sentence(error), failed)\n            return\n",
        "            raise\n",
        (f"{_FAILURES}::test_a_photo_that_cannot_be_had_keeps_its_url_and_is_had_by_the_next_import",),
    ),
    Break(
        10,
        "a connection that cannot begin stops the others",
        "actions/distributed.py",
        "                refused.append(error)\n",
        "                raise\n",
        ("e2e/test_bad_connection.py::test_workers_do_the_runs_beside_bad_connections",),
    ),
    Break(
        10,
        "a record that cannot be used ends the import",
        "importer/handlers.py",
        "            self._quarantine(job, verdict)\n",
        "            raise StorageError(verdict.reason)\n",
        (
            "e2e/cli/test_cli_import.py::test_a_record_without_a_key_is_quarantined_the_rest_comes_and_the_exit_code_is_1",
        ),
    ),
    Break(
        15,
        "a window holds one request more than it may",
        "mls/budget_window.py",
        "min(size, self.limit) - self.limit\n",
        "min(size, self.limit) - self.limit - 1\n",
        (f"{_BUDGET}::test_no_window_ever_holds_more_than_its_limit",),
    ),
    Break(
        15,
        "a restart forgets what was spent",
        "mls/budget_host.py",
        "                window.restore(now, ages)\n",
        "                pass\n",
        (f"{_BUDGET}::test_restart_forgets_nothing",),
    ),
    Break(
        15,
        "pauses have no end",
        "mls/requester.py",
        "        if self._throttle.open:\n",
        "        if self._throttle.open and raw.status == 1550:\n",
        (f"{_STATUSES}::test_five_pauses_in_a_row_stop_the_run_and_a_success_between_does_not",),
    ),
)
