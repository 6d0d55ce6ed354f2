"""Faults in the stores: what is acknowledged, which version wins, what AWS left undone."""

from __future__ import annotations

from tests.promises.breaks.breaks import Break

_KILL = "promises/test_kill.py::test_40_kills_lose_nothing_and_the_rerun_equals_an_undisturbed_run"
_CONTRACT = "contract/test_listing_promises.py"
_PHOTOS = "contract/test_photo_folder.py"
_DYNAMODB = "unit/test_storage_dynamodb.py"
_S3 = "unit/test_storage_s3.py"

STORING: tuple[Break, ...] = (
    Break(
        1,
        "a photo is written in place instead of renamed into it",
        "storage/folder.py",
        "            write_synced(temporary, body)\n            self._move(temporary, path)\n",
        "            make_folders(self._root, path.parent)\n            write_synced(path, body)\n",
        (f"{_PHOTOS}::test_a_photo_whose_writer_is_killed_half_way_is_as_it_was_before",),
    ),
    Break(
        1,
        "a write is acknowledged before its commit",
        "storage/sqlite/database.py",
        "                outcomes += self._outcomes(connection, [*together])\n",
        "                _answer(self._outcomes(connection, [*together]))\n",
        ("contract/test_sqlite_file.py::test_no_write_is_acknowledged_before_its_commit",),
    ),
    Break(
        1,
        "a photo is told as stored before it is",
        "importer/photos.py",
        "        key = photo_key(context.user_id, listing.listing_id, index, served.extension)\n",
        "        key = photo_key(context.user_id, listing.listing_id, index, served.extension)\n"
        "        context.emit(PhotoStored, mls_number=listing.mls_number, photo_index=index, key=key, size=0)\n",
        (_KILL,),
    ),
    Break(
        2,
        "a run that lost its lease may still move the cursor (SQLite)",
        "storage/sqlite/statements.py",
        'if item is None or item.get("Lease", {}).get("runId") != run_id:\n        return False',
        "if item is None:\n        return False",
        ("contract/test_connection_promises.py::test_cursor_moves_only_for_the_holder_of_the_lease",),
    ),
    Break(
        2,
        "a run that lost its lease may still move the cursor (DynamoDB)",
        "storage/dynamodb/connections.py",
        '        "#lease.#run = :run",\n        {":cursor": cursor, ":run": run_id},',
        '        "#lease.#run = :run OR attribute_exists(PK)",\n        {":cursor": cursor, ":run": run_id},',
        ("contract/test_connection_promises.py::test_cursor_moves_only_for_the_holder_of_the_lease",),
    ),
    Break(
        4,
        "the last to come wins (SQLite)",
        "storage/sqlite/statements.py",
        'if stored["Version"] > item["Version"]:',
        "if False:",
        (
            f"{_CONTRACT}::test_versions_in_any_order_end_in_the_newest",
            f"{_CONTRACT}::test_same_moment_is_ordered_by_key",
        ),
    ),
    Break(
        4,
        "the last to come wins (DynamoDB)",
        "storage/dynamodb/listings.py",
        '"attribute_exists(PK) AND (attribute_not_exists(#Version) OR #Version <= :Version)"',
        '"attribute_exists(PK) AND (attribute_not_exists(#Version) OR #Version <> :none)"'
        '.replace("<> :none", "<= :Version OR #Version > :Version")',
        (
            f"{_CONTRACT}::test_versions_in_any_order_end_in_the_newest",
            f"{_CONTRACT}::test_same_moment_is_ordered_by_key",
        ),
    ),
    Break(
        4,
        "versions of one moment have no order",
        "domain/listing.py",
        'return f"{micros:020d}#{listing_key}"',
        'return f"{micros:020d}#"',
        (f"{_CONTRACT}::test_same_moment_is_ordered_by_key",),
    ),
    Break(
        5,
        "the mark's condition is dropped (DynamoDB)",
        "storage/dynamodb/listings.py",
        '"ConditionExpression": "attribute_not_exists(PK)",',
        '"ConditionExpression": "attribute_not_exists(PK) OR attribute_exists(PK)",',
        (f"{_CONTRACT}::test_32_claimants_one_winner",),
    ),
    Break(
        5,
        "the mark is not looked at (SQLite)",
        "storage/sqlite/statements.py",
        "    if holder is not None:\n        owner",
        "    if holder is not None and not holder:\n        owner",
        (
            f"{_CONTRACT}::test_32_claimants_one_winner",
            "contract/test_sqlite_file.py::test_32_claimants_in_two_processes_one_winner",
        ),
    ),
    Break(
        5,
        "row and mark are written one after the other",
        "storage/dynamodb/listings.py",
        "        table.transact([put_new(table, mark), put_new(table, item)])\n",
        "        table.transact([put_new(table, mark)])\n        table.transact([put_new(table, item)])\n",
        (f"{_DYNAMODB}::test_row_and_mark_go_in_one_transaction",),
    ),
    Break(
        5,
        "a group of new listings is written without its marks",
        "storage/dynamodb/group.py",
        "            writes += both\n",
        "            writes += both[1:]\n",
        ("unit/test_storage_dynamodb_group.py::test_those_that_wait_go_together_each_with_its_mark_and_eight_at_most",),
    ),
    Break(
        6,
        "a photo's bytes are not held against their hash (folder)",
        "storage/folder.py",
        "if hashlib.sha256(body).hexdigest() != sha256:",
        "if False:",
        (f"{_PHOTOS}::test_bytes_that_do_not_match_their_hash_are_not_stored",),
    ),
    Break(
        6,
        "a photo's bytes are not held against their hash (S3)",
        "storage/s3/objects.py",
        '        "ChecksumSHA256": base64.b64encode(bytes.fromhex(sha256)).decode(),\n',
        "",
        (f"{_S3}::test_upload_carries_its_checksum_for_s3_to_verify",),
    ),
    Break(
        6,
        "what is stored is verified by its size alone",
        "storage/folder.py",
        "return length == size and digest.hexdigest() == sha256",
        "return length == size",
        (
            f"{_PHOTOS}::test_flipped_bit_on_disk_is_found",
            "e2e/test_import_again.py::test_a_flipped_byte_on_disk_is_found_and_mended_by_a_full_import",
        ),
    ),
    Break(
        7,
        "UnprocessedItems are ignored",
        "storage/dynamodb/table.py",
        'writes = answer.get("UnprocessedItems", {}).get(self.name, [])',
        "writes = []",
        (
            f"{_DYNAMODB}::test_unprocessed_items_are_handed_in_again",
            f"{_DYNAMODB}::test_items_that_stay_unprocessed_are_an_error",
        ),
    ),
    Break(
        7,
        "a cancelled transaction counts as done",
        "storage/dynamodb/table.py",
        "            raise self._verdict(cancelled) from cancelled",
        "            return",
        (f"{_DYNAMODB}::test_other_cancellations_are_not_repeated",),
    ),
    Break(
        7,
        "a conflict that stays counts as done",
        "storage/dynamodb/table.py",
        '        raise StorageError(\n            f"The {self.where} is busy',
        '        return {}\n        raise StorageError(\n            f"The {self.where} is busy',
        (f"{_DYNAMODB}::test_conflict_that_stays_is_given_up_as_retryable",),
    ),
    Break(
        7,
        "S3's 409 and 412 count as done",
        "storage/s3/objects.py",
        "            raise _refusal(error) from error",
        "            return",
        (
            f"{_S3}::test_conflict_409_that_stays_is_not_success",
            f"{_S3}::test_refused_upload_is_a_sentence_and_not_success",
        ),
    ),
    Break(
        7,
        "photos that S3 did not delete count as deleted",
        "storage/s3/objects.py",
        'for error in answer.get("Errors", []):',
        "for error in ():",
        (f"{_S3}::test_key_that_could_not_be_deleted_is_named",),
    ),
    Break(
        7,
        "a group that was refused counts as stored",
        "storage/dynamodb/group.py",
        "        created, common = False, None\n",
        "        created, common = True, None\n",
        (
            "unit/test_storage_dynamodb_group.py::test_group_that_is_refused_is_left_to_each_alone",
            "contract/test_group_commit.py::test_trouble_of_one_is_not_that_of_the_others",
        ),
    ),
)
