"""How the portal knows who somebody is: passwords, second factors, sessions, ways back in."""
