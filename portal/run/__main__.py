"""The launcher behind `bin/portal`: reads the command line and hands over. See `bin/portal help`."""

import argparse
import sys
from pathlib import Path

from portal.run.places import RunError, places


def main(arguments: list[str]) -> int:
    """Run one subcommand; its exit code. A RunError becomes one sentence on stderr and exit code 1."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    # Each verb loads only its own module: `manage deadline` should not wait for what `doctor` needs.
    try:
        if verb == "up":
            return _up(rest)
        if verb == "manage":
            from portal.run.command import manage

            return manage(rest)
        if verb == "test":
            from portal.run.testing import test

            return test(rest)
        if verb == "bench":
            from portal.run.testing import bench

            return bench(rest)
        if verb == "prove":
            from portal.proof.prove import main as prove

            return prove(rest)
        if verb == "doctor":
            return _doctor(rest)
        if verb == "reset":
            return _reset(rest)
        if verb == "backup":
            return _backup(rest)
        if verb == "restore":
            return _restore(rest)
        if verb == "sbom":
            return _sbom(rest)
        if verb == "audit":
            return _audit(rest)
    except RunError as error:
        print(f"错误：{error}", file=sys.stderr)
        return 1
    print(f"没有“{verb}”这个命令，见 bin/portal help。", file=sys.stderr)
    return 2


def _up(arguments: list[str]) -> int:
    from portal.run.up import up

    parser = argparse.ArgumentParser("bin/portal up")
    parser.add_argument("--port", type=int, default=8000, help="端口，默认 8000")
    parser.add_argument("--data", type=Path, help="数据目录，默认 .data")
    parser.add_argument("--no-demo", action="store_true", help="不写入示例数据")
    options = parser.parse_args(arguments)
    if not 0 < options.port < 65536:
        parser.error("端口应在 1 到 65535 之间")
    return up(places(options.data), port=options.port, demo=not options.no_demo)


def _doctor(arguments: list[str]) -> int:
    from portal.run.doctor import doctor

    parser = argparse.ArgumentParser("bin/portal doctor")
    parser.add_argument("--json", action="store_true", help="以 JSON 输出")
    parser.add_argument("--data", type=Path, help="数据目录，默认 .data")
    options = parser.parse_args(arguments)
    return doctor(places(options.data), as_json=options.json)


def _reset(arguments: list[str]) -> int:
    from portal.run.reset import reset

    parser = argparse.ArgumentParser("bin/portal reset")
    parser.add_argument("--data", type=Path, help="数据目录，默认 .data")
    parser.add_argument("--yes", action="store_true", help="不询问，直接删除")
    options = parser.parse_args(arguments)
    return reset(places(options.data), confirmed=options.yes)


def _backup(arguments: list[str]) -> int:
    from portal.run.backup.make import backup

    parser = argparse.ArgumentParser("bin/portal backup")
    parser.add_argument("folder", type=Path, help="备份目录，最好在另一块磁盘上")
    parser.add_argument("--data", type=Path, help="数据目录，默认 .data")
    parser.add_argument("--keep", type=int, default=7, help="保留最近几份，默认 7")
    options = parser.parse_args(arguments)
    if options.keep < 1:
        parser.error("至少保留 1 份")
    return backup(places(options.data), options.folder, keep=options.keep)


def _restore(arguments: list[str]) -> int:
    from portal.run.backup.restore import moment, restore

    parser = argparse.ArgumentParser("bin/portal restore")
    parser.add_argument("folder", type=Path, help="备份目录")
    parser.add_argument("--to", help="恢复到的时刻，例如 2026-11-23 10:15:00+08:00；不写则到备份的末尾")
    parser.add_argument("--data", type=Path, required=True, help="新的数据目录，必须是空的")
    options = parser.parse_args(arguments)
    return restore(options.folder, to=moment(options.to) if options.to else None, where=places(options.data))


def _sbom(arguments: list[str]) -> int:
    from portal.run.supply.sbom import sbom

    parser = argparse.ArgumentParser("bin/portal sbom")
    parser.add_argument("file", type=Path, nargs="?", help="写到这个文件；不写则显示")
    return sbom(parser.parse_args(arguments).file)


def _audit(arguments: list[str]) -> int:
    from portal.run.supply.audit import audit

    parser = argparse.ArgumentParser("bin/portal audit")
    parser.add_argument("--database", type=Path, help="OSV 格式的漏洞库：JSON 文件、目录或 ZIP")
    return audit(parser.parse_args(arguments).database)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
