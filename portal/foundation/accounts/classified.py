"""How much harm each text field of this app does when it gets out (portal.foundation.core.classes)."""

from portal.foundation.core.classes import classify

classify("accounts.District", public="name kind")
classify("accounts.Industry", public="name")
classify(
    "accounts.Organisation",
    internal="sort_key",
    personal="address contact_name contact_phone",
    public="name short_name uscc",
    business="tiers",
)
classify("accounts.User", personal="username first_name last_name email mail_wanted name phone", sensitive="password")
classify("accounts.Invitation", internal="token_digest", personal="phone")
classify("accounts.Attempt", internal="scope key")
classify("accounts.PasswordRecord", sensitive="encoded")
classify("accounts.ResetLink", sensitive="token_digest made_for")
classify("accounts.SsoBinding", internal="issuer", personal="subject")
# allauth's tables: of the mail addresses none is used.
classify("account.EmailAddress", personal="email")
classify("account.EmailConfirmation", sensitive="key")
classify("mfa.Authenticator", sensitive="data")
classify("usersessions.UserSession", internal="data", personal="user_agent", sensitive="session_key")
