"""The source: presets, sign-in, rate budget, RESO client, mapping of records to listings. Knows no store, no screen."""
