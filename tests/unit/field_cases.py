"""FIELD.md's cases, section by section, each with the tests that show it: ``file::test`` below ``tests/``. Cases that
were found while building are the last table."""

from __future__ import annotations

P, A, M, B, F = (
    f"providers/test_{name}.py::"
    for name in ("strangers_paging", "strangers_answers", "strangers_media", "strangers_budget", "shared_feeds")
)
LINKS, BOUNDS, FAULTS, PROPERTY = (
    f"unit/test_mls_paging_{name}.py::test_" for name in ("links", "bounds", "faults", "property")
)
HTTP, AUTH, ANSWERS, CONNECTOR, PHOTOS, TRANSPORT = (
    f"unit/test_mls_{name}.py::test_"
    for name in ("http_statuses", "auth", "answers", "connector", "photos", "transport")
)
BUDGET = "unit/test_rate_limit.py::test_"
FIELDS, RECORD, ADDRESS, MEDIA, HASHING, SIZES, QUARANTINE = (
    f"unit/test_mapping_{name}.py::test_"
    for name in ("fields", "record", "address", "media", "hashing", "sizes", "quarantine")
)
FACTS, FORM, EDIT = (
    f"{file}.py::test_"
    for file in ("unit/test_mls_facts", "ui/test_connection_facts", "e2e/cli/test_cli_connection_edit")
)
CHANGES, MEMBER, ORIGIN, BATCHES, TYPED = (
    f"unit/test_mls_{name}.py::test_"
    for name in ("paging_changes", "member", "links_origin", "media_batches", "typed_statuses")
)
LATE, REPLACED, EXPIRED, SIZED, RESUMED = (
    f"providers/test_strangers_{name}.py::test_"
    for name in ("late_media", "replaced_photos", "expired_photos", "page_sizes", "resumed")
)
AGAIN, FAILURES, CHOICES = (f"e2e/test_import_{name}.py::test_" for name in ("again", "failures", "choices"))

Cases = dict[str, tuple[str, ...]]

