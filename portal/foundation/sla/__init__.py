"""The working-day calendar and the clocks that keep the two promises."""
