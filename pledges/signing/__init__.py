"""Both parties sign the application form's data: what is signed, by whom, through which provider, and whether it holds."""
