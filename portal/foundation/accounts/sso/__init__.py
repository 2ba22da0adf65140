"""The government's single sign-on (渝快办): who speaks to it, a stand-in for it, and whom a subject belongs to here."""
