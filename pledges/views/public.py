"""Anyone may check a paper: by the code or QR on it, by its number, or by dropping the file itself."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError, transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from pledges import notices, verification
from pledges.forms.filing import PaperField
from pledges.models import SearchCertificate
from pledges.search import certificates
from pledges.views.papers import download
from portal.foundation.accounts import attempts
from portal.foundation.accounts.guards import public
from portal.foundation.core import addresses, check_codes, moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import PortalForm
from portal.foundation.core.intake.gate import glance
from portal.foundation.core.papers import Paper

GET_OR_POST = ["GET", "HEAD", "POST"]
# Codes that do not exist, and every look-up by number: numbers run on without gaps, so they could be tried one by one.
BY_ADDRESS = attempts.Limit("notice", 20, window=timedelta(minutes=10), pause=timedelta(minutes=10))
# Each dropped file is hashed and looked up; the limit keeps one address from keeping the server busy with it.
FILES = attempts.Limit("notice-file", 30, window=timedelta(minutes=10), pause=timedelta(minutes=10))
SLOW_DOWN = "查询次数过多，请 10 分钟后再试，或扫描通知书上的二维码核验。"
TOO_LARGE = f"文件超过 {verification.LONGEST // 1024 // 1024} MB，不是本通道签发的文书。"


class VerifyForm(PortalForm):
    q = forms.CharField(
        label="核验码或文书编号",
        max_length=60,
        help_text="核验码 12 位，印在文书二维码旁；文书编号如 渝质登〔2026〕000128号。",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class CompareForm(PortalForm):
    """A file to compare; it is read once and never kept."""

    paper = PaperField("所持的文书文件", "选择或拖入收到的 PDF 文件，只计算摘要和核对签章，不保存。", required=True)


@transaction.atomic(durable=True)
def look_up(text: str, *, address: str, now: datetime) -> tuple[Paper | None, bool]:
    """The paper of a code or number, or None; and whether this address tried too often before."""
    attempts.take_turn(BY_ADDRESS, address)
    if attempts.refused(BY_ADDRESS, address, now=now):
        return None, True
    paper = verification.by_code(text) or verification.by_number(text)
    if paper is None or paper.verify_code != notices.normalise_code(text):
        attempts.miss(BY_ADDRESS, address, now=now)
    return paper, False


@transaction.atomic(durable=True)
def _may_drop(address: str, *, now: datetime) -> bool:
    attempts.take_turn(FILES, address)
    if attempts.refused(FILES, address, now=now):
        return False
    attempts.miss(FILES, address, now=now)
    return True


def _patient(request: HttpRequest) -> bool:
    """Whether this address may have one more file looked at; each is counted, whichever form it comes from."""
    try:
        return _may_drop(addresses.network(request), now=moments.now())
    except OperationalError as error:
        if not attempts.queue_too_long(error):
            raise
        return False


def _patiently(text: str, request: HttpRequest) -> tuple[Paper | None, bool]:
    try:
        return look_up(text, address=addresses.network(request), now=moments.now())
    except OperationalError as error:
        if not attempts.queue_too_long(error):
            raise
        return None, True


@public
@never_cache
@require_http_methods(GET_OR_POST)
def verify(request: HttpRequest) -> HttpResponse:
    """The forms; a look-up counts tries, so it is no GET. A right code leads to its own address."""
    if request.method != "POST":
        return _form_page(request, VerifyForm(initial={"q": request.GET.get("q", "")[:60]}))
    if "drop" in request.POST:
        return _dropped(request)
    form = VerifyForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form, status=400)
    text = form.cleaned_data["q"]
    paper, slow = _patiently(text, request)
    if slow:
        form.add_error(None, SLOW_DOWN)
        return _form_page(request, form, status=429)
    if paper is not None and paper.verify_code == notices.normalise_code(text):
        return redirect("pledges:verify", paper.verify_code)
    return _result(request, paper, asked=text, by_number=True)


@public
@never_cache
@require_http_methods(GET_OR_POST)
def verified(request: HttpRequest, code: str) -> HttpResponse:
    """The address in the QR code. A code that exists is never slowed down; guesses are."""
    paper = verification.by_code(code)
    if paper is None:
        _, slow = _patiently(code, request)
        if slow:
            form = VerifyForm({"q": code})
            form.add_error(None, SLOW_DOWN)
            return _form_page(request, form, status=429)
    return _result(request, paper, asked=code)


@public
@never_cache
@require_safe
def certificate_pdf(request: HttpRequest, code: str) -> HttpResponse | FileResponse:
    """A search certificate for whoever holds its code: the same bytes every time. Other papers belong to their parties."""
    paper = verification.by_code(code)
    if not isinstance(paper, SearchCertificate):
        raise Http404
    try:
        printed = certificates.print_certificate(paper.pk)
    except DomainError as error:
        return _result(request, paper, asked=code, unprinted=error)
    return download(printed)


def _form_page(
    request: HttpRequest, form: VerifyForm, *, compare: CompareForm | None = None, status: int = 200
) -> HttpResponse:
    compare = compare or CompareForm()
    context = {"form": form, "compare": compare, "forms": [form, compare]}
    return render(request, "public/verify.html", context, status=status)


def _dropped(request: HttpRequest) -> HttpResponse:
    """A file without a code: which paper it is, whether it was changed, or that it is not ours."""
    compare = CompareForm(request.POST, request.FILES)
    body, status = _body(request.FILES.get("paper"), compare)
    if body is None:
        return _form_page(request, VerifyForm(), compare=compare, status=status)
    if not _patient(request):
        compare.add_error(None, SLOW_DOWN)
        return _form_page(request, VerifyForm(), compare=compare, status=429)
    finding = verification.by_file(body)
    name = getattr(request.FILES["paper"], "name", "")
    if finding.paper is None:
        context = {"form": VerifyForm(), "finding": finding, "compared": name, "compare": CompareForm()}
        return render(request, "public/verify_foreign.html", context, status=404)
    return _result(request, finding.paper, asked="", finding=finding, compared=str(name))


def _body(upload: "UploadedFile[Any] | list[object] | None", compare: CompareForm) -> tuple[bytes | None, int]:
    """The bytes of an upload, or None with the status and the sentence beside the field."""
    if not isinstance(upload, UploadedFile) or upload.file is None:
        compare.add_error("paper", "请选择要比对的文件。")
        return None, 400
    try:
        return glance(upload, most=verification.LONGEST, too_large=TOO_LARGE), 200
    except DomainError as refusal:
        compare.add_error("paper", refusal.reason)
        return None, refusal.status


def _result(
    request: HttpRequest,
    paper: Paper | None,
    *,
    asked: str,
    by_number: bool = False,
    finding: verification.Finding | None = None,
    compared: str = "",
    unprinted: DomainError | None = None,
) -> HttpResponse:
    """What anyone may know of a paper; parties' names are masked. With a file: whether it is this paper, to the byte."""
    if paper is None:
        code = notices.normalise_code(asked)
        looks_like_a_code = code.isascii() and code.isalnum() and not code.isdigit()  # else it was a number
        context: dict[str, Any] = {
            "form": VerifyForm(),
            "asked": asked[:60],
            "mistake": check_codes.mistake(code) if looks_like_a_code else "",
        }
        return render(request, "public/verify_result.html", context, status=404)
    comparing = request.method == "POST" and not finding and (not by_number or "compare" in request.POST)
    compare = CompareForm(request.POST, request.FILES) if comparing else CompareForm()
    status = unprinted.status if unprinted else 200
    if comparing:
        body, status = _body(request.FILES.get("paper"), compare)
        if body is not None and not _patient(request):
            compare.add_error("paper", SLOW_DOWN)
            status = 429
        elif body is not None:
            finding, compared = verification.compare(body, paper), str(getattr(request.FILES["paper"], "name", ""))
    certificate = paper if isinstance(paper, SearchCertificate) else None
    pledgor, pledgee = verification.registered_names(paper)
    context = {
        "notice": paper,
        "file": getattr(paper, "registration", None),
        # Numbers run on: whoever only counts them up must not read what others searched for.
        "certificate": certificate if certificate and not by_number else None,
        "pledgor": pledgor,
        "pledgee": pledgee,
        "standing": verification.standing(paper),
        "compare": compare,
        "forms": [compare],
        "asked": asked if by_number else "",
        "finding": finding,
        "compared": compared,
        "unprinted": unprinted,
    }
    return render(request, "public/verify_result.html", context, status=status)
