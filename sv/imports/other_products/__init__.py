"""Readers for the exports of other analytics products: a module for each product; `choosing` picks one.

Each module names where the product's format is described. Events keep the names that the product gave them. Identities, times, sessions and
the properties that lists and filters look at (`$current_url`, `$browser`, `$os`, `$device_type`, `$country`) are converted to ours;
everything else becomes a property. IP addresses are left out: this server keeps none either.
"""
