"""JSON Schemas made from TypeScript types (npm `ts-json-schema-generator`), so that nothing of theirs is kept here."""

import json
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

MODULES = Path(__file__).parent / "node_modules"
GENERATOR = MODULES / "ts-json-schema-generator" / "bin" / "ts-json-schema-generator.js"
_SECONDS = 120


@cache
def schema_of(source: str | Path, name: str = "*") -> dict[str, Any]:
    """The schema (draft 7) of the type of this name, or with "*" of all types that the source exports.

    `source` is TypeScript, or a file of it. What it imports is looked for among the packages of tests/clients. An
    object may have no keys but those of its type. Takes some three seconds; for tests marked `clients`.
    """
    with TemporaryDirectory() as folder:
        settings = Path(folder, "tsconfig.json")
        settings.write_text(json.dumps(_settings()), "utf-8")
        if isinstance(source, str):
            path = Path(folder, "source.ts")
            path.write_text(source, "utf-8")
        else:
            path = source
        command: list[str | Path] = ["node", GENERATOR, "--path", path, "--tsconfig", settings]
        command += ["--type", name, "--no-type-check"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stderr or done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _settings() -> dict[str, Any]:
    packages = {"*": [f"{MODULES}/*"]}
    return {
        "compilerOptions": {
            "strict": True,
            "skipLibCheck": True,
            "types": [],
            "module": "commonjs",
            "moduleResolution": "node",
            "target": "es2022",
            "paths": packages,
        }
    }
