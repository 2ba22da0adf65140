"""What happens to a pledge after its registration: change, cancellation, partial release, revocation, consents, history."""
