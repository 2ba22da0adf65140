"""Realising a pledge after a default: listing, offers, result, distribution of the proceeds, compensation by guarantors."""
