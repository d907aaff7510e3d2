"""What all generated tests share: nothing is downloaded, skills can be imported, and the report names the versions."""

import importlib.metadata
import os
import sys
from pathlib import Path

# Before transformers is imported: it reads these once.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).parent))


def pytest_report_header(config):
    lines = []
    for package in ("torch", "transformers", "onnxruntime", "openvino"):
        try:
            lines.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            lines.append(f"{package} is not installed")
    return ", ".join(lines)
