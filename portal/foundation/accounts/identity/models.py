"""What is kept of passwords and ways in. Second factors and lists of sessions are allauth's own tables."""

from django.db import models


class PasswordRecord(models.Model):
    """A password somebody had, as its hash: none of the last five may be taken again, and its day says how old it is."""

    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="passwords")
    encoded = models.CharField(max_length=128)
    set_at = models.DateTimeField()

    class Meta:
        verbose_name = "用过的密码"
        verbose_name_plural = verbose_name
        indexes = [models.Index(fields=["user", "-set_at"], name="password_record_recent")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.set_at:%F}"


class ResetLink(models.Model):
    """A way back in for who forgot the password: a link that works once, for half an hour, while the password stays what it was."""

    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="+")
    token_digest = models.CharField(
        max_length=64, unique=True
    )  # SHA-256: the link itself is nowhere but in the message
    made_for = models.CharField(max_length=64)  # digest of the password it replaces: another password, no use
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "重设密码链接"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%F %T}"


class SsoBinding(models.Model):
    """A person's identity at the government's single sign-on: bound once, after an ordinary log-in, by the person."""

    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="sso_bindings")
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=255)
    bound_at = models.DateTimeField()

    class Meta:
        verbose_name = "统一身份绑定"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="sso_subject_once"),
            models.UniqueConstraint(fields=["user", "issuer"], name="sso_person_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.issuer}"
