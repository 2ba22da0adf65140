"""What allauth.mfa asks its surroundings: secrets are kept encrypted, and whose portal this is."""

import base64

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.encoding import force_bytes

NAME = "知识产权质押融资快速通道"


def _keys() -> MultiFernet:
    """Derived from the portal's secret; those it replaced (SECRET_KEY_FALLBACKS) still open what they closed."""
    secrets = [force_bytes(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    made = [HKDF(SHA256(), 32, salt=None, info=b"portal second factor").derive(secret) for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in made])


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """The portal's answers. allauth's mails are never asked for: the journal tells."""

    def encrypt(self, text: str) -> str:
        return _keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _keys().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        return NAME

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        return str(user.get_username())

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """A passkey belongs to the host of the address bar, which ALLOWED_HOSTS has let through."""
        return {"id": context.request.get_host().partition(":")[0], "name": NAME}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, object]:
        return {"id": str(user.pk).encode(), "display_name": str(user), "name": str(user.get_username())}
