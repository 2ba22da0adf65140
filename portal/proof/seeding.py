"""`python -m portal.proof.seeding`: the mutants as JSON; `… prepare NAME`: drop in this world's database what would stop one."""

import dataclasses
import json
import sys

import django

if __name__ == "__main__":
    django.setup()
    from portal.proof import mutants

    if sys.argv[1:2] == ["prepare"]:
        mutants.prepare(sys.argv[2])
    else:
        rows = []
        for each in mutants.MUTANTS.values():
            row = {name: getattr(each, name) for name in ("name", "about", "caught_by", "drops")}
            rows.append(row | {"needs": dataclasses.asdict(each.needs)})
        print(json.dumps(rows, ensure_ascii=False))
