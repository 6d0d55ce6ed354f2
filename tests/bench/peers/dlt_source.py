"""dlt's rest_api source into DuckDB: listings without photos, as its documentation shows it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tests.bench.job import Job, Report, answer, given, measured


def work(job: Job) -> int:
    import dlt  # type: ignore[import-not-found, unused-ignore]
    from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found, unused-ignore]

    config: Any = {
        "client": {
            "base_url": f"{job.base_url}/",
            "paginator": {"type": "json_link", "next_url_path": "'@odata.nextLink'"},
        },
        "resources": [
            {
                "name": "property",
                "primary_key": "ListingKey",
                "write_disposition": "merge",
                "endpoint": {"path": "Property", "data_selector": "value"},
            }
        ],
    }
    folder = Path(job.folder) / "dlt"
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=str(folder), destination=dlt.destinations.duckdb(str(folder / "x.duckdb"))
    )
    pipeline.run(rest_api_source(config))
    with pipeline.sql_client() as sql:
        rows = sql.execute_sql("SELECT count(*) FROM property")
    return int(rows[0][0]) if rows else 0


if __name__ == "__main__":
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}
    try:
        import dlt  # noqa: F401
    except ImportError:
        print("dlt is not installed: `pip install 'dlt[duckdb]'` in a venv, named by --dlt-python.")
        sys.exit(3)
    done = Report()
    (Path(given().folder) / "dlt").mkdir(parents=True, exist_ok=True)
    with measured(done):
        done.listings = work(given())
    answer(done)
