"""What other products export, as events of ours: a module a product, chosen by `choosing`.

Each names where its format is described. What a product knows by the same name stays so; identities, times, sessions and what lists
and filters look at (`$current_url`, `$browser`, `$os`, `$device_type`, `$country`) become ours; all else becomes properties. IP addresses
are left out: this server keeps none either.
"""