REQUESTS: Cases = {
    "a count that is a string, wrong, or of the page": (P + "test_a_count_that_is_text_or_lies",),
    "$top and Prefer are sent": (SIZED + "a_page_is_asked_for_by_top_and_by_preference",),
    "fewer rows than $top": (
        P + "test_links_by_skip_in_pages_of_100",
        PROPERTY + "any_feed_page_size_link_and_dialect",
    ),
    "a short page with a link is not the end": (LINKS + "every_link_style_with_every_count_gives_each_record_once",),
    "no link, or an empty one": (ORIGIN + "no_link_is_the_last_page",),
    "a relative link": (P + "test_a_relative_skiptoken", FAULTS + "no_fault_gives_300"),
    "an empty page in the middle": (
        FAULTS + "an_empty_middle_page_gives_300",
        LINKS + "an_empty_middle_page_is_not_the_end",
    ),
    "a link on a full last page": (LINKS + "a_full_last_page_with_a_link_ends_the_sweep",),
    "a link to itself": (FAULTS + "a_link_to_itself_is_a_clear_stop",),
    "a phantom next page": (P + "test_the_same_page_for_ever_under_new_links_ends_with_what_came",),
    "a link to another origin": (
        LINKS + "a_link_to_another_origin_is_refused_and_never_asked",
        HTTP + "link_to_another_origin_gets_no_token",
    ),
    "an http link of an https server": (
        ORIGIN + "a_link_of_the_same_server_is_followed_over_https_however_it_is_written",
        ORIGIN + "any_other_origin_is_refused",
        ORIGIN + "https_is_never_taken_down_to_http_nor_http_up_where_the_connection_is_plain",
    ),
    "bulk copy by the replication link": (CONNECTOR + "each_providers_shape_is_swept_whole_with_its_media",),
    "more rows on one timestamp than a page": (
        P + "test_every_row_on_one_timestamp",
        BOUNDS + "more_rows_on_one_timestamp_than_a_page_holds",
    ),
    "records that change while paging": (
        PROPERTY + "records_that_change_while_paging_are_neither_lost_nor_stale",
        CHANGES + "no_record_is_lost_to_a_change_between_two_pages",
        RESUMED + "a_record_that_slipped_past_the_part_before_the_cut_is_had_by_the_resume",
    ),
    "a quote in a filter, and %20": (
        FAULTS + "spaces_in_filters_travel_as_percent_20",
        HTTP + "filter_is_sent_with_percent_20_and_escaped_quotes",
    ),
    "absent, null, empty mean the same": (
        RECORD + "null_means_allowed",
        HASHING + "what_is_not_the_feeds_changes_no_fingerprint",
    ),
}
SIGN_IN: Cases = {
    "bearer": (FAULTS + "a_401_that_cannot_be_renewed_stops_with_the_contracts_sentence",),
    "client credentials, as a form or as HTTP Basic": (A + "test_client_credentials_with_any_expires_in",),
    "password grant and refresh token": (AUTH + "password_grant_then_its_refresh_token_then_the_password_again",),
    "expires_in missing or a string": (A + "test_client_credentials_with_any_expires_in",),
    "renewed before it expires": (AUTH + "token_is_renewed_before_it_expires",),
    "renewed once on a 401": (A + "test_a_token_that_dies_in_the_middle_is_renewed_and_the_request_replayed",),
}
ERRORS: Cases = {
    "error bodies of every shape": (
        ANSWERS + "error_body_is_read_leniently",
        F + "test_a_spark_failure_inside_a_200_ends_with_its_message",
    ),
    "masked tokens": (HTTP + "error_body_with_the_token_is_masked_everywhere",),
    "400: no retry": (HTTP + "hopeless_status_is_not_tried_again",),
    "400: a stale link is rebuilt": (LINKS + "a_link_that_died_is_rebuilt_from_the_last_record",),
    "401 again: stop, state saved": (
        A + "test_a_bearer_that_dies_in_the_middle_ends_the_run_and_keeps_what_came",
        A + "test_after_a_new_token_the_run_goes_on_where_it_stopped",
    ),
    "403: no retry": (HTTP + "hopeless_status_is_not_tried_again",),
    "404: one listing is gone": (AGAIN + "one_vanished_listing_of_many_is_kept_and_marked_by_a_full_import_only",),
    "408, 5xx, resets: three attempts": (
        HTTP + "passing_fault_is_tried_again_after_the_contracts_wait",
        A + "test_a_500_in_the_middle_is_one_attempt_told",
    ),
    "413: half the page, then without Media": (
        LINKS + "a_page_too_large_is_asked_for_in_halves",
        SIZED + "a_page_too_large_however_small_is_asked_for_without_its_media",
    ),
    "Retry-After: seconds, a date, absurd, missing": (HTTP + "429_pauses_as_asked_and_uses_up_no_attempt",),
    "429: pause, no attempt": (A + "test_a_429_is_a_pause_and_no_attempt", A + "test_retry_after_as_a_date"),
    "503 with code 1550": (A + "test_a_spark_503_with_code_1550_is_a_pause",),
    "429 without end: stop": (A + "test_a_429_without_end_stops_the_run_with_its_state_saved",),
    "200 with an error, HTML or nothing": (
        A + "test_a_good_status_without_a_page_is_a_failed_attempt",
        A + "test_one_that_never_gives_a_page_ends_with_a_sentence",
    ),
}
RECORDS: Cases = {
    "keys as numbers": (P + "test_keys_that_are_numbers", RECORD + "keys_are_text_whatever_their_json_type"),
    "bathrooms": (
        FIELDS + "bathrooms_count_full_ones_and_halves",
        F + "test_a_record_of_chicagos_mls_ends_with_its_fields",
    ),
    "price": (FIELDS + "a_price_is_read_however_it_is_written", FIELDS + "a_sold_home_costs_what_it_was_sold_for"),
    "integers as 12.0": (FIELDS + "whole_numbers_may_come_as_floats_or_text",),
    "the list date": (FIELDS + "the_list_date_is_the_first_that_can_be_read",),
    "dates: TBD, naive, odd offsets": (
        FIELDS + "an_unreadable_date_is_none_with_a_warning",
        FIELDS + "moments_are_kept_as_served",
    ),
    "address": (
        ADDRESS + "the_street_is_put_together_from_its_parts",
        ADDRESS + "the_word_none_never_stands_in_an_address",
    ),
    "a withheld address": (ADDRESS + "a_withheld_address_keeps_no_street_and_no_place_on_a_map",),
    "a hidden listing": (
        RECORD + "a_hidden_record_goes_whatever_its_status",
        AGAIN + "hidden_and_deleted_listings_go_with_their_photos",
    ),
    "feature lists": (FIELDS + "feature_lists_come_in_many_forms",),
    "text": (FIELDS + "text_is_unescaped_once_composed_and_stripped",),
    "private remarks": (
        RECORD + "private_remarks_are_stored_nowhere",
        QUARANTINE + "private_fields_are_left_out_at_any_depth",
    ),
    "statuses and synonyms": (
        RECORD + "each_status_word_maps_as_the_table_says",
        RECORD + "an_enumeration_is_read_in_every_form",
    ),
    "coming soon": (RECORD + "coming_soon_is_imported_only_when_asked",),
    "draft and deleted": (RECORD + "a_draft_is_not_imported", RECORD + "a_deleted_record_goes"),
    "null or unknown status": (
        RECORD + "an_unknown_status_is_quarantined_and_named",
        F + "test_spark_homes_without_a_status_are_quarantined_not_guessed",
    ),
}
PICTURES: Cases = {
    "identity": (MEDIA + "identity_is_key_and_modification_never_the_url", HASHING + "urls_change_no_fingerprint"),
    "a repeated MediaKey": (MEDIA + "a_repeated_media_key_tells_no_photos_apart_so_their_order_does",),
    "no MediaKey, no timestamp: a position": (
        MEDIA + "a_photo_without_a_timestamp_of_its_own_is_as_old_as_its_listings_photos",
        REPLACED + "a_photo_replaced_in_place_is_had_and_its_neighbours_keep_their_objects",
        REPLACED + "a_new_price_fetches_no_photo_where_the_feed_says_when_photos_changed",
    ),
    "a change of order or caption": (AGAIN + "changed_order_or_caption_rewrites_the_row_and_asks_for_no_photo",),
    "order": (MEDIA + "photos_stand_by_number_then_by_place", MEDIA + "the_preferred_photo_stands_first"),
    "extension from the bytes": (PHOTOS + "bytes_and_not_the_name_tell_what_a_photo_is",),
    "what is no public photo": (MEDIA + "what_is_no_public_photo_of_the_home_is_left_out",),
    "several sizes": (
        SIZES + "named_sizes_of_one_object_become_the_largest_whatever_their_keys",
        F + "test_spark_native_json_ends_with_its_fields_and_its_largest_photos",
    ),
    "a failed attempt": (
        PHOTOS + "failed_attempt_is_a_sentence_that_says_what_may_help",
        PHOTOS + "anything_else_is_no_photo",
    ),
    "an address that expired": (
        EXPIRED + "an_expired_address_is_read_anew_and_the_photo_comes",
        EXPIRED + "an_address_that_expires_again_and_again_fails_its_photo_alone",
    ),
    "no Media though photos are counted": (
        LATE + "photos_stay_while_new_ones_are_awaited",
        LATE + "media_that_comes_later_is_had_by_the_next_import_though_the_record_did_not_change",
        LATE + "media_that_never_comes_is_asked_for_by_two_more_imports_and_again_once_the_record_changes",
    ),
    "a photo that cannot be had": (
        FAILURES + "a_photo_that_cannot_be_had_keeps_its_url_and_is_had_by_the_next_import",
    ),
    "Media as a separate resource": (
        M + "test_photos_of_a_media_resource_that_names_its_parent_in_its_own_way",
        "unit/test_mls_media_cut.py::test_every_photo_comes_though_the_answer_is_cut_without_a_link",
    ),
}
PROVIDERS: Cases = {
    "each provider's shape": (CONNECTOR + "each_providers_shape_is_swept_whole_with_its_media",),
    "every field can be edited": (
        CONNECTOR + "every_field_of_a_preset_can_be_replaced_and_a_wrong_value_is_refused",
        FACTS + "what_a_fact_shows_can_be_typed_back_and_means_the_same",
        FACTS + "every_fact_stands_in_the_form_and_says_what_it_may_be",
        FORM + "what_is_set_is_saved_and_what_was_set_before_stays",
        EDIT + "a_fact_is_set_shown_as_ones_own_and_given_back",
    ),
    "how sure each fact is": (
        FACTS + "a_presets_facts_are_as_sure_together_as_the_field_says",
        FACTS + "whatever_a_preset_says_of_its_provider_has_a_grade_of_its_own",
        FACTS + "the_doctors_lines_hold_each_facts_value_grade_and_source",
        FORM + "every_fact_says_how_sure_it_is_and_comes_into_sight_by_arrow",
        EDIT + "doctor_says_each_fact_and_how_sure_it_is_in_text_and_in_json",
    ),
    "limits": (B + "test_the_server_never_counts_more_than_was_granted", BUDGET + "restart_forgets_nothing"),
    "media limits apart": (B + "test_photos_keep_to_the_media_hosts_own_budget",),
    "overlap, and MLS Grid's 7 days": (
        CONNECTOR + "the_overlap_of_the_preset_is_taken_off_and_an_old_mlsgrid_watermark_asks_for_a_full_run",
    ),
    "MLS Grid's photos want the token as User-Agent": (
        PHOTOS + "mls_grids_photos_get_the_token_as_user_agent_from_its_own_host_alone",
    ),
    "MlgCanView=false": (F + "test_an_mls_grid_removal_takes_the_stored_listing",),
    "gzip, and a User-Agent of the provider's": (
        HTTP + "preset_headers_reach_the_api_with_the_token",
        PHOTOS + "mls_grids_photos_get_the_token_as_user_agent_from_its_own_host_alone",
    ),
    "addresses good for one request": (EXPIRED + "an_address_good_for_one_request_is_never_asked_twice",),
    "a media 429 parks the photo": (
        PHOTOS + "photo_host_that_keeps_answering_429_parks_the_photo_and_not_the_account",
    ),
    "the token stays at home": (PHOTOS + "token_goes_with_photos_of_the_apis_origin_only_where_the_preset_asks",),
}
GONE: Cases = {
    "absence proves little": (AGAIN + "one_vanished_listing_of_many_is_kept_and_marked_by_a_full_import_only",),
    "more than 10 % missing": (AGAIN + "many_vanished_at_once_are_the_feeds_mistake",),
    "status changes are followed": (AGAIN + "the_status_of_a_stored_listing_is_followed_through_its_life",),
    "relisted homes": (CHOICES + "a_home_relisted_under_a_new_number_points_at_the_other",),
    "one number in two systems": (CHOICES + "one_number_from_two_systems_is_two_listings",),
}
FOUND: Cases = {
    "a server that ignores every option": (P + "test_a_static_file_that_ignores_every_option",),
    "only $top and $skip": (
        P + "test_only_top_and_skip_with_no_link_and_no_count",
        P + "test_only_top_and_skip_in_no_order_at_all",
    ),
    "several options refused at once, unnamed": (P + "test_a_strict_server_that_refuses_what_it_does_not_know",),
    "$orderby accepted and ignored": (BOUNDS + "an_option_that_is_silently_ignored_costs_no_row",),
    "statuses of an enumeration type": (
        TYPED + "a_status_is_asked_in_the_type_that_the_servers_refusal_names",
        TYPED + "a_type_that_is_never_named_costs_the_filter_and_no_record",
    ),
    "small pages, no link, a count of the page": (
        BOUNDS + "small_pages_with_no_link_and_a_count_of_the_page_do_not_look_like_the_end",
    ),
    "a cursor that hides an offset": (CHANGES + "no_record_is_lost_to_a_change_between_two_pages",),
    "one batch of Media fails": (
        BATCHES + "a_batch_that_fails_is_asked_for_one_by_one_and_the_others_are_not",
        BATCHES + "a_media_resource_that_is_down_stops_the_sweep",
    ),
    "an agent among many": (MEMBER + "the_agent_is_found_by_key_or_mls_id",),
    "records twice, by offset": (P + "test_records_that_come_twice_are_stored_once",),
    "no timestamps at all": (P + "test_records_without_a_timestamp",),
    "no MLS number": (P + "test_records_without_a_number_are_shown_and_stop_nothing",),
    "$expand breaks the server": (M + "test_photos_where_expand_is_refused",),
    "photos counted, given nowhere": (M + "test_homes_come_without_photos_where_nothing_gives_them",),
    "a byte order mark, gzip": (A + "test_a_byte_order_mark_and_gzip_are_read",),
    "a pause remembered over a restart": (B + "test_a_long_pause_is_shown_can_be_cancelled_and_is_not_forgotten",),
    "a photo's token in the path of its address": (MEDIA + "a_token_in_the_path_of_a_photo_is_not_stored",),
    "another provider gets no secret of the old one": (
        EDIT + "another_provider_gets_neither_the_old_ones_secrets_nor_its_facts",
    ),
    "a connection pointed at another feed": (
        "unit/test_mls_feed_identity.py::test_another_feed_begins_anew_and_keeps_only_the_epoch_of_what_is_to_be_tidied",
        EDIT + "a_connection_pointed_at_another_feed_brings_in_all_of_it",
    ),
    "keep-alive reset": (TRANSPORT + "reset_of_a_reused_connection_is_one_failed_attempt_and_not_silently_repeated",),
}

CASES: Cases = {
    f"{section} {case}": tests
    for section, cases in (
        ("§1", REQUESTS),
        ("§2", SIGN_IN),
        ("§3", ERRORS),
        ("§4", RECORDS),
        ("§5", PICTURES),
        ("§6", PROVIDERS),
        ("§7", GONE),
        ("found:", FOUND),
    )
    for case, tests in cases.items()
}
