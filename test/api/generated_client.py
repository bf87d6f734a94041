"""Generates a Python client from an OpenAPI document, imports all of it, and creates a summary with it."""

import importlib
import pkgutil
import subprocess
import sys

document, folder, url = sys.argv[1:]
generate = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--path", document]
subprocess.run([*generate, "--output-path", f"{folder}/generated"], check=True, capture_output=True)

sys.path.insert(0, folder)
package = importlib.import_module("generated")
for module in pkgutil.walk_packages(package.__path__, "generated."):
    importlib.import_module(module.name)

from generated import Client  # noqa: E402
from generated.api.summaries import create_summary  # noqa: E402
from generated.models import ImagesSource, ImagesSourceType, SummaryRequest  # noqa: E402

source = ImagesSource(type_=ImagesSourceType.IMAGES, urls=["https://example.com/a.png"])
response = create_summary.sync_detailed(client=Client(base_url=url), body=SummaryRequest(source=source))
print(response.status_code.value, response.parsed.request.detail)
