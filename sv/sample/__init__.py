"""The sample shop: sixty days of an invented kitchenware shop, for `sv dev --sample` and `sv serve --sample`.

Answers for 30,000 events of 2,000 persons with stories planted in them (docs/sample-shop.md tells them).
Assumes nothing but a clock reading and a seed, both arguments; never does I/O, never reads a clock and
imports nothing but the standard library and msgspec, because it stands in the start-up path of the demo.

    shop      shop_events: the whole, from plan to sorted events
    wire      the event as a client would send it
    stories   what was planted, when, and the rates before, during and after
    rhythm    when sessions begin
    visitors  who comes: devices, countries, names
    catalogue what is sold and what the pages are called
    arrival   by which way somebody comes, and on which page
    journey   what happens in one session

**Where the figures come from.** Nothing was copied; three public data sets were measured and their shapes
followed.

*Retentioneering's e-commerce sample* (`datasets/ecom` of the `retentioneering` package: 31,106 events,
3,605 sessions of 600 users; itself synthetic):

- share of sessions with a product view 0.80, add to cart 0.34, checkout 0.22, purchase 0.13; of checkouts
  paid 0.59, and 0.64 on desktops, away from the fault planted on its phones. Ours: `stories.USUAL`.
- sessions of 8.6 events on average, 90 % of them within 17, never over 26. Ours are of 8.3, 90 % within 17,
  with a longer tail.
- gaps between steps within a session: lognormal with mu 4.29 and sigma 1.28 of seconds (median 86 s, mean
  136 s, none over 28 minutes); 90 % of sessions within 37 minutes, 99 % within 57. Ours:
  `journey.Journey.wait`.
- sessions by platform: desktop 52 %, mobile 36 %, tablet 12 %; a third of its users come by more than one.
- hours of the day (8 to 22, none at night) and days of the week (13.4 % to 15.9 %, Tuesday first).
- sessions by channel: organic 36 %, paid 28 %, email 16 %, social 15 %, direct 4 %.
- median of 11 days between a user's sessions over half a year. Ours, in sixty days:
  `rhythm.RETURN_MEAN_DAYS`.

*Elastic's sample Apache access log* (`elastic/examples`, semicomplete.com, May 2015; real; its 1,935 page
views of 948 visitors with a browser's User-Agent and no bot's):

- hours of the day with their night, averaged with the shop's and smoothed over three hours:
  `rhythm.HOUR_WEIGHTS`.
- heavy tail: the busiest tenth of visitors makes 43 % of the page views, the busiest hundredth 19 %.
- 70 % of its sessions are a single page: a blog's habit, of which the shop gets a fifth.
- of pages not reached from another of its own 60 % have no referrer, 22 % come from search engines, 18 % from
  other sites; our channels lie between this and the shop's.

*NASA-HTTP* (Kennedy Space Center server, 1 August 1995, as kept by the Internet Traffic Archive; real): the
busiest tenth of hosts makes 46 % of the page views, the busiest hundredth 14 %, against 17 % in
the shop's sample, which has none. Ours makes 38 %: `visitors.TAIL`.

Browsers, countries, names, products, prices and every story are our own: the logs' browsers are too old to
show.
"""
