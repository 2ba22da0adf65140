"""Anyone may check a notice: by the code or QR on it, or by its number, and by comparing the file itself."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from pledges import notices
from pledges.after.papers import STANDING
from pledges.forms.filing import PaperField
from pledges.models import Notice, Registration
from portal.foundation.accounts import attempts
from portal.foundation.accounts.guards import public
from portal.foundation.core import moments
from portal.foundation.core.forms import PortalForm

GET_OR_POST = ["GET", "HEAD", "POST"]
# Codes that do not exist, and every look-up by number: numbers run on without gaps, so they could be tried one by one.
BY_ADDRESS = attempts.Limit("notice", 20, window=timedelta(minutes=10), pause=timedelta(minutes=10))
SLOW_DOWN = "查询次数过多，请 10 分钟后再试，或扫描通知书上的二维码核验。"


class VerifyForm(PortalForm):
    q = forms.CharField(
        label="核验码或文书编号",
        max_length=60,
        help_text="核验码 12 位，印在通知书二维码旁；文书编号如 渝质登〔2026〕000128号。",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class CompareForm(PortalForm):
    """A file to compare; it is read once and never kept."""

    paper = PaperField("所持的通知书文件", "选择收到的 PDF 文件，只计算摘要，不保存。", required=True)


@transaction.atomic(durable=True)
def look_up(text: str, *, address: str, now: datetime) -> tuple[Notice | None, bool]:
    """The notice of a code or number, or None; and whether this address tried too often before."""
    attempts.take_turn(BY_ADDRESS, address)
    if attempts.refused(BY_ADDRESS, address, now=now):
        return None, True
    notice = _find(text)
    if notice is None or notice.verify_code != notices.normalise_code(text):
        attempts.miss(BY_ADDRESS, address, now=now)
    return notice, False


def _patiently(text: str, request: HttpRequest) -> tuple[Notice | None, bool]:
    try:
        return look_up(text, address=attempts.client_address(request), now=moments.now())
    except OperationalError as error:
        if not attempts.queue_too_long(error):
            raise
        return None, True


def _find(text: str) -> Notice | None:
    """By code, else by number."""
    found = Notice.objects.select_related("registration__pledgor", "registration__pledgee")
    code = notices.normalise_code(text)
    if len(code) == notices.CODE_LENGTH and (notice := found.filter(verify_code=code).first()):
        return notice
    number = notices.normalise_number(text)
    return found.filter(number=number).first() if number else None


@public
@never_cache
@require_http_methods(GET_OR_POST)
def verify(request: HttpRequest) -> HttpResponse:
    """The form; a look-up counts tries, so it is no GET. A right code leads to its own address."""
    if request.method != "POST":
        return _form_page(request, VerifyForm(initial={"q": request.GET.get("q", "")[:60]}))
    form = VerifyForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form, status=400)
    text = form.cleaned_data["q"]
    notice, slow = _patiently(text, request)
    if slow:
        form.add_error(None, SLOW_DOWN)
        return _form_page(request, form, status=429)
    if notice is not None and notice.verify_code == notices.normalise_code(text):
        return redirect("pledges:verify", notice.verify_code)
    return _result(request, notice, asked=text, by_number=True)


@public
@never_cache
@require_http_methods(GET_OR_POST)
def verified(request: HttpRequest, code: str) -> HttpResponse:
    """The address in the QR code. A code that exists is never slowed down; guesses are."""
    found = Notice.objects.select_related("registration__pledgor", "registration__pledgee")
    notice = found.filter(verify_code=notices.normalise_code(code)).first()
    if notice is None:
        _, slow = _patiently(code, request)
        if slow:
            form = VerifyForm({"q": code})
            form.add_error(None, SLOW_DOWN)
            return _form_page(request, form, status=429)
    return _result(request, notice, asked=code)


def _form_page(request: HttpRequest, form: VerifyForm, *, status: int = 200) -> HttpResponse:
    return render(request, "public/verify.html", {"form": form}, status=status)


def _result(request: HttpRequest, notice: Notice | None, *, asked: str, by_number: bool = False) -> HttpResponse:
    """What anyone may know of a paper; parties' names are masked. With a file: whether it is this paper, to the byte."""
    if notice is None:
        context: dict[str, Any] = {"form": VerifyForm(), "asked": asked[:60]}
        return render(request, "public/verify_result.html", context, status=404)
    comparing = request.method == "POST" and (not by_number or "compare" in request.POST)
    compare = CompareForm(request.POST, request.FILES) if comparing else CompareForm()
    context = {
        "notice": notice,
        "file": notice.registration,
        "standing": _standing(notice),
        "compare": compare,
        "forms": [compare],
        "asked": asked if by_number else "",
    }
    if not comparing:
        return render(request, "public/verify_result.html", context)
    upload, status = request.FILES.get("paper"), 200
    if upload is None or upload.file is None:
        compare.add_error("paper", "请选择要比对的文件。")
        status = 400
    elif (upload.size or 0) > settings.UPLOAD_MAX_BYTES:
        compare.add_error("paper", "文件超过 20 MB，不是本通道签发的通知书。")
        status = 413
    else:
        digest = hashlib.file_digest(upload.file, "sha256").hexdigest()  # type: ignore[arg-type]
        context |= {"digest": digest, "same": digest == notice.sha256, "compared": upload.name}
    return render(request, "public/verify_result.html", context, status=status)


def _standing(notice: Notice) -> tuple[str, str]:
    """(words, kind) of what the paper is worth today."""
    state = notice.registration.state
    if notice.kind == Notice.Kind.REGISTERED:
        return ("质押登记有效", "ok") if state == Registration.State.REGISTERED else ("质押登记已失效", "bad")
    if notice.kind == Notice.Kind.REFUSED:
        return "不予登记的决定", "warn"
    return STANDING.get(notice.kind, ("补正通知，办理中的文书", "warn"))
