"""Mail about an account: who forgot the password gets a link, and who has a new password or second factor is told.

These go out at any hour, unlike reminders: somebody waits for them, or must hear of them at once.
"""

import smtplib
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage

from portal.foundation.accounts.models import User
from portal.foundation.core.moments import local
from portal.foundation.journal.models import Entry
from portal.foundation.journal.subscribers import Down

TRY_AGAIN = timedelta(seconds=15)
TOLD = {
    "person.password_changed": "登录密码已修改",
    "person.password_reset": "登录密码已通过链接重设",
    "person.second_added": "已启用第二重验证",
    "person.second_removed": "已移除一种第二重验证",
    "person.second_reset": "第二重验证已清除，下次登录时重新绑定",
    "person.recovery_renewed": "恢复码已重新生成，旧的不能再用",
    "person.sso_bound": "已绑定统一身份登录",
    "person.sso_unbound": "已解除统一身份登录的绑定",
    "person.phone_changed": "手机号已更换",
    "person.corrected": "本人资料已更正",
    "person.mail_confirmed": "邮箱已确认",
}


def send(message: EmailMessage, *, now: datetime) -> None:
    """Raises subscribers.Down while no mail server answers; a mail it refuses is that mail's failure."""
    try:
        message.send()
    except (smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError) as error:
        raise Down(now + TRY_AGAIN) from error
    except smtplib.SMTPException:
        raise
    except OSError as error:
        raise Down(now + TRY_AGAIN) from error


def tell(entry: Entry, now: datetime) -> None:
    """The journal's subscriber: what was changed about an account, to its owner, so that nobody else does it unnoticed."""
    user = User.objects.get(pk=int(entry.subject.partition(":")[2]))
    if not user.email:
        return
    what = TOLD[entry.verb]
    text = (
        f"{user.name}：\n\n{local(entry.at):%Y-%m-%d %H:%M}，您在平台的账号：{what}。\n\n"
        f"如果不是您本人操作，请马上修改密码并联系平台运维人员：{settings.PUBLIC_URL}\n"
    )
    send(EmailMessage(subject=what, body=text, to=[user.email]), now=now)
