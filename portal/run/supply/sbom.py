"""`bin/portal sbom [FILE]`: the bill of materials as CycloneDX 1.6 JSON, the same bytes for the same lock files."""

import json
import uuid
from pathlib import Path
from typing import Any

from portal.run.supply.locked import Part, ourselves, parts

_SPACE = uuid.UUID("6f1c3f0e-5b0d-5c5e-9a59-3b7e0b0f6a21")


def document(found: list[Part]) -> dict[str, Any]:
    """The document. No moment and no chance in it: who compares two of them sees what changed in the locks."""
    name, version = ourselves()
    root = f"pkg:generic/{name}@{version}"
    by_name = {part.name: part.ref for part in found}
    wants: dict[str, list[str]] = {root: [], **{part.ref: [] for part in found}}
    for part in found:
        for asker in part.wanted_by:
            wants[by_name.get(asker, root)].append(part.ref)
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": name,
                "version": version,
                "licenses": [{"license": {"id": "MIT"}}],
            },
            "lifecycles": [{"phase": "build"}],
        },
        "components": [_component(part) for part in found],
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(on))} for ref, on in sorted(wants.items())],
    }
    serial = uuid.uuid5(_SPACE, json.dumps(body, sort_keys=True))
    return {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "serialNumber": f"urn:uuid:{serial}", **body}


def _component(part: Part) -> dict[str, Any]:
    licence = {"expression": part.licence} if part.spdx else {"license": {"name": part.licence}}
    return {
        "type": "library",
        "bom-ref": part.ref,
        "name": part.name,
        "version": part.version,
        "scope": part.scope,
        "hashes": [{"alg": "SHA-256", "content": content} for content in part.hashes],
        "licenses": [licence],
        "purl": part.ref,
    }


def sbom(target: Path | None) -> int:
    """Write the document to `target`, or to the screen; 0. RunError when a lock is not whole or a licence unknown."""
    found = parts()
    text = json.dumps(document(found), ensure_ascii=False, indent=1) + "\n"
    if target is None:
        print(text, end="")
    else:
        target.write_text(text, "utf-8")
        needed = sum(part.scope == "required" for part in found)
        print(f"已写入 {target}：{len(found)} 个部件，其中生产环境需要 {needed} 个；每个都有摘要和许可证。")
    return 0
