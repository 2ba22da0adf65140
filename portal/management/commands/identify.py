"""`manage.py identify ZL201710601862.3`: what a number is and its canonical form, or why it is wrong (exit 1)."""

from argparse import ArgumentParser
from datetime import date

from django.core.management.base import BaseCommand, CommandError

from portal.foundation.core import moments
from portal.foundation.core.identifiers import InvalidIdentifier, compact, parse_patent_number, parse_uscc


class Command(BaseCommand):
    """One line: kind in Chinese, kind as stored, canonical form, and for a patent the dotted form."""

    help = "识别专利号或统一社会信用代码：打印种类和规范写法；有误时说明原因并以 1 退出"
    requires_system_checks = ()  # it needs neither the database nor the site

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The number, one argument or several words (a number typed with spaces needs no quotes)."""
        parser.add_argument("number", nargs="+", help="专利号或统一社会信用代码，任何常见写法")

    def handle(self, *_args: object, **options: object) -> None:
        """Raises CommandError with the reason in Chinese."""
        words = options["number"]
        text = " ".join(map(str, words)) if isinstance(words, list | tuple) else str(words)
        try:
            self.stdout.write(describe(text, today=moments.local_date(moments.now())))
        except InvalidIdentifier as error:
            raise CommandError(str(error)) from error


def describe(text: str, *, today: date) -> str:
    """Kind and canonical form of a number. Raises InvalidIdentifier with the reason of the likelier kind."""
    number = compact(text)
    # No credit code holds a dot or begins with Z or C, and no patent number is longer than its 13 characters.
    if number.startswith(("ZL", "CN")) or "." in number or len(number) < 15:
        patent = parse_patent_number(text, today=today)
        pct = "（PCT）" if patent.pct else ""
        return f"{patent.kind.label}{pct} {patent.kind.value} {patent.canonical} {patent.dotted}"
    return f"统一社会信用代码 uscc {parse_uscc(text)}"
