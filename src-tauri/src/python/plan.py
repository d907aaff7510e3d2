"""What pip would install, with the size of each download: one JSON object on standard output.

python plan.py REPORT, where REPORT is what `pip install --dry-run --report` wrote.
"""

import json
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def size(url: str) -> int | None:
    """Bytes behind an address; none where its server does not tell."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=30) as answer:
            return int(answer.headers["Content-Length"])
    except (OSError, TypeError, ValueError):
        return None


packages = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["install"]
with ThreadPoolExecutor(8) as pool:
    sizes = list(pool.map(lambda package: size(package["download_info"]["url"]), packages))
print(
    json.dumps(
        [
            {"name": package["metadata"]["name"], "version": package["metadata"]["version"], "bytes": bytes}
            for package, bytes in zip(packages, sizes)
        ]
    )
)
