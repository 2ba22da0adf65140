"""What a person corrects about themselves: name, mail address, phone (个人信息保护法 article 46)."""

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.foundation.accounts import own, phone_codes
from portal.foundation.accounts.forms_identity import CodeForm, OwnDataForm, OwnPhoneForm
from portal.foundation.accounts.guards import allow, public
from portal.foundation.accounts.identity import own_mail
from portal.foundation.accounts.middleware import actor_of, membership_of
from portal.foundation.accounts.proving import proven
from portal.foundation.core import addresses, moments
from portal.foundation.core.errors import DomainError
from portal.foundation.core.forms import place
from portal.foundation.core.rates import Rate, limited

# Each may send a message, and tells whether a number is known here.
CORRECTING = Rate("own-data", 20, timedelta(hours=1))
CODES = Rate("own-phone-code", 60, timedelta(hours=1))
OPENING = Rate("mail-confirm", 60, timedelta(minutes=10))


def _trail() -> list[tuple[str, str]]:
    return [(reverse("profile"), "单位和账号")]


@allow()
@limited(CORRECTING, methods=("POST",))
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@proven
def me(request: HttpRequest) -> HttpResponse:
    """The own name and mail address; the address counts once the link sent there was opened."""
    user = membership_of(request).user
    start = {"name": user.name, "email": user.mail_wanted or user.email}
    form = OwnDataForm(request.POST if request.method == "POST" else None, initial=start)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        changed = own.correct(data["name"], data["email"], actor=actor_of(request), now=moments.now())
        sent = "确认链接已发往新邮箱，24 小时内打开有效。" if changed.mail_wanted else ""
        messages.success(request, f"已保存。{sent}")
        return redirect("profile")
    context = {"form": form, "waits": user.mail_wanted, "trail": _trail()}
    return render(request, "accounts/own_edit.html", context, status=400 if form.errors else 200)


@allow()
@limited(CORRECTING, methods=("POST",))
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@proven
def phone(request: HttpRequest) -> HttpResponse:
    """Another phone: by a code sent to it, where texts can be sent."""
    user, now = membership_of(request).user, moments.now()
    form = OwnPhoneForm(request.POST if request.method == "POST" else None)
    status = 400
    if request.method == "POST" and form.is_valid():
        number = form.cleaned_data["phone"]
        try:
            if phone_codes.by_text():
                address = addresses.network(request)
                phone_codes.change(request.session, user, number, address=address, now=now)
                return redirect("own-phone-code")
            own.change_phone(number, actor=actor_of(request), now=now)
        except DomainError as error:
            place(form, error)
            status = error.status
        else:
            messages.success(request, "手机号已更换。")
            return redirect("profile")
    context = {"form": form, "phone": user.phone, "texts": phone_codes.by_text(), "trail": _trail()}
    return render(request, "accounts/own_phone.html", context, status=status if form.errors else 200)


@allow()
@limited(CODES, methods=("POST",))
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@proven
def phone_code(request: HttpRequest) -> HttpResponse:
    """The code that came to the new phone."""
    actor, now = actor_of(request), moments.now()
    kept = phone_codes.waiting(request.session, now=now, what="user")
    if kept is None or kept["user"] != actor.user_id:
        messages.info(request, "验证码已失效或输错太多次，请重新填写手机号。")
        return redirect("own-phone")
    form = CodeForm(request.POST if request.method == "POST" else None, help_text="短信里的 6 位数字，10 分钟内有效。")
    if request.method == "POST" and form.is_valid():
        try:
            kept = phone_codes.confirm(request.session, form.cleaned_data["code"], now=now)
            own.change_phone(kept["phone"], actor=actor, now=now)
        except DomainError as error:
            place(form, error)
            request.refused_as = "wrong-code"  # type: ignore[attr-defined]  # read by journal.refusals
        else:
            del request.session[phone_codes.KEY]
            messages.success(request, "手机号已更换。")
            return redirect("profile")
    context = {"form": form, "tail": kept["to"][-4:], "shown": kept["shown"], "trail": _trail()}
    return render(request, "accounts/own_phone_code.html", context, status=400 if form.errors else 200)


@public
@limited(OPENING)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Opened from the mail, in whatever browser; a press of the button, because mail programs open links by themselves."""
    if own_mail.find(token) is None:
        raise Http404
    if request.method == "POST":
        own_mail.confirm(token, now=moments.now())
        messages.success(request, "邮箱已确认。")
        return redirect("profile" if getattr(request, "actor", None) else "login")
    return render(request, "accounts/mail_confirm.html")
