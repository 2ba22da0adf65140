"""`bin/portal reset`: drop the data directory after a typed confirmation."""

import shutil
import sys

from portal.run import lock
from portal.run.places import ROOT, Places, RunError

# What makes a directory ours: without one of these, nothing is deleted, whatever --data says.
MARKS = ("postgres", "valkey", "run", "logs")


def reset(where: Places, *, confirmed: bool) -> int:
    """Delete `where.data` and what root keeps for it elsewhere; exit code 1 when the person does not type “reset”."""
    if not where.data.exists():
        print(f"{where.data} 不存在，没有需要删除的数据。")
        return 0
    if where.data in (ROOT, *ROOT.parents) or not (where.run / "lock").exists():
        raise RunError(f"{where.data} 不像是本系统的数据目录（没有 {' / '.join(MARKS)}），没有删除任何内容。")
    if not confirmed:
        print(f"将永久删除 {where.data} 中的全部数据：数据库、上传的文件、生成的文书、日志。", flush=True)
        try:
            answer = input("输入 reset 确认：")
        except EOFError:
            answer = ""
        if answer.strip() != "reset":
            print("没有删除任何内容。", file=sys.stderr)
            return 1
    with lock.held(where, "reset"):
        if where.postgres.is_symlink():
            shutil.rmtree(where.postgres.resolve().parent)
        shutil.rmtree(where.data)
    print(f"已删除 {where.data}。")
    return 0
