"""What somebody typed into the search box, and how often somebody may ask."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction

from pledges.search.models import SearchCertificate
from portal.foundation.accounts import attempts
from portal.foundation.core.forms import PortalForm
from portal.foundation.core.identifiers import InvalidIdentifier, compact, parse_patent_number, parse_uscc

By = SearchCertificate.By
# By address for visitors, by chair for people who are logged in: a clerk looks up more than a passer-by.
VISITOR = attempts.Limit("search", 60, window=timedelta(minutes=10), pause=timedelta(minutes=10))
MEMBER = attempts.Limit("search-member", 300, window=timedelta(minutes=10), pause=timedelta(minutes=5))
CERTIFICATES = attempts.Limit("search-certificate", 10, window=timedelta(hours=1), pause=timedelta(minutes=30))
SLOW_DOWN = "查询次数过多，请 10 分钟后再试。需要成批核对的，请登录后查询。"
NO_MORE_PAPERS = "1 小时内出具的查询证明过多，请半小时后再试；已出具的证明可以随时重新下载。"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, in its one spelling."""

    by: str
    value: str

    @property
    def shown(self) -> str:
        """As papers and pages print it: a patent number with its dot."""
        return f"{self.value[:-1]}.{self.value[-1]}" if self.by == By.PATENT else self.value


def parse(text: str, *, today: date) -> Question:
    """A patent number in any usual spelling, or a USCC. Raises InvalidIdentifier with a sentence that says how to fix it."""
    typed = compact(text)
    bare = typed.replace("。", ".").removeprefix("ZL").removeprefix("CN")
    letters = sum(letter.isalpha() for letter in bare)
    if len(typed) >= 15 and "." not in bare and (len(bare) >= 15 or letters > 1):
        return Question(By.PARTY, parse_uscc(text))
    return Question(By.PATENT, parse_patent_number(text, today=today).canonical)


class SearchForm(PortalForm):
    """One box for both: nobody should have to say which kind of number it is."""

    q = forms.CharField(
        label="专利号，或者出质人、质权人的统一社会信用代码",
        max_length=60,
        help_text="专利号如 ZL201710601862.3，带不带 ZL、小数点、空格都可以，2003 年以前的 9 位号码也可以；代码 18 位，在营业执照上。",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )

    def __init__(self, *arguments: Any, today: date, **options: Any) -> None:
        self.today = today
        super().__init__(*arguments, **options)

    def clean_q(self) -> Question:
        try:
            return parse(self.cleaned_data["q"], today=self.today)
        except InvalidIdentifier as error:
            raise ValidationError(str(error), code="number") from error


@transaction.atomic(durable=True)
def may(limit: attempts.Limit, key: str, *, now: datetime) -> bool:
    """Whether this one may ask now; asking is counted. Raises OperationalError as attempts.take_turn does."""
    attempts.take_turn(limit, key)
    if attempts.refused(limit, key, now=now):
        return False
    attempts.miss(limit, key, now=now)
    return True
