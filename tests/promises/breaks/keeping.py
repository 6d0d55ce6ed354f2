"""Faults in whose things are whose, and in what old data means to new code."""

from __future__ import annotations

from tests.promises.breaks.breaks import Break

_CONTRACT = "contract/test_listing_promises.py"

KEEPING: tuple[Break, ...] = (
    Break(
        11,
        "every user's items are in one partition",
        "storage/items.py",
        "    return keys.user_pk(user_id)",
        '    return keys.user_pk("everyone")',
        (
            "promises/test_two_users.py::test_no_verb_reaches_what_belongs_to_another",
            f"{_CONTRACT}::test_users_do_not_see_each_other",
        ),
    ),
    Break(
        11,
        "a user id may be anything",
        "storage/items.py",
        "    if not keys.valid_user_id(user_id):",
        "    if False:",
        ("promises/test_two_users.py::test_an_id_that_could_leave_its_partition_is_refused",),
    ),
    Break(
        11,
        "the user's prefix ends in the middle of a name",
        "domain/keys.py",
        'return f"listings/{user_id}/"',
        'return f"listings/{user_id}"',
        ("promises/test_two_users.py::test_no_verb_reaches_what_belongs_to_another",),
    ),
    Break(
        11,
        "any photo may be read by its key",
        "actions/listings.py",
        'if not key.startswith(f"listings/{ws.user_id}/"):',
        "if False:",
        ("promises/test_two_users.py::test_no_verb_reaches_what_belongs_to_another",),
    ),
    Break(
        11,
        "a deletion of another's may be undone",
        "actions/deletions.py",
        "if not all(key.startswith(user_prefix(ws.user_id)) for key in photo_keys):",
        "if False:",
        ("promises/test_two_users.py::test_no_verb_reaches_what_belongs_to_another",),
    ),
    Break(
        11,
        "the policy does not name the user's own keys",
        "storage/policy.py",
        '            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [f"USER#{USER}"]},\n',
        "",
        ("unit/test_storage_policy.py::test_items_are_those_of_the_user",),
    ),
    Break(
        11,
        "the policy reaches every user's photos",
        "storage/policy.py",
        '"Resource": [f"{bucket_arn}/listings/{USER}/*"],',
        '"Resource": [f"{bucket_arn}/listings/*"],',
        ("unit/test_storage_policy.py::test_photos_are_those_of_the_user",),
    ),
    Break(
        11,
        "the bucket is not closed to the public",
        "storage/s3/setup.py",
        "    client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=_BLOCK)\n",
        "",
        ("contract/test_setup_aws.py::test_bucket_is_closed_encrypted_versioned_and_tidied",),
    ),
    Break(
        13,
        "a released migration is edited",
        "storage/sqlite/schema.py",
        "entry TEXT, body TEXT NOT NULL,",
        "projection TEXT, body TEXT NOT NULL,",
        ("contract/test_golden.py::test_golden_database_opens",),
    ),
    Break(
        13,
        "a released schema is taken for a foreign file",
        "storage/sqlite/schema.py",
        "APPLICATION_ID = 0x6D6C7374",
        "APPLICATION_ID = 0x6D6C7375",
        ("contract/test_golden.py::test_golden_database_opens",),
    ),
    Break(
        13,
        "a stored attribute is renamed",
        "domain/listing.py",
        "alias_generator=to_camel,",
        'alias_generator=lambda name: to_camel(name).replace("sha256", "digest"),',
        (
            "contract/test_golden.py::test_golden_database_opens",
            "contract/test_golden.py::test_golden_table_dump_is_read",
        ),
    ),
    Break(
        13,
        "a projection that older rows lack is read",
        "storage/items.py",
        'version=item.get("Version", ""),',
        'version=item["VersionOfRecord"],',
        (
            "contract/test_golden.py::test_golden_database_opens",
            "contract/test_golden.py::test_golden_table_dump_is_read",
        ),
    ),
)
